# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec, tunnel mode: a device to route into.
# shellcheck source=bench/path/xdpsec.sh
. "$path/xdpsec.sh"

protocols="tcp udp ping"

peer_up() {
	local XDP=native INTERFACE_LINES="MTU = 1500"
	local TUNNEL_ADDRESSES_A TUNNEL_ADDRESSES_B ALLOWED_A ALLOWED_B

	from=$TUNNEL_A4 to=$TUNNEL_B4
	TUNNEL_ADDRESSES_A=$from/25 TUNNEL_ADDRESSES_B=$to/25 ALLOWED_A=$to/32 ALLOWED_B=$from/32
	if [ -n "${AGREED:-}" ]; then write_agreed_configs; else write_tunnel_configs; fi
	xdpsec_start
}

peer_frame() {
	local inner=$((IP4_HEADER + $(transport_header "$1") + $2))

	xdpsec_frame $((IP4_OVERHEAD + inner))
}
