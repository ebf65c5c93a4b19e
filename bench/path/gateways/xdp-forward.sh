# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# In clear, by XDP: what a route, a TTL and a redirect cost without any sealing. XDP does not see that a checksum is
# pending, and a veth takes a redirected frame only where its other end has NAPI.

offloads=nic

peer_up() {
	plain_routes && attach_forward "$SITE_A" && attach_forward "$SITE_B"
	# Frames are counted as they are.
	wire_header=$ETHERNET_HEADER
}

attach_forward() {
	local device

	for device in lan0 eth0; do
		in_ns "$1" ip link set dev $device xdpdrv object "$OUTPUT/forward.bpf.o" section xdp.frags || return 1
	done
}

peer_frame() {
	echo $((wire_header + IP_HEADER + $(transport_header "$1") + $2))
}
