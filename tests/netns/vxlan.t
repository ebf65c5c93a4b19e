#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VXLAN with TCP and ping in it, over IPv4 and IPv6, MTU 1500 and 9000.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/tunnel_tests.sh
. "$here/tunnel_tests.sh"

make_sites
has_link_type vxlan id 1 dstport 4789 || skip_all "the kernel has no vxlan"
write_configs

for combination in "4 1500" "6 1500" "4 9000"; do
	read -r family mtu <<<"$combination"
	header=$IP4_HEADER
	[ "$family" = 4 ] || header=$IP6_HEADER
	# The size left for the tunnelled packet: docs/protocol.md has the sum.
	inner=$((mtu - header - UDP_HEADER - OVERHEAD - VXLAN_HEADER - ETHERNET_HEADER))

	set_mtu "$mtu"
	ok "IPv$family, MTU $mtu: up" up || bail "not up"
	ok "IPv$family, MTU $mtu: make the tunnel" \
		make_tunnel "$family" "$inner" vxlan id 42 local LOCAL remote REMOTE dstport 4789
	tunnel_carries "IPv$family, MTU $mtu" "$inner" 4789
	no_tunnel_drops "IPv$family, MTU $mtu"
	remove_tunnel
	ok "IPv$family, MTU $mtu: down" down
done

# A checksum of zero, which RFC 7348 allows and UDP over IPv4 means "none" by, is complete as it is.
set_mtu 1500
ok "without outer checksums: up" up || bail "not up"
ok "without outer checksums: make the tunnel" make_tunnel 4 1418 vxlan id 42 local LOCAL remote REMOTE \
	dstport 4789 noudpcsum
ok "without outer checksums: ping" in_a ping -c3 -i0.2 -W5 $TUNNEL_B4
no_tunnel_drops "without outer checksums"
ok "remove the tunnel" ip -n "$SITE_A" link del t0
ok "remove the other end" ip -n "$SITE_B" link del t0
ok "down" down
ok "nothing is left" no_trace
done_testing
