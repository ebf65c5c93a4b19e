#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Peers that move, and NAT in between: B learns where A is from what A's key has sealed, and from nothing else.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

endpoint_b() { status_b '.peers[0].endpoint'; }
endpoint_is() { [[ $(endpoint_b) =~ $1 ]]; }

# move_a ADDRESS: A's only one
move_a() {
	ip -n "$SITE_A" -4 address flush dev eth0
	ip -n "$SITE_A" address add "$1/24" dev eth0
	ip -n "$SITE_A" route replace default via 192.0.2.254
}

# nat FIRST-LAST: what A sends leaves the middle with these source ports. Flows that are known keep theirs, so that
# what is known has to go.
nat() {
	in_middle nft "table ip nat { chain post { type nat hook postrouting priority 100; }; }; flush chain ip nat post;
		add rule ip nat post oifname b udp sport 7253 masquerade to :$1" 2>&1
}

make_sites
INTERFACE_LINES="SourcePort = listen" ENDPOINT_A="" write_tunnel_configs
ok "up" up || bail "not up"

is "B does not know where A is" "$(endpoint_b)" null
refuses "and cannot send to it" in_b ping -c1 -W1 $TUNNEL_A4
like "which is answered" "$TAP_OUTPUT" "Host Unreachable"
is "and counted" "$(drops_b no_endpoint)" 1
ok "A speaks" in_a ping -c1 -W10 $TUNNEL_B4
is "B knows" "$(endpoint_b)" "$A4:7253"
ok "and can send" in_b ping -c1 -W10 $TUNNEL_A4

# A moves to another address.
capture_start old b "udp port 7253"
move_a 192.0.2.77
ok "A speaks from elsewhere" in_a ping -c1 -W10 $TUNNEL_B4
capture_stop old
is "B follows" "$(endpoint_b)" "192.0.2.77:7253"
ok "and sends there" in_b ping -c1 -W10 $TUNNEL_A4

# Somebody who replays what A sent, or sends something else, from an address of his own does not move it.
mac=$(mac "$SITE_B" eth0)
before=$(status_b '.drops.replayed + .drops.auth_failed')
packets "$MIDDLE" inject b "$WORK/old.pcap" --port 7253 --index 0 --source 192.0.2.99 --mac "$mac"
packets "$MIDDLE" inject b "$WORK/old.pcap" --port 7253 --index 0 --source 192.0.2.99 --sequence 99999 --mac "$mac"
ok "replayed and forged packets are dropped" \
	wait_for 5 sh -c "[ \$($XDPSEC -n $SITE_B status $NAME_B -j | jq '.drops.replayed + .drops.auth_failed') = $((before + 2)) ]"
is "and do not move the peer" "$(endpoint_b)" "192.0.2.77:7253"
ok "down" down

# NAT that binds anew.
move_a $A4
if nat 10000-10999 >"$WORK/nat"; then
	INTERFACE_LINES="SourcePort = listen" PEER_LINES="PersistentKeepalive = 1" ENDPOINT_A="" write_tunnel_configs
	ok "NAT: up" up || bail "not up"
	ok "NAT: A's keepalives tell B where it is, without other traffic" wait_for 30 endpoint_is "^198.51.100.254:10[0-9]{3}$"
	ok "NAT: B can send" in_b ping -c1 -W10 $TUNNEL_A4
	is "NAT: both say that the other is alive" "$(status_a '.peers[0].state') $(status_b '.peers[0].state')" "alive alive"
	nat 20000-20999 >/dev/null
	# The router forgets, as after a restart.
	if in_middle conntrack -F >"$WORK/flush" 2>&1; then
		ok "NAT: a new binding is followed, by keepalives alone" wait_for 30 endpoint_is "^198.51.100.254:20[0-9]{3}$"
		ok "NAT: B can send again" in_b ping -c1 -W10 $TUNNEL_A4
	else
		skip "a new binding" "conntrack cannot flush: $(tail -n 1 "$WORK/flush")"
	fi
	ok "NAT: down" down
else
	skip "NAT" "no masquerading with nftables: $(tail -n 1 "$WORK/nat")"
fi

