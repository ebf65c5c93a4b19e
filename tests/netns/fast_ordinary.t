#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fast path of gateways without a firewall: what it does to a packet, what takes the ordinary way and arrives as well,
# and devices that change while it is up.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/lans.sh
. "$here/lans.sh"

only_with_fast

mac_b=02:00:00:00:00:b1

make_gateways
gateways_up
before=$(fast_counts)
transfer "host to host" "$HOST" "$HOST_B" $HOST_B4 1000000
read -r out_a _ _ in_b_ <<<"$(fast_since "$before")"
ok "TCP by the fast path ($out_a, $in_b_ packets)" test "$out_a" -gt 400 -a "$in_b_" -gt 400
transfer "IPv6, back" "$HOST_B" "$HOST" $HOST6 300000

# Two gateways, so two less; DSCP and ECN as sent; all sums right.
start_sink "$HOST_B" $HOST_B4 5202 "$WORK/sink" --expect 4 --marker "$MARKER"
rm -f "$WORK/inside.pcap"
start "$HOST_B" "$WORK/inside" tcpdump -i eth0 -U --immediate-mode -n -c 4 -w "$WORK/inside.pcap" udp port 5202
inside=$STARTED
wait_for 10 grep -q 'listening on' "$WORK/inside.err"
packets "$HOST" send $HOST_B4 5202 --count 4 --rate 20 --ttl 77 --tos 0xb9 --size 200 --marker "$MARKER" >/dev/null
ok "datagrams arrive" wait_for 5 ended "$SINK"
wait_for 5 ended "$inside"
is "two less of TTL; DSCP and ECN as sent; checksums right" \
	"$(udp_of inside 'map([.ttl, .tos, .checksum, .header_ok]) | unique')" "[[75,$((0xb9)),\"ok\",true]]"

# What is unusual.
before=$(fast_counts)
ok "ping" in_ns "$HOST" ping -c2 -i0.2 -W5 $HOST_B4
ok "ping, IPv6" in_ns "$HOST" ping -c2 -i0.2 -W5 $HOST_B6
is "traceroute" "$(in_ns "$HOST" traceroute -n -q1 -w2 -m6 -I $HOST_B4 | awk 'NR > 1 { print $2 }' | paste -sd' ')" \
	"203.0.113.126 $TUNNEL_B4 $HOST_B4"
ok "with IP options" in_ns "$HOST" ping -c1 -W5 -T tsonly $HOST_B4
is "none of it by the fast path" "$(fast_since "$before")" "0 0 0 0"

# A checksum that the host leaves to its card is beside the frame: such packets take the ordinary way, and are right.
in_ns "$HOST" ethtool -K eth0 tx on >/dev/null
start_echo "$HOST_B" $HOST_B4 7000
echo=$STARTED
before=$(fast_counts)
ok "pending checksums" echoed 4 $HOST_B4
read -r out_a _ _ _ <<<"$(fast_since "$before")"
is "are completed by the ordinary way" "$out_a" 0
in_ns "$HOST" ethtool -K eth0 tx off >/dev/null
ok "without them" echoed 2 $HOST_B4
read -r out_a _ _ _ <<<"$(fast_since "$before")"
ok "the fast path has them again" test "$out_a" -gt 0

# A route that leads elsewhere, or a policy of IPsec, is seen at once.
ip -n "$SITE_A" route add unreachable $HOST_B4
before=$(fast_counts)
refuses "no route" echoed 1 $HOST_B4 --timeout 0.3
is "and nothing goes past that" "$(fast_since "$before" | cut -d' ' -f1)" 0
ip -n "$SITE_A" route del unreachable $HOST_B4
ok "with the route again" echoed 1 $HOST_B4
# So is a rule that asks for what the kept answer does not depend on.
ip -n "$SITE_A" route add unreachable default table 77
for rule in "iif inside ipproto udp dport 7000" "iif xs0 ipproto udp sport 7000" "iif inside ipproto udp"; do
	# shellcheck disable=SC2086 # words
	ip -n "$SITE_A" rule add $rule pref 50 table 77 || bail "no rule: $rule"
	refuses "rule: $rule" echoed 1 $HOST_B4 --timeout 0.3
	# shellcheck disable=SC2086
	ip -n "$SITE_A" rule del $rule pref 50 table 77
	ok "rule: $rule: without it again" echoed 1 $HOST_B4
