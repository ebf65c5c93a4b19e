# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # read by bench/path/peer
#
# VXLAN in clear, without offloads on the wire: what is below XDPsec's row for VXLAN.

protocols="tcp udp ping"

peer_up() {
	from=$TUNNEL_A4 to=$TUNNEL_B4
	plain_wire && make_tunnel 4 1500 vxlan id 42 local LOCAL remote REMOTE dstport 4789
}

peer_frame() {
	local inner=$((ETHERNET_HEADER + IP4_HEADER + $(transport_header "$1") + $2))

	echo $((ETHERNET_HEADER + IP4_HEADER + UDP_HEADER + VXLAN_HEADER + inner))
}