# Ports by flow. A sends from its ListenPort, and so follows; B does not, and so should not be followed; but nothing is
# lost where it is.
in_middle nft delete table ip nat 2>/dev/null
both_ways() { in_a ping -c2 -i.2 -W2 $TUNNEL_B4 && in_b ping -c2 -i.2 -W2 $TUNNEL_A4 && in_b ping -c2 -i.2 -W2 $TUNNEL_A6; }
endpoint_a() { status_a '.peers[0].endpoint'; }
write_tunnel_configs
sed -i '/^ListenPort/a SourcePort = listen' "$WORK/$NAME_A.conf"
ok "ports by flow: up" up || bail "not up"
is "ports by flow: A would follow" "$(status_a '.peers[0].roaming')" true
ok "ports by flow: both ways" both_ways
is "ports by flow: the port of the Endpoint stays" "$(endpoint_a)" "$B4:7253"
is "ports by flow: A says nothing" "$(status_a '.warnings | length')" 0
# To another address it is followed, whatever the port is.
move_b() {
	ip -n "$SITE_B" -4 address flush dev eth0
	ip -n "$SITE_B" address add "$1/24" dev eth0
	ip -n "$SITE_B" route replace default via 198.51.100.254
}
move_b 198.51.100.77
ok "ports by flow: B speaks from elsewhere" in_b ping -c2 -i.2 -W2 $TUNNEL_A4
like "ports by flow: A follows" "$(endpoint_a)" "^198.51.100.77:"
ok "ports by flow: both ways again" both_ways
move_b $B4
# Until B speaks, A sends to where B was.
ok "ports by flow: B is back" in_b ping -c2 -i.2 -W2 $TUNNEL_A4
ok "ports by flow: B is back: both ways" both_ways

# Without an Endpoint there is nothing but the port that a packet comes from.
sed -i '/^Endpoint/d' "$WORK/$NAME_A.conf"
ok "ports by flow, learned: down" down_a
ok "ports by flow, learned: up" up_a
ok "ports by flow, learned: B speaks" in_b ping -c1 -W10 $TUNNEL_A4
like "ports by flow, learned: A follows to a port of a flow" "$(endpoint_a)" "^$B4:(49[1-9]|5|6)"
# Many flows, each from its own port.
flows() {
	local i

	for i in {1..40}; do
		echo "$i" >"/dev/udp/$TUNNEL_A4/$((9000 + i))"
	done 2>/dev/null
}
export TUNNEL_A4
export -f flows
hops() { in_b bash -c flows; in_a ping -c1 -W2 $TUNNEL_B4 >/dev/null; [ "$(status_a '.warnings | length')" = 1 ]; }
ok "ports by flow, learned: A hops from port to port, and says so" wait_for 10 hops
like "ports by flow, learned: what it says" "$(status_a '.warnings[0]')" "site-b: its source port changes with each flow.*SourcePort = listen there"
ok "ports by flow, learned: nothing is lost" both_ways
is "ports by flow, learned: nothing is dropped" "$(all_drops_b | sed 's/stray=[0-9]*//')" ""
sed -i "/^AllowedIPs/i Endpoint = $B4:7253" "$WORK/$NAME_A.conf"
ok "ports by flow, learned: an Endpoint, by reload" xdpsec_a reload "$NAME_A"
is "ports by flow, learned: it is there" "$(endpoint_a)" "$B4:7253"
is "ports by flow, learned: and no warning any more" "$(status_a '.warnings | length')" 0
ok "ports by flow: the other way" both_ways
is "ports by flow: it stays there" "$(endpoint_a)" "$B4:7253"
ok "ports by flow: down" down

# Without roaming the configuration is what counts.
in_middle nft delete table ip nat 2>/dev/null
write_tunnel_configs
ok "no roaming: up" up || bail "not up"
move_a 192.0.2.77
capture_start stays b "udp port 7253 and src $B4"
in_a ping -c1 -W1 $TUNNEL_B4 >/dev/null
capture_stop stays
is "no roaming: the answer goes to the old address" "$(udp_of stays 'map(.destination)')" "[\"$A4\"]"
is "no roaming: B stays" "$(endpoint_b)" "$A4:7253"
ok "down" down
ok "nothing is left" no_trace
done_testing