done
stop "$echo"

# ---- devices that change -------------------------------------------------------------------------------

ip -n "$SITE_A" link set inside name renamed
fast_way "renamed" 4
like "renamed: status has both names" "$(xdpsec_a status "$NAME_A")" "fast path: renamed.*inside is now called renamed: FastPath = renamed"
fails "renamed: reload says it" "FastPath: inside is now called renamed.*hint: FastPath = renamed" xdpsec_a reload "$NAME_A"
is "renamed: so does check, and nothing else" \
	"$(xdpsec_a check -j "$WORK/$NAME_A.conf" | jq -c '[.errors[].text]')" '["FastPath: inside is now called renamed"]'
ip -n "$SITE_A" link set renamed name inside
ip -n "$SITE_B" link del inside
like "deleted: status says so" "$(xdpsec_b status "$NAME_B")" "fast path: inside was deleted"
ip -n "$SITE_B" link add inside address $mac_b type veth peer name eth0 netns "$HOST_B"
add_address "$SITE_B" inside 198.18.0.126/25 2001:db8:d::fe/64
add_address "$HOST_B" eth0 $HOST_B4/25 $HOST_B6/64
ip -n "$HOST_B" route add default via 198.18.0.126
ip -n "$HOST_B" route add default via 2001:db8:d::fe
make_cards
ok "the ordinary way goes on" in_ns "$HOST" ping -c1 -W10 $HOST_B4
ok "reload" xdpsec_b reload "$NAME_B"
like "attaches to the new device" "$TAP_OUTPUT" "inside: was detached from XDP, and is attached again"
in_ns "$HOST_B" ping -c1 -W5 $HOST4 >/dev/null
fast_way "after the reload" 4

# Another namespace gets the device with its program, and there is a new one of the same index and name here.
elsewhere=$ID-o
make_namespace "$elsewhere"
read -r index address < <(ip -n "$SITE_B" -j link show dev inside | jq -r '.[0] | "\(.ifindex) \(.address)"')
ip -n "$SITE_B" link set inside netns "$elsewhere"
ip -n "$elsewhere" link set inside up
like "moved away: status says so" "$(xdpsec_b status "$NAME_B")" "fast path: inside was deleted or moved to another namespace"
ip -n "$HOST_B" link set eth0 name old0
ip -n "$SITE_B" link add inside index "$index" address "$address" type veth peer name eth0 netns "$HOST_B"
ip -n "$HOST_B" address flush dev old0
add_address "$SITE_B" inside 198.18.0.126/25 2001:db8:d::fe/64
add_address "$HOST_B" eth0 $HOST_B4/25 $HOST_B6/64
ip -n "$HOST_B" route add default via 198.18.0.126
make_cards
in_ns "$HOST_B" ethtool -K old0 gro on >/dev/null
MIDDLE=$elsewhere capture_start elsewhere inside
start_echo "$HOST_B" $HOST_B4 7000
echo=$STARTED
ok "moved away, and another one of its index: the ordinary way goes on" wait_for 10 echoed 4 $HOST_B4
stop "$echo"
MIDDLE=$elsewhere capture_stop elsewhere
refuses "moved away: nothing follows it" leaks elsewhere "$MARKER"
ok "moved away: reload" xdpsec_b reload "$NAME_B"
like "moved away: it attaches to the new device" "$TAP_OUTPUT" "inside: was detached from XDP, and is attached again"
refuses "moved away: and no more to the old one" grep -q xdp <(ip -n "$elsewhere" link show dev inside)
in_ns "$HOST_B" ping -c1 -W5 $HOST4 >/dev/null
fast_way "moved away, and after the reload" 4

# What `up` refuses is said of a device that becomes so later.
if ip -n "$SITE_B" link add bridge0 type bridge 2>/dev/null; then
	for device in inside eth0; do
		ip -n "$SITE_B" link set "$device" master bridge0
		part="$device: is a part of bridge0 .bridge.: frames that belong there would be forwarded past it"
		like "$device in a bridge: status says so" "$(xdpsec_b status "$NAME_B")" \
			"warning: fast path: $part; ip -n $SITE_B link set dev $device nomaster"
		fails "$device in a bridge: so does reload" "FastPath: $part" xdpsec_b reload "$NAME_B"
		mend=$(sed -n 's/^hint: \(ip .* nomaster\); or .*/\1/p' <<<"$TAP_OUTPUT")
		ok "$device in a bridge: what it hints at: $mend" sh -c "$mend"
		ok "$device: it is right again" xdpsec_b reload "$NAME_B"
	done
	ip -n "$SITE_B" link del bridge0
	unlike "no bridge any more" "$(xdpsec_b status "$NAME_B")" "warning: fast path"
