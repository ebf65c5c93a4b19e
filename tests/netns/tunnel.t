#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tunnel mode: IPv4 and IPv6 in it, over IPv4 and over IPv6. What is on the wire, to the byte, and what arrives.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/tunnel_tests.sh
. "$here/tunnel_tests.sh"

# How many packets were sealed at A and opened at B, sealed at B and opened at A.
counts() { echo "$(status_a '.peers[0].tx.packets') $(status_b '.peers[0].rx.packets') $(status_b '.peers[0].tx.packets') $(status_a '.peers[0].rx.packets')"; }

make_sites

for UNDERLAY in 4 6; do
	outer=$IP4_HEADER checksum=none
	[ $UNDERLAY = 4 ] || outer=$IP6_HEADER checksum=ok
	inner=$((1500 - outer - UDP_HEADER - OVERHEAD))
	name="over IPv$UNDERLAY"
	write_tunnel_configs

	ok "$name: up" up || bail "not up"
	is "$name: the MTU follows from the underlay's" "$(ip -n "$SITE_A" -j link show xs0 | jq '.[0].mtu')" $inner
	tunnel_carries "$name" $inner 7253 $checksum
	# A TCP that fills every queue on the way loses packets there. From here on nothing does.
	read -r sealed_a opened_b sealed_b opened_a < <(counts)

	for family in 4 6; do
		address=$TUNNEL_B4 header=$IP4_HEADER
		[ $family = 4 ] || address=$TUNNEL_B6 header=$IP6_HEADER
		start_echo "$SITE_B" $address 7000
		echo=$STARTED
		capture_start wire b "udp port 7253"
		for size in 8 15 16 17 100 1000 $((inner - header - UDP_HEADER)); do
			ok "IPv$family $name: $size bytes come back" \
				packets "$SITE_A" roundtrip $address 7000 --size "$size" --marker "$MARKER"
		done
		capture_stop wire
		ok "IPv$family $name: all lengths" \
			packets "$SITE_A" lengths $address 7000 --most $((inner - header - UDP_HEADER))
		stop "$echo"
		refuses "IPv$family $name: nothing of it on the wire" leaks wire "$MARKER"
		is "IPv$family $name: $((outer + UDP_HEADER + OVERHEAD)) bytes more, and not one else" \
			"$(udp_of wire 'map(.udp_length) | unique | map(tostring) | join(" ")')" \
			"$(for size in 8 15 16 17 100 1000 $((inner - header - UDP_HEADER)); do
				echo $((UDP_HEADER + OVERHEAD + header + UDP_HEADER + size))
			done | paste -sd' ')"
		is "IPv$family $name: lengths and sums" \
			"$(udp_of wire 'map([.lengths_ok, .header_ok, .checksum]) | unique')" \
			"[[true,true,\"$checksum\"]]"
		is "IPv$family $name: the SPIs of both directions" "$(udp_of wire 'map(.spi) | unique')" \
			"[$((0x1001)),$((0x1002))]"
		is "IPv$family $name: source ports of flows" \
			"$(udp_of wire 'map(.sport >= 49152 and .dport == 7253) | unique')" "[true]"
	done

	read -r now_sealed_a now_opened_b now_sealed_b now_opened_a < <(counts)
	is "$name: what A sealed B opened" $((now_opened_b - opened_b)) $((now_sealed_a - sealed_a))
	is "$name: what B sealed A opened" $((now_opened_a - opened_a)) $((now_sealed_b - sealed_b))
	no_tunnel_drops "$name"
	ok "$name: down" down
	ok "$name: nothing is left" no_trace
	refuses "$name: after down nothing goes through" in_a ping -c1 -W1 $TUNNEL_B4
done

# The first packet waits for the neighbour, and is not lost. (One ping, with nobody to resolve anything before.)
UNDERLAY=4
write_tunnel_configs
ok "up" up || bail "not up"
for site in "$SITE_A" "$SITE_B"; do ip -n "$site" neigh flush dev eth0; done
for device in a b; do ip -n "$MIDDLE" neigh flush dev $device; done
ok "the first packet arrives although no neighbour is known" in_a ping -c1 -W10 $TUNNEL_B4

# A packet that B's peer must not send, one to nobody, and the answers.
ip -n "$SITE_A" address add 203.0.113.140/32 dev xs0
refuses "a source that B does not allow" in_a ping -c1 -W1 -I 203.0.113.140 $TUNNEL_B4
ok "B counts it" wait_for 2 sh -c "[ \$($XDPSEC -n $SITE_B status $NAME_B -j | jq .drops.spoofed) = 1 ]"
ip -n "$SITE_A" address del 203.0.113.140/32 dev xs0
refuses "an address of no peer" in_a ping -c1 -W2 203.0.113.150
like "is answered: host unreachable" "$TAP_OUTPUT" "Destination Host Unreachable"
is "and counted" "$(drops_a no_peer)" 1
refuses "over IPv6 too" in_a ping -c1 -W2 2001:db8:f::150
like "IPv6: address unreachable" "$TAP_OUTPUT" "[Aa]ddress unreachable"

# The underlay's routing table decides for each packet: another way, no way, and back. What comes in still comes by
# eth0, where the tunnel is attached.
ip -n "$SITE_A" link add eth1 type veth peer name a2 netns "$MIDDLE"
add_address "$SITE_A" eth1 198.18.1.2/30
add_address "$MIDDLE" a2 198.18.1.1/30
capture_start other a2 "udp port 7253"
ip -n "$SITE_A" route add $B4/32 via 198.18.1.1
ok "another route: the answer comes" in_a ping -c1 -W10 $TUNNEL_B4
capture_stop other
is "another route: it is taken, from the address that goes with it" \
	"$(udp_of other 'map([.source, .destination])')" "[[\"198.18.1.2\",\"$B4\"]]"
ip -n "$SITE_A" route replace unreachable $B4/32
refuses "no route" in_a ping -c1 -W2 $TUNNEL_B4
like "no route: is answered" "$TAP_OUTPUT" "Destination Host Unreachable"
is "no route: is counted" "$(drops_a unreachable)" 1
ip -n "$SITE_A" route del $B4/32
ip -n "$SITE_A" link del eth1
ok "the first route again" in_a ping -c1 -W10 $TUNNEL_B4

ok "down" down
ok "nothing is left" no_trace
done_testing
