# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec, inline: a VXLAN tunnel between the two sites is sealed. It has no UDP checksum, as docs/deployment.md says.
# shellcheck source=bench/path/xdpsec.sh
. "$path/xdpsec.sh"

protocols="tcp udp ping"

peer_up() {
	from=$TUNNEL_A4 to=$TUNNEL_B4
	xdpsec_up && make_tunnel 4 1500 vxlan id 42 local LOCAL remote REMOTE dstport 4789 noudpcsum
}

peer_frame() {
	local inner=$((ETHERNET_HEADER + IP4_HEADER + $(transport_header "$1") + $2))

	xdpsec_frame $((IP4_OVERHEAD + VXLAN_HEADER + inner))
}
