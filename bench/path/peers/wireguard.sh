# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # read by bench/path/peer
#
# The kernel's WireGuard: ChaCha20-Poly1305, tunnelled in UDP.

protocols="tcp udp"
modules=wireguard
WIREGUARD_HEADER=16 WIREGUARD_TAG=16

# make_end NAMESPACE ADDRESS PEER-KEY ALLOWED-ADDRESS ENDPOINT KEY-FILE
make_end() {
	ip -n "$1" link add wg0 mtu 1500 type wireguard &&
		in_ns "$1" wg set wg0 listen-port 51820 private-key "$6" \
			peer "$3" allowed-ips "$4/32" endpoint "$5:51820" &&
		add_address "$1" wg0 "$2/25"
}

peer_up() {
	from=$TUNNEL_A4 to=$TUNNEL_B4
	(umask 077 && wg genkey >"$WORK/wg-a" && wg genkey >"$WORK/wg-b") || return 1
	make_end "$SITE_A" $from "$(wg pubkey <"$WORK/wg-b")" $to $B4 "$WORK/wg-a" &&
		make_end "$SITE_B" $to "$(wg pubkey <"$WORK/wg-a")" $from $A4 "$WORK/wg-b"
}

# The plaintext is padded to 16 bytes.
peer_frame() {
	local inner=$((IP4_HEADER + $(transport_header "$1") + $2))

	echo $((ETHERNET_HEADER + IP4_HEADER + UDP_HEADER + WIREGUARD_HEADER + (inner + 15) / 16 * 16 + WIREGUARD_TAG))
}

# It counts bytes: those of its messages, so that the headers around them are what the wire has more.
counts_bytes=$((ETHERNET_HEADER + IP4_HEADER + UDP_HEADER))
peer_counts() {
	local a b

	a=$(in_a wg show wg0 transfer) b=$(in_b wg show wg0 transfer)
	read -r _ opened_a sealed_a <<<"$a"
	read -r _ opened_b sealed_b <<<"$b"
}
