#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tunnel mode where the path is narrower than the devices: the router says so, or somebody filters what it says.
#
#	SITE_A --1500-- MIDDLE --1400-- SITE_B
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

NARROW=1400

narrow() {
	ip -n "$SITE_B" link set dev eth0 mtu $NARROW && ip -n "$MIDDLE" link set dev b mtu $NARROW
}

# The path is wide again. The kernels of Debian (6.12, 7.3) note in their own routing tables what the router has said.
widen() {
	local site

	set_mtu 1500
	for site in "$SITE_A" "$SITE_B"; do
		ip -n "$site" route flush cache
		ip -n "$site" -6 route flush cache
	done
}

# Nothing of what routers say of packets that are too big comes through.
filter_icmp() {
	in_middle nft "add table inet filter; add chain inet filter output { type filter hook output priority 0; }
		add rule inet filter output icmp type destination-unreachable drop
		add rule inet filter output icmpv6 type packet-too-big drop"
}

# transfer NAME FROM TO: 2 MB of TCP between the tunnel's ends, and the same bytes come out
transfer() {
	local name=$1 from=$SITE_A to=$SITE_B address=$TUNNEL_B4 server

	[ "$2" = a ] || from=$SITE_B to=$SITE_A address=$TUNNEL_A4
	head -c 2000000 /dev/urandom >"$WORK/sent"
	start "$to" "$WORK/received" "$PACKETS" tcp-receive $address 8000
	server=$STARTED
	wait_for 5 listening "$to" 8000 tcp || bail "no TCP server"
	ok "$name: TCP" sh -c "exec nsenter --net=/run/netns/$from $PACKETS tcp-send $address 8000 <$WORK/sent"
	wait_for 5 ended "$server"
	stop "$server"
	ok "$name: the same bytes" cmp "$WORK/sent" "$WORK/received"
}

path_mtu_is() { [ "$(status_a '.peers[0].path_mtu')" = "$1" ]; }

make_sites
for UNDERLAY in 4 6; do
	outer=$IP4_HEADER
	[ $UNDERLAY = 4 ] || outer=$IP6_HEADER
	overhead=$((outer + UDP_HEADER + OVERHEAD))
	name="over IPv$UNDERLAY"
	write_tunnel_configs
	widen
	ok "$name: up" up || bail "not up"
	ok "$name: a full packet fits" in_a ping -c1 -W10 -M "do" -s $((1500 - overhead - 28)) $TUNNEL_B4
	is "$name: the path's MTU is the device's" "$(status_a '.peers[0].path_mtu')" $((1500 - overhead))

	narrow
	# The first is lost, and the router's answer is for us; the second gets our answer.
	refuses "$name: a full packet is lost" in_a ping -c1 -W1 -M "do" -s $((1500 - overhead - 28)) $TUNNEL_B4
	ok "$name: what the router said is in the status" wait_for 5 path_mtu_is $((NARROW - overhead))
	refuses "$name: the next is refused" in_a ping -c1 -W1 -M "do" -s $((1500 - overhead - 28)) $TUNNEL_B4
	like "$name: with what fits" "$TAP_OUTPUT" "mtu ?= ?$((NARROW - overhead))"
	ok "$name: what fits goes through" in_a ping -c1 -W10 -M "do" -s $((NARROW - overhead - 28)) $TUNNEL_B4
	refuses "$name: and not a byte more" in_a ping -c1 -W1 -M "do" -s $((NARROW - overhead - 27)) $TUNNEL_B4
	ok "$name: over IPv6 too" in_a ping -c1 -W10 -M "do" -s $((NARROW - overhead - 48)) $TUNNEL_B6
	transfer "$name" a
	transfer "$name, back" b
	ok "$name: down" down
done

