# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer and bench/path/gateway
#
# The kernel's WireGuard between the two sites, wg0: what its rows share.

modules=wireguard
WIREGUARD_HEADER=16 WIREGUARD_TAG=16

# wireguard_up ENDPOINT-A ENDPOINT-B ALLOWED-A ALLOWED-B: ALLOWED-A is what A has, and B allows it.
wireguard_up() {
	(umask 077 && wg genkey >"$WORK/wg-a" && wg genkey >"$WORK/wg-b") || return 1
	wireguard_end "$SITE_A" "$WORK/wg-a" "$(wg pubkey <"$WORK/wg-b")" "$4" "$2" &&
		wireguard_end "$SITE_B" "$WORK/wg-b" "$(wg pubkey <"$WORK/wg-a")" "$3" "$1"
}

# wireguard_end NAMESPACE KEY-FILE PEER-KEY ALLOWED ENDPOINT
wireguard_end() {
	local endpoint=$5

	[[ $endpoint != *:* ]] || endpoint=[$endpoint]
	ip -n "$1" link add wg0 mtu 1500 type wireguard &&
		in_ns "$1" wg set wg0 listen-port 51820 private-key "$2" \
			peer "$3" allowed-ips "$4" endpoint "$endpoint:51820" &&
		ip -n "$1" link set dev wg0 up
}

# wireguard_message LENGTH: of what an inner packet becomes, with the UDP header. The plaintext is padded to 16 bytes.
wireguard_message() {
	echo $((UDP_HEADER + WIREGUARD_HEADER + ($1 + 15) / 16 * 16 + WIREGUARD_TAG))
}

# It counts bytes: those of its messages, so that the headers around them are what the wire has more.
peer_counts() {
	local a b

	a=$(in_a wg show wg0 transfer) b=$(in_b wg show wg0 transfer)
	read -r _ opened_a sealed_a <<<"$a"
	read -r _ opened_b sealed_b <<<"$b"
}
