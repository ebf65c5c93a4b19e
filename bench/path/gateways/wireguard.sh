# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# The kernel's WireGuard: ChaCha20-Poly1305, tunnelled in UDP.
# shellcheck source=bench/path/wireguard.sh
. "$path/wireguard.sh"

peer_up() {
	counts_bytes=$((wire_header + IP_HEADER + UDP_HEADER))
	wireguard_up "$WIRE_A" "$WIRE_B" "$NET_A" "$NET_B" && ip -n "$SITE_A" route add "$NET_B" dev wg0 &&
		ip -n "$SITE_B" route add "$NET_A" dev wg0
}

peer_frame() {
	echo $((wire_header + IP_HEADER + $(wireguard_message $((IP_HEADER + $(transport_header "$1") + $2)))))
}
