# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# The kernel's WireGuard.

rival_available() {
	command -v wg >/dev/null || { echo "no wg (package wireguard-tools)"; return 1; }
	ip link add xcmp-probe type wireguard 2>/dev/null || { echo "the kernel has no WireGuard"; return 1; }
	ip link del xcmp-probe
}

rival_keys() {
	local site

	for site in a b; do
		wg genkey >"$DIR/wg-$site" && wg pubkey <"$DIR/wg-$site" >"$DIR/wg-$site.pub" || return 1
	done
}

make_link() { ip link add "$LINK" type wireguard; }

rival_up() {
	make_link || return 1
	wg set "$LINK" listen-port 51820 private-key "$DIR/wg-$SITE" peer "$(<"$DIR/wg-$OTHER_SITE.pub")" \
		allowed-ips "$INNER_OTHER/32" endpoint "$OTHER:51820" &&
		ip address add "$INNER/32" peer "$INNER_OTHER/32" dev "$LINK" && ip link set dev "$LINK" mtu "$MTU" up
}

rival_down() { ip link del "$LINK"; }
rival_settings() { echo "ChaCha20-Poly1305 in the kernel"; }
