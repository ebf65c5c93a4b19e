#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tunnel mode where the MTU of the two ends differs: what the one with the larger MTU sends in full is received by the
# other one, as network devices do, and not lost without a word.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

ICMP4=$((20 + 8)) # IPv4 or IPv6 header, and that of the echo request
ICMP6=$((40 + 8))

# at_b LINE: a line for the [Interface] of B's configuration only
at_b() {
	sed -i "/^Mode = tunnel/a $1" "$WORK/$NAME_B.conf"
}

# arrives NAME SIZE4 SIZE6: packets of A of that size, with DF and without, and of IPv6, get an answer
arrives() {
	ok "$1: IPv4, $2 bytes with DF" in_a ping -c1 -W10 -M "do" -s $(($2 - ICMP4)) $TUNNEL_B4
	ok "$1: without" in_a ping -c1 -W10 -M dont -s $(($2 - ICMP4)) $TUNNEL_B4
	ok "$1: IPv6, $3 bytes" in_a ping -c1 -W10 -M "do" -s $(($3 - ICMP6)) $TUNNEL_B6
}

make_sites
for UNDERLAY in 4 6; do
	overhead=$IP4_OVERHEAD
	[ $UNDERLAY = 4 ] || overhead=$((IP6_HEADER + UDP_HEADER + OVERHEAD))
	full=$((1500 - overhead))
	# Four bytes more veth takes in any case, for a VLAN tag.
	for mtu in $((full - 1)) $((full - 5)) 1280; do
		name="over IPv$UNDERLAY, $mtu at B"
		write_tunnel_configs
		at_b "MTU = $mtu"
		ok "$name: up" up || bail "not up"
		is "$name: A's MTU" "$(ip -n "$SITE_A" -j link show xs0 | jq '.[0].mtu')" $full
		arrives "$name" $full $full
		arrives "$name: one more than B's" $((mtu + 1)) $((mtu + 1))
		refuses "$name: B sends no more than its own" in_b ping -c1 -W1 -M "do" -s $((mtu - ICMP4 + 1)) $TUNNEL_A4
		is "$name: nothing was too big" "$(drops_b too_big)" 0
		is "$name: all of A's packets are A's" "$(status_b '.peers[0].rx.packets')" "$(status_a '.peers[0].tx.packets')"
		ok "$name: down" down
	done
done

# The kernel takes copies in generic XDP: what the first packet does not get through by, the answer says.
for UNDERLAY in 4 6; do
	overhead=$IP4_OVERHEAD
	[ $UNDERLAY = 4 ] || overhead=$((IP6_HEADER + UDP_HEADER + OVERHEAD))
	full=$((1500 - overhead))
	name="generic XDP, over IPv$UNDERLAY"
	write_tunnel_configs
	at_b "MTU = 1380"
	sed -i "s/^Xdp = .*/Xdp = generic/" "$WORK/$NAME_B.conf"
	ok "$name: up" up || bail "not up"
	refuses "$name: IPv4, $full bytes" in_a ping -c1 -W5 -M "do" -s $((full - ICMP4)) $TUNNEL_B4
	like "$name: the answer" "$TAP_OUTPUT" "mtu ?= ?1380"
	is "$name: counted" "$(drops_b too_big)" 1
	is "$name: for the peer" "$(status_b '.peers[0].drops.too_big')" 1
	refuses "$name: not a byte more than it says" in_a ping -c1 -W1 -M "do" -s $((1380 - ICMP4 + 1)) $TUNNEL_B4
	arrives "$name" 1380 1380
	refuses "$name: IPv6, $full bytes" in_a ping -c1 -W5 -M "do" -s $((full - ICMP6)) $TUNNEL_B6
	like "$name: the answer" "$TAP_OUTPUT" "mtu ?= ?1380"
	in_a ip route flush cache
	refuses "$name: one in pieces without DF" in_a ping -c1 -W5 -M dont -s $((full - ICMP4)) $TUNNEL_B4
	ok "$name: the next in pieces" in_a ping -c1 -W5 -M dont -s $((full - ICMP4)) $TUNNEL_B4
	ok "$name: down" down
done

# Nine times as long, in several buffers.
set_mtu 9000
UNDERLAY=4
full=$((9000 - IP4_OVERHEAD))
write_tunnel_configs
at_b "MTU = 1280"
ok "jumbo frames: up" up || bail "not up"
is "jumbo frames: A's MTU" "$(ip -n "$SITE_A" -j link show xs0 | jq '.[0].mtu')" $full
arrives "jumbo frames" 1500 1500
arrives "jumbo frames, of 3000 bytes" 3000 3000
refuses "jumbo frames, more than the first buffer has to spare" in_a ping -c1 -W1 -M "do" -s $((full - ICMP4)) $TUNNEL_B4
is "jumbo frames: counted" "$(drops_b too_big)" 1
ok "jumbo frames: down" down
set_mtu 1500

ok "nothing is left" no_trace
done_testing