# Narrower than IPv6 inside needs: a warning, until what is known of the path is forgotten.
UNDERLAY=4
widen
write_tunnel_configs
ok "too narrow for IPv6: up" up || bail "not up"
is "too narrow for IPv6: no warning before" "$(status_a '.warnings | length')" 0
NARROW=1300
narrow
refuses "too narrow for IPv6: a full packet is lost" in_a ping -c1 -W1 -M "do" -s $((1500 - IP4_OVERHEAD - 28)) $TUNNEL_B4
ok "too narrow for IPv6: the router has said so" wait_for 5 path_mtu_is $((NARROW - IP4_OVERHEAD))
like "too narrow for IPv6: a warning" "$(status_a '.warnings | join("|")')" "site-b: a router reported a path MTU of 1300"
ok "too narrow for IPv6: down" down
widen
ok "too narrow for IPv6: up again" up || bail "not up"
is "too narrow for IPv6: the warning is gone" "$(status_a '.warnings | length')" 0
ok "too narrow for IPv6: down again" down
NARROW=1400

# A hub that does not know its peers has the MTU that these have: full packets pass both ways, and where less fits that
# is said.
widen
for UNDERLAY in 4 6; do
	outer=$IP4_HEADER
	[ $UNDERLAY = 4 ] || outer=$IP6_HEADER
	overhead=$((outer + UDP_HEADER + OVERHEAD))
	name="a hub, over IPv$UNDERLAY"
	INTERFACE_LINES="SourcePort = listen" ENDPOINT_B="" write_tunnel_configs
	ok "$name: up" up || bail "not up"
	is "$name: its MTU" "$(ip -n "$SITE_A" -j link show xs0 | jq '.[0].mtu')" $((1500 - IP4_OVERHEAD))
	is "$name: that of the spoke" "$(ip -n "$SITE_B" -j link show xs0 | jq '.[0].mtu')" $((1500 - overhead))
	ok "$name: a full packet of the spoke" in_b ping -c1 -W10 -M "do" -s $((1500 - overhead - 28)) $TUNNEL_A4
	ok "$name: IPv6 inside" in_b ping -c1 -W10 -M "do" -s $((1500 - overhead - 48)) $TUNNEL_A6
	ok "$name: a full packet of the hub" in_a ping -c1 -W10 -M "do" -s $((1500 - overhead - 28)) $TUNNEL_B4
	refuses "$name: a larger one" in_a ping -c1 -W1 -M "do" -s $((1500 - overhead - 27)) $TUNNEL_B4
	# If the device itself is too narrow, ping of Debian 13 says only that.
	answer="mtu ?= ?$((1500 - overhead))"
	[ $UNDERLAY = 6 ] || answer+="|sendmsg: Message too long"
	like "$name: is answered" "$TAP_OUTPUT" "$answer"
	transfer "$name" b
	transfer "$name, back" a
	is "$name: nothing was too big on the way in" "$(drops_b too_big)" 0
	ok "$name: down" down
done

# Of IPv4, the kernel can be told to count one that is not locked.
without_lock() {
	ok "$name: use_pmtu" in_a sysctl -qw net.ipv4.ip_forward_use_pmtu=1
	is "$name: use_pmtu: no warning" "$(status_a '.warnings | length')" 0
	is "$name: use_pmtu: the path's MTU" "$(status_a '.peers[0].path_mtu')" $((NARROW - overhead))
	refuses "$name: use_pmtu: not a byte more" in_a ping -c1 -W1 -M "do" -s $((NARROW - overhead - 27)) $TUNNEL_B4
	ok "$name: use_pmtu: no more" in_a sysctl -qw net.ipv4.ip_forward_use_pmtu=0
}