else
	skip "a device that a bridge takes" "this kernel has none"
fi

sed -i 's/^FastPath = .*/FastPath = eth9/' "$WORK/$NAME_B.conf"
fails "FastPath cannot change while it is up" "FastPath cannot be changed by reload" xdpsec_b reload "$NAME_B"
sed -i 's/^FastPath = .*/FastPath = inside/' "$WORK/$NAME_B.conf"

# ---- two devices ---------------------------------------------------------------------------------------

other_lan() {
	ip -n "$SITE_A" link add lan2 type veth peer name host2 &&
		in_a ethtool -K host2 gro on >/dev/null && ip -n "$SITE_A" link set lan2 up && ip -n "$SITE_A" link set host2 up
}
is "no drops at A so far" "$(all_drops_a | sed -E 's/ ?stray=[0-9]+//')" ""

# The peer of two addresses is kept for a second, but not beyond a reload that gives one of them to another peer. No route
# changes by that.
from_lan_b() { packets "$HOST_B" send $HOST4 7000 --count 4 --source-port 5555 --size 300 >/dev/null; }
in_at_a() { status_a '.fast_path.packets_in, .drops.spoofed' | paste -sd' '; }
from_lan_b
before=$(in_at_a)
from_lan_b
is "the LAN is site-b's: the fast path" "$(in_at_a)" "$((${before% *} + 4)) 0"
make_key a-to-c && make_key c-to-a
sed -i.whole 's|198.18.0.0/25, ||' "$WORK/$NAME_A.conf"
write_tunnel_peer site-c "" 198.18.0.0/25 0x1003 "$WORK/a-to-c.key" 0x1004 "$WORK/c-to-a.key" >>"$WORK/$NAME_A.conf"
from_lan_b
before=$(in_at_a)
ok "the LAN is site-c's: reload" xdpsec_a reload "$NAME_A" --new-key
from_lan_b
is "at once none of it comes from site-b" "$(in_at_a)" "${before% *} 4"
mv "$WORK/$NAME_A.conf.whole" "$WORK/$NAME_A.conf"
ok "the LAN is site-b's again: reload" xdpsec_a reload "$NAME_A"
from_lan_b
in=$(in_at_a)
is "at once nothing is dropped" "${in#* }" 4
# One packet in 15 seconds goes the ordinary way, and keeps conntrack's entry.
ok "at once it comes, by the fast path" [ "${in% *}" -ge $((${before% *} + 3)) ]
ok "down" down_a
other_lan || bail "no second network"
sed -i 's/^FastPath = .*/FastPath = lan2, inside/' "$WORK/$NAME_A.conf"
ok "two devices" up_a
in_ns "$HOST" ping -c1 -W5 $HOST_B4 >/dev/null
fast_way "the second of two devices" 4
ip -n "$SITE_A" link set inside name renamed
like "the second is renamed: status has both" "$(xdpsec_a status "$NAME_A")" "is now called renamed: FastPath = lan2, renamed in "
fails "the second is renamed: so has reload" "hint: FastPath = lan2, renamed, then" xdpsec_a reload "$NAME_A"
hint=$(sed -n 's/^hint: \(FastPath = .*\), then .*/\1/p' <<<"$TAP_OUTPUT")
sed -i "s/^FastPath = .*/$hint/" "$WORK/$NAME_A.conf"
ok "what it hints at: $hint" xdpsec_a reload "$NAME_A"
ip -n "$SITE_A" link del lan2
fast_way "the first is gone" 4
ok "the first is gone: reload" xdpsec_a reload "$NAME_A"
like "the first is gone: it says so" "$TAP_OUTPUT" "FastPath: lan2: no such device: packets to and from it"
other_lan || bail "no second network"
ok "the first is there again: reload" xdpsec_a reload "$NAME_A"
like "the first is there again: it attaches" "$TAP_OUTPUT" "FastPath: lan2: was detached from XDP, and is attached again"
fast_way "both are there again" 4
sed -i "s/^FastPath = .*/FastPath = renamed/" "$WORK/$NAME_A.conf"
fails "one less" "FastPath cannot be changed by reload .it is lan2, renamed." xdpsec_a reload "$NAME_A"
sed -i "s/^FastPath = .*/$hint/" "$WORK/$NAME_A.conf"

