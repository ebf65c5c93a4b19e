#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two sites with files of wg-quick: what `xdpsec import` makes of them is a tunnel, with their addresses and keys.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$(dirname "$0")/lib/agree.sh"

make_sites
agreed_keys
psk=$("$XDPSEC" genpsk)
mkdir -p "$WORK/state-a" "$WORK/state-b" "$WORK/wg-a" "$WORK/wg-b"

# write_wg SITE OTHER ADDRESSES ENDPOINT ALLOWED-IPS
write_wg() {
	(umask 077 && cat >"$WORK/wg-$1/wg0.conf") <<-END
		[Interface]
		Address = $3
		ListenPort = 51820
		PrivateKey = $(<"$WORK/$1.private")

		# site-$2
		[Peer]
		PublicKey = $(<"$WORK/$2.public")
		PresharedKey = $psk
		${4:+Endpoint = $4}
		AllowedIPs = $5
		PersistentKeepalive = 25
	END
}

# B does not know where A is, as if A were behind NAT.
write_wg a b "$TUNNEL_A4/25, $TUNNEL_A6/64" "$B4:51820" "$TUNNEL_B4/32, $TUNNEL_B6/128"
write_wg b a "$TUNNEL_B4/25, $TUNNEL_B6/64" "" "$TUNNEL_A4/32, $TUNNEL_A6/128"

ok "import at A" xdpsec_a import "$WORK/wg-a/wg0.conf" -o "$WORK/$NAME_A.conf"
like "its device is that of the route to B" "$(<"$WORK/$NAME_A.conf")" $'\nDevice = eth0\n'
ok "import at B" xdpsec_b import "$WORK/wg-b/wg0.conf" -o "$WORK/$NAME_B.conf"
like "its device is that of the default route" "$(<"$WORK/$NAME_B.conf")" $'\nDevice = eth0\n'
refuses "nothing is there before up" in_a ping -c1 -W1 "$TUNNEL_B4"

ok "check at A" xdpsec_a check "$WORK/$NAME_A.conf"
ok "up at B" xdpsec_b up "$WORK/$NAME_B.conf"
defer down_b
ok "up at A" xdpsec_a up "$WORK/$NAME_A.conf"
defer down_a
ok "ping through the tunnel, IPv4" wait_for 20 in_a ping -c1 -W1 "$TUNNEL_B4"
ok "ping through the tunnel, IPv6" wait_for 20 in_a ping -c1 -W1 "$TUNNEL_B6"
ok "and from B, which has learned where A is" in_b ping -c1 -W5 "$TUNNEL_A4"
like "status shows the names of the comments" "$(xdpsec_a status "$NAME_A")" 'site-b'
like "and the handshake" "$(xdpsec_a status "$NAME_A")" 'latest handshake'

done_testing
