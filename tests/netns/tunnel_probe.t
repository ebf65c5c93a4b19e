#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec probe`: the size that gets through, also where routers say nothing about it.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
probe_a() { xdpsec_a probe "$NAME_A" "$@"; }

# narrow MTU: between the middle and B. B's own device knows; A's does not.
narrow() { ip -n "$MIDDLE" link set dev b mtu "$1" && ip -n "$SITE_B" link set dev eth0 mtu "$1"; }

# The middle says nothing of packets that are too big.
in_middle nft "add table inet silence; add chain inet silence out { type filter hook output priority 0; }
	add rule inet silence out icmp type destination-unreachable drop
	add rule inet silence out icmpv6 type packet-too-big drop"

for UNDERLAY in 4 6; do
	overhead=$IP4_OVERHEAD
	[ $UNDERLAY = 4 ] || overhead=$IP6_OVERHEAD
	name="over IPv$UNDERLAY"
	write_tunnel_configs
	ok "$name: up" up || bail "not up"
	for address in $TUNNEL_B4 $TUNNEL_B6; do
		ok "$name: probe $address" probe_a site-b $address
		like "$name: probe $address: all of it" "$TAP_OUTPUT" \
			"site-b \\($address\\): packets of $((1500 - overhead)) bytes pass through the tunnel and back, 1500 bytes outside.*xs0: that is its MTU"
		for mtu in 1400 1399; do
			narrow $mtu
			ok "$name: probe $address, $mtu on the way" probe_a site-b $address
			like "$name: probe $address, $mtu on the way: what is left" "$TAP_OUTPUT" \
				"packets of $((mtu - overhead)) bytes pass through.*, $mtu bytes outside.*its MTU is $((1500 - overhead)): set MTU = $((mtu - overhead)) in"
		done
		narrow 1500
	done
	# Three large packets are lost, which is all tries of the first size; then all pass.
	in_middle nft "add table inet loss; add chain inet loss way { type filter hook forward priority 0; }
		add rule inet loss way meta length > 1450 quota 4700 bytes drop"
	ok "$name: three packets are lost" probe_a site-b $TUNNEL_B4
	like "$name: three packets are lost: the size is right all the same" "$TAP_OUTPUT" "packets of $((1500 - overhead)) bytes pass"
	is "$name: three packets are lost: they were" "$(in_middle nft -j list table inet loss | jq '[.. | .quota? // empty | .used] | add >= 4500')" true
	in_middle nft delete table inet loss
	ok "$name: without an address" probe_a site-b
	like "$name: without an address: it was found" "$TAP_OUTPUT" "site-b \\(($TUNNEL_B4|$TUNNEL_B6)\\)"
	is "$name: in JSON" "$(probe_a site-b -j | jq -c '[.name, .peer, (.address | IN("'$TUNNEL_B4'", "'$TUNNEL_B6'")), .size, .outer_size, .device, .mtu, has("error")]')" \
		"[\"$NAME_A\",\"site-b\",true,$((1500 - overhead)),1500,\"xs0\",$((1500 - overhead)),false]"
	ok "$name: down at B" down_b
	fails "$name: B is down" "peer site-b: $TUNNEL_B4 does not answer even to the smallest packet.*hint: " \
		probe_a site-b $TUNNEL_B4
	ok "$name: down" down
done

UNDERLAY=4 ALLOWED_A="203.0.113.128/25, 2001:db8:f::/64" write_tunnel_configs
ok "up for mistakes" up_a || bail "not up"
fails "no such peer" "$NAME_A: has no peer site-x.*hint: " probe_a site-x
fails "no single address" "peer site-b: give the address to probe: its AllowedIPs have no single address.*hint: " probe_a site-b
fails "not an address" "probe: b.example.com: not an IPv4 or IPv6 address" probe_a site-b b.example.com
fails "an address of somebody else" "probe: $B4: not in AllowedIPs of peer site-b" probe_a site-b $B4
fails "an address of this host" "probe: $TUNNEL_A4: is an address of this host.*hint: " probe_a site-b $TUNNEL_A4
fails "from another namespace" "another network namespace.*hint: xdpsec -n $SITE_A probe $NAME_A site-b $TUNNEL_B4\$" \
	xdpsec_b probe "$NAME_A" site-b $TUNNEL_B4
fails "from another namespace, without an address" "hint: xdpsec -n $SITE_A probe $NAME_A site-b\$" \
	xdpsec_b probe "$NAME_A" site-b
ok "down" down_a
fails "not up" "$NAME_A: is not up" probe_a site-b
write_configs
ok "up inline" up_a || bail "not up"
fails "inline mode" "$NAME_A: is in inline mode: probe is for tunnels" probe_a site-b
ok "down inline" down_a
ok "nothing is left" no_trace
done_testing