# Nothing here is routed to a tunnel device that is elsewhere.
ip -n "$SITE_A" link set xs0 netns "$elsewhere"
like "xs0 elsewhere: status says so" "$(xdpsec_a status "$NAME_A")" "fast path: xs0 is in another network namespace"
ok "xs0 elsewhere: reload" xdpsec_a reload "$NAME_A"
like "xs0 elsewhere: it says so too" "$TAP_OUTPUT" "FastPath: xs0 is in another network namespace.*hint: routes to xs0"
ok "down" down_a
ip -n "$SITE_A" link set renamed name inside
ip -n "$SITE_A" link del lan2
sed -i 's/^FastPath = .*/FastPath = inside/' "$WORK/$NAME_A.conf"
ok "up again" up_a

fast_ends

ip -n "$HOST_B" route replace default via 2001:db8:d::fe

# ---- VRFs ----------------------------------------------------------------------------------------------

# blue_a: the customer's network and the tunnel in a VRF. red_a: the underlay. Addresses of IPv6 go when a device moves.
blue_a() {
	ip -n "$SITE_A" link set dev inside master blue && ip -n "$SITE_A" link set dev xs0 master blue &&
		add_address "$SITE_A" inside 2001:db8:c::fe/64 && add_address "$SITE_A" xs0 "$TUNNEL_A6/64" &&
		ip -n "$SITE_A" route replace 198.18.0.0/25 dev xs0 table 11 &&
		ip -n "$SITE_A" route replace 2001:db8:d::/64 dev xs0 table 11
}
red_a() {
	ip -n "$SITE_A" link set dev eth0 master red && add_address "$SITE_A" eth0 "$A6/64" &&
		ip -n "$SITE_A" route replace default via 192.0.2.254 table 10
}
# both_ways NAME: the fast path with IPv4 and IPv6, and down again
both_ways() {
	meet_neighbours
	fast_way "$1" 4
	fast_way "$1, IPv6" 6
	ok "$1: down" down
}
if has_link_type vrf table 10; then
	ip -n "$SITE_A" link add blue type vrf table 11
	ip -n "$SITE_A" link set dev blue up
	ok "a LAN in a VRF: up" up
	ok "a LAN in a VRF: the tunnel as well" blue_a
	both_ways "a LAN in a VRF"
	ip -n "$SITE_A" link del dev blue
	add_address "$SITE_A" inside 2001:db8:c::fe/64
	ip -n "$SITE_A" link add red type vrf table 10
	ip -n "$SITE_A" link set dev red up
	ok "the underlay in a VRF" red_a
	ok "the underlay in a VRF: up" up
	both_ways "the underlay in a VRF"
	ip -n "$SITE_A" link del dev red
	add_address "$SITE_A" eth0 "$A6/64"
	ip -n "$SITE_A" route replace default via 192.0.2.254
	ip -n "$SITE_A" route replace default via 2001:db8:a::fe dev eth0
else
	skip "the fast path in VRFs" "this kernel has no VRF"
fi

# ---- agreed keys ---------------------------------------------------------------------------------------

# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"
reached() { in_ns "$HOST" ping -c1 -W1 $HOST_B4 && in_ns "$HOST" ping -c1 -W1 $HOST_B6; }
for UNDERLAY in 4 6; do
	INTERFACE_LINES=$'FastPath = inside\nFastPathFirewall = none\nSourcePort = listen' write_agreed_configs
	ok "agreed keys over IPv$UNDERLAY" up
	ok "agreed keys: there are some" wait_for 10 reached
	fast_way "agreed keys, IPv4" 4
	fast_way "agreed keys, IPv6" 6
	ok "agreed keys: rekey" xdpsec_a rekey "$NAME_A"
	ok "agreed keys: there are new ones" wait_for 10 reached
	fast_way "new keys" 4
	ok "agreed keys: reload" xdpsec_a reload "$NAME_A"
	fast_way "after a reload of agreed keys" 4
	ok "down" down
done
done_testing
