#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The protected device is a bond. In native mode its XDP program runs on the devices that the bond is made of, whose
# indexes are not the bond's; the programs have to know themselves at home there.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

has_link_type bond || skip_all "the kernel has no bonding"
has_link_type bridge || skip_all "the kernel has no bridge"

A4=192.0.2.1 B4=192.0.2.2 A6=2001:db8:a::1 B6=2001:db8:a::2

make_namespace "$SITE_A"
make_namespace "$MIDDLE"
make_namespace "$SITE_B"
ip -n "$MIDDLE" link add name bridge0 type bridge
ip -n "$MIDDLE" link set dev bridge0 up
ip -n "$SITE_A" link add name eth0 type bond mode active-backup miimon 100

# wire NAMESPACE DEVICE END: a device that is connected to the bridge
wire() {
	ip -n "$1" link add name "$2" numrxqueues 2 numtxqueues 2 type veth \
		peer name "$3" numrxqueues 2 numtxqueues 2 netns "$MIDDLE" || bail "no veth"
	ip -n "$MIDDLE" link set dev "$3" master bridge0 up
}

wire "$SITE_A" port0 a
wire "$SITE_A" port1 a1
wire "$SITE_B" eth0 b
ip -n "$SITE_A" link set dev port0 master eth0
ip -n "$SITE_A" link set dev port1 master eth0
add_address "$SITE_A" eth0 "$A4/24" "$A6/64"
add_address "$SITE_B" eth0 "$B4/24" "$B6/64"
wait_for 10 in_a ping -c1 -W1 "$B4" || bail "no way from A to B"

write_configs
ok "inline: up" up || bail "not up"
note "XDP of the bond: $(status_a .xdp)"
for address in $B4 $B6; do
	start_echo "$SITE_B" $address 5201
	ok "inline: an answer from $address" packets "$SITE_A" roundtrip $address 5201 --size 100
done
# roundtrip sends again on a slow machine: there can be more than one datagram a round trip.
is "inline: sealed and opened" "$(status_a '.peers[0] | .tx.packets >= 2 and .rx.packets >= 2')" true
is "inline: nothing is dropped as displaced" "$(drops_a displaced)" 0

ip -n "$SITE_A" link set dev port0 down
ok "inline: over the other device of the bond" \
	wait_for 10 packets "$SITE_A" roundtrip $B4 5201 --size 100
ip -n "$SITE_A" link set dev port0 up
ok "inline: down" down

write_tunnel_configs
ok "tunnel: up" up || bail "not up"
ok "tunnel: ping" wait_for 10 in_a ping -c1 -W2 $TUNNEL_B4
is "tunnel: nothing is dropped as displaced" "$(drops_a displaced)" 0
ok "tunnel: down" down
done_testing
