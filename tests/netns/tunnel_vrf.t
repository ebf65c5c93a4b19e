#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tunnel mode where the underlay is in a VRF: routes to the peers are in its table only.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

TABLE=10

# Its addresses and routes of IPv6 go when a device moves.
into_vrf() {
	ip -n "$SITE_A" link set dev eth0 master red && add_address "$SITE_A" eth0 "$A6/64" &&
		ip -n "$SITE_A" route replace default via 192.0.2.254 table $TABLE &&
		ip -n "$SITE_A" route replace default via 2001:db8:a::fe dev eth0 table $TABLE
}
out_of_vrf() {
	ip -n "$SITE_A" link set dev eth0 nomaster && add_address "$SITE_A" eth0 "$A6/64" &&
		ip -n "$SITE_A" route replace default via 192.0.2.254 &&
		ip -n "$SITE_A" route replace default via 2001:db8:a::fe dev eth0
}
warnings() { status_a '.warnings | join("|")'; }
far() { ip -n "$SITE_A" -j link | jq -r '.[].ifname | select(startswith("xst"))'; }
far_master() { ip -n "$SITE_A" -j link show dev "$(far)" | jq -r '.[0].master // "none"'; }
reload_a() { xdpsec_a reload "$NAME_A"; }
# works NAME: both ways, and nothing is wrong
works() {
	ok "$1: A reaches B" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B4
	ok "$1: over IPv6" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B6
	ok "$1: B reaches A" wait_for 5 in_b ping -c1 -W1 $TUNNEL_A4
	is "$1: no warning" "$(warnings)" ""
}

make_sites
if ! has_link_type vrf table $TABLE; then
	skip "the underlay in a VRF" "this kernel has no VRF"
	done_testing
	exit
fi
ip -n "$SITE_A" link add red type vrf table $TABLE
ip -n "$SITE_A" link set dev red up
for UNDERLAY in 4 6; do
	name="over IPv$UNDERLAY"
	into_vrf
	PEER_LINES="PersistentKeepalive = 5" write_tunnel_configs
	# shellcheck disable=SC2046 # none, or one word
	ok "$name: check" xdpsec_a check "$WORK/$NAME_A.conf" $(new_key "$WORK/state-a")
	unlike "$name: check warns of nothing" "$TAP_OUTPUT" "warning"
	ok "$name: up" up || bail "not up"
	is "$name: the far end" "$(far_master)" red
	works "$name: in a VRF"

	ok "$name: out of it" out_of_vrf
	like "$name: out of it: a warning" "$(warnings)" "eth0 was moved into a VRF, or out of one.*xdpsec reload $NAME_A"
	ok "$name: out of it: reload" reload_a
	is "$name: out of it: the far end" "$(far_master)" none
	works "$name: out of it"

	ok "$name: into it" into_vrf
	like "$name: into it: a warning" "$(warnings)" "eth0 was moved into a VRF, or out of one.*xdpsec reload $NAME_A"
	ok "$name: into it: reload" reload_a
	is "$name: into it: the far end" "$(far_master)" red
	works "$name: into it"
	is "$name: it still asks for keepalives" "$(ip -n "$SITE_A" -j neigh show dev "$(far)" | jq length)" 1
	ok "$name: down" down
	out_of_vrf
done
ip -n "$SITE_A" link del dev red
ok "nothing is left" no_trace
done_testing