# The MTU of the route to the endpoint counts if it is locked, in either family.
widen
for UNDERLAY in 4 6; do
	outer=$IP4_HEADER peer=$B4/32 gateway=192.0.2.254
	[ $UNDERLAY = 4 ] || outer=$IP6_HEADER peer=$B6/128 gateway=2001:db8:a::fe
	overhead=$((outer + UDP_HEADER + OVERHEAD))
	name="the route, over IPv$UNDERLAY"
	write_tunnel_configs
	ip -n "$SITE_A" route add "$peer" via $gateway mtu $NARROW
	ok "$name: not locked: up" up || bail "not up"
	like "$name: not locked: up warns" "$TAP_OUTPUT" "Endpoint: .*: the route to it has MTU $NARROW, which is not locked.*hint: .mtu lock $NARROW. in that route, or MTU = $((NARROW - overhead)) in"
	like "$name: not locked: a warning" "$(status_a '.warnings | join("|")')" \
		"site-b: the route to its endpoint has MTU $NARROW, which is not locked and does not count: .mtu lock $NARROW. in that route, or MTU = $((NARROW - overhead)) in"
	is "$name: not locked: the path's MTU" "$(status_a '.peers[0].path_mtu')" $((1500 - overhead))
	ok "$name: not locked: a full packet" in_a ping -c1 -W10 -M "do" -s $((1500 - overhead - 28)) $TUNNEL_B4
	[ $UNDERLAY = 6 ] || without_lock
	ip -n "$SITE_A" route change "$peer" via $gateway mtu lock $NARROW
	is "$name: locked: no warning" "$(status_a '.warnings | length')" 0
	is "$name: locked: the path's MTU" "$(status_a '.peers[0].path_mtu')" $((NARROW - overhead))
	ok "$name: locked: what fits" in_a ping -c1 -W10 -M "do" -s $((NARROW - overhead - 28)) $TUNNEL_B4
	refuses "$name: locked: not a byte more" in_a ping -c1 -W1 -M "do" -s $((NARROW - overhead - 27)) $TUNNEL_B4
	like "$name: locked: it is answered" "$TAP_OUTPUT" "mtu ?= ?$((NARROW - overhead))"
	ip -n "$SITE_A" route del "$peer"
	is "$name: without it: the path's MTU" "$(status_a '.peers[0].path_mtu')" $((1500 - overhead))
	ok "$name: down" down
	widen
done

# A handshake every two minutes says where a roaming peer is: where it was, and the path is the same.
agreed() { agreed_a && in_a ping -c1 -W1 $TUNNEL_B4; }
another_sa() { [ "$(status_a '.peers[0].tx.spi')" != "$1" ]; }
widen
for UNDERLAY in 4 6; do
	name="a roaming peer, over IPv$UNDERLAY"
	INTERFACE_LINES="SourcePort = listen" ENDPOINT_B="" write_agreed_configs
	ok "$name: up" up || bail "not up"
	ok "$name: agreed" wait_for 10 agreed || bail "no tunnel"
	narrow
	refuses "$name: too large" in_a ping -c1 -W1 -M "do" -s $((NARROW - 28)) $TUNNEL_B4
	before=$(status_a '.peers[0] | "\(.path_mtu) \(.moves)"') spi=$(status_a '.peers[0].tx.spi')
	ok "$name: its path is narrow ($before)" [ "${before% *}" -lt $NARROW ]
	ok "$name: rekey" xdpsec_a rekey "$NAME_A"
	ok "$name: another SA" wait_for 5 another_sa "$spi"
	is "$name: the same path" "$(status_a '.peers[0] | "\(.path_mtu) \(.moves)"')" "$before"
	ok "$name: down" down
	widen
done
rm "$WORK/$NAME_A.conf" "$WORK/$NAME_B.conf"

# Without ICMP, what fits has to be said: MTU at one end is enough for TCP both ways, by the MSS.
UNDERLAY=4
overhead=$IP4_OVERHEAD
filter_icmp
INTERFACE_LINES="MTU = $((NARROW - overhead))" write_tunnel_configs
mv "$WORK/$NAME_A.conf" "$WORK/kept"
write_tunnel_configs
mv "$WORK/kept" "$WORK/$NAME_A.conf"
widen
ok "filtered: up" up || bail "not up"
narrow
is "filtered: A's MTU is the one that was set" "$(ip -n "$SITE_A" -j link show xs0 | jq '.[0].mtu')" $((NARROW - overhead))
is "filtered: B's is not" "$(ip -n "$SITE_B" -j link show xs0 | jq '.[0].mtu')" $((1500 - overhead))
transfer "filtered" a
transfer "filtered, back" b
ok "filtered: down" down
ok "nothing is left" no_trace
done_testing
