#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A VLAN device on the tunnel device: its tag lies beside the packet, and is not to get into the outer frame.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

has_vlan() {
	ip -n "$MIDDLE" link add link a name probe type vlan id 5 2>/dev/null && ip -n "$MIDDLE" link del probe
}

sent() { status_a '.peers[0].tx.packets'; }

make_sites
has_vlan || skip_all "the kernel has no 8021q"
write_tunnel_configs
ok "up" up || bail "not up"
ok "without a tag" in_a ping -c1 -W10 $TUNNEL_B4

ip -n "$SITE_A" link add link xs0 name xs0.7 type vlan id 7
ip -n "$SITE_A" link set dev xs0.7 up
# Beside the route that is there: whoever is bound to the VLAN takes this one.
ip -n "$SITE_A" route append $TUNNEL_B4/32 dev xs0.7 src $TUNNEL_A4
ip -n "$SITE_A" neigh replace $TUNNEL_B4 lladdr "$(mac "$SITE_A" xs0)" dev xs0.7 nud permanent
packets=$(sent) stray=$(drops_a stray)
refuses "with a tag" in_a ping -I xs0.7 -c1 -W1 $TUNNEL_B4
ok "it is counted" test "$(drops_a stray)" -gt "$stray"
is "and nothing of it sealed" "$(sent)" "$packets"

ip -n "$SITE_A" link del xs0.7
ok "without a tag again" in_a ping -c1 -W10 $TUNNEL_B4
ok "down" down
ok "nothing is left" no_trace
done_testing
