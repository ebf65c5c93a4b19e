#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The other tunnels over UDP, where the kernel has them: Geneve, FOU, GUE.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/tunnel_tests.sh
. "$here/tunnel_tests.sh"

has_fou() {
	in_a ip fou add port 6000 ipproto 4 2>/dev/null && in_a ip fou del port 6000
}

make_sites
PORTS="6080, 6081"
write_configs
ok "up" up || bail "not up"

if has_link_type geneve id 1 remote $B4; then
	inner=$((1500 - IP4_HEADER - UDP_HEADER - OVERHEAD - 8 - ETHERNET_HEADER))
	ok "Geneve: make the tunnel" make_tunnel 4 $inner geneve id 42 remote REMOTE dstport 6081 udpcsum
	tunnel_carries "Geneve" $inner 6081
	no_tunnel_drops "Geneve"
else
	skip "Geneve" "the kernel has no geneve"
fi

if has_fou; then
	for kind in fou gue; do
		extra=0 protocol=(ipproto 4)
		[ $kind = fou ] || extra=4 protocol=(gue)
		inner=$((1500 - 2 * IP4_HEADER - UDP_HEADER - OVERHEAD - extra))
		in_a ip fou add port 6080 "${protocol[@]}"
		in_b ip fou add port 6080 "${protocol[@]}"
		ok "$kind: make the tunnel" make_tunnel 4 $inner ipip local LOCAL remote REMOTE \
			encap $kind encap-sport auto encap-dport 6080
		capture_start wire b "udp port 6080"
		ok "$kind: ping" in_a ping -c3 -i0.2 -W5 -s $((inner - 28)) -M "do" $TUNNEL_B4
		capture_stop wire
		is "$kind: sealed on the wire" "$(udp_of wire 'map(.spi) | unique')" "[$((0x1001)),$((0x1002))]"
		in_a ip fou del port 6080
		in_b ip fou del port 6080
		no_tunnel_drops "$kind"
	done
else
	skip "FOU and GUE" "the kernel has no fou"
fi
ok "down" down
done_testing
