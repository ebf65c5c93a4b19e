# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# The kernel's WireGuard: ChaCha20-Poly1305, tunnelled in UDP.
# shellcheck source=bench/path/wireguard.sh
. "$path/wireguard.sh"

protocols="tcp udp ping"
counts_bytes=$((ETHERNET_HEADER + IP4_HEADER + UDP_HEADER))

peer_up() {
	from=$TUNNEL_A4 to=$TUNNEL_B4
	wireguard_up $A4 $B4 $from/32 $to/32 && add_address "$SITE_A" wg0 $from/25 && add_address "$SITE_B" wg0 $to/25
}

peer_frame() {
	echo $((ETHERNET_HEADER + IP4_HEADER + $(wireguard_message $((IP4_HEADER + $(transport_header "$1") + $2)))))
}
