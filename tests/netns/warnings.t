#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Changes by others to the devices, addresses and routes of a running instance. Each is a warning of `status`, which goes
# when the change is undone, or by the command in the warning; or it makes no difference.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
write_tunnel_configs
keep
defer down_anyhow
UP+=(--new-key)
OTHER=$ID-o
make_namespace "$OTHER"

ethtool_a() { in_a ethtool -K "$@"; }
reaches_b() { in_a ping -c1 -W2 "${1:-$TUNNEL_B4}"; }
warnings() { status_a '.warnings | join("|")'; }
code() { xdpsec_a status "$NAME_A" >/dev/null 2>&1; echo $?; }
link_a() { ip -n "$SITE_A" link "$@"; }
route_a() { ip -n "$SITE_A" route "$@"; }

# warns NAME REGEX CMD...: after CMD there is one warning
warns() {
	ok "$1: ${*:3}" "${@:3}"
	is "$1: one warning" "$(status_a '.warnings | length')" 1
	like "$1: the warning" "$(warnings)" "$2"
	is "$1: exit code of status" "$(code)" 1
}
# healthy NAME: there is none, and it works
healthy() {
	is "$1: no warning" "$(warnings)" ""
	is "$1: exit code of status" "$(code)" 0
	ok "$1: it works" wait_for 5 reaches_b
	ok "$1: it works, IPv6" wait_for 5 reaches_b $TUNNEL_B6
}
# mended NAME: by the command of the warning
mended() {
	like "$1: the warning says how" "$(warnings)" "xdpsec reload $NAME_A"
	ok "$1: reload" reload_a
	healthy "$1: reload"
}

ok "up" up_plain || bail "not up"
ok "up at B" up_b || bail "not up"
healthy "up"

# ---- offloads ----------------------------------------------------------------------------------------

ok "GRO off" ethtool_a xs0 gro off
healthy "GRO off"
ok "GRO off, set down and up" eval 'link_a set dev xs0 down; link_a set dev xs0 up; reload_a; ethtool_a xs0 gro off'
healthy "GRO off, set down and up"
all_off() {
	local device feature

	for device in $(in_a ls /proc/sys/net/ipv4/conf); do
		for feature in gro lro tso gso tx rx sg; do
			ethtool_a "$device" $feature off
		done
	done >/dev/null 2>&1
	return 0
}
ok "everything off" all_off
healthy "everything off"
warns "GRO off without our program" "GRO of xs0 is off and its XDP program is gone" \
	link_a set dev xs0 xdp off
refuses "GRO off without our program: nothing arrives" reaches_b
mended "GRO off without our program"
warns "GRO on without our program" "the XDP program of xs0 is gone: packets larger than its MTU are lost" \
	link_a set dev xs0 xdp off
ok "GRO on without our program: smaller ones arrive" wait_for 5 reaches_b
mended "GRO on without our program"
ok "GRO off again" ethtool_a xs0 gro off
healthy "GRO off again"
before=$(drops_a no_hop)
warns "checksums of xs0 to be completed by nobody" "offloads of xs0 were switched on: packets with a pending checksum, or GSO, are dropped as no_hop" \
	ethtool_a xs0 tx on
start "$SITE_B" "$WORK/udp" "$PACKETS" echo $TUNNEL_B4 7000
wait_for 5 listening "$SITE_B" 7000 || bail "no echo server"
refuses "checksums of xs0: UDP is not sent" packets "$SITE_A" roundtrip $TUNNEL_B4 7000 --timeout 1
ok "checksums of xs0: it counts" [ "$(drops_a no_hop)" -gt "$before" ]
mended "checksums of xs0"
ok "checksums of xs0: UDP is sent" packets "$SITE_A" roundtrip $TUNNEL_B4 7000
warns "segmentation by nobody" "offloads of xs0 were switched on" ethtool_a xs0 tso on tx on
mended "segmentation by nobody"
warns "switched on" "offloads of xs0 were switched on" ethtool_a xs0 tx on
ok "and off by hand" ethtool_a xs0 tx off
healthy "and off by hand"

# ---- the far end -------------------------------------------------------------------------------------

FAR=$(ip -n "$SITE_A" -j link show | jq -r '.[].ifname | select(test("^xst"))')
QUEUES=$(nproc --all)
warns "a far end that joins packets" "GRO of $FAR was switched on: packets that it joins are dropped as no_hop; xdpsec reload $NAME_A" \
	ethtool_a "$FAR" gro on
mended "a far end that joins packets"
ok "GRO of the far end is off" sh -c "ip netns exec $SITE_A ethtool -k $FAR | grep -q '^generic-receive-offload: off'"
if [ "$QUEUES" -gt 1 ]; then
	warns "a far end of one queue" "$FAR has fewer receive queues than xs0 sends on: XDP cannot redirect to it, and nothing arrives" \
		in_a ethtool -L "$FAR" rx 1
	refuses "a far end of one queue: nothing arrives" reaches_b
	mended "a far end of one queue"
	ok "a far end of all queues: it works" wait_for 5 reaches_b
fi
warns "the far end down" "$FAR was set down: nothing is sent or received; xdpsec reload $NAME_A" link_a set dev "$FAR" down
refuses "the far end down: nothing arrives" reaches_b
mended "the far end down"
warns "the far end's MTU" "the MTU of $FAR was changed to 1000, from 65535" link_a set dev "$FAR" mtu 1000
mended "the far end's MTU"
warns "another MAC address" "the MAC address of xs0 was changed: nothing arrives on it" link_a set dev xs0 address 02:00:00:00:00:99
refuses "another MAC address: nothing arrives" reaches_b
mended "another MAC address"
warns "ARP" "ARP of xs0 was switched on, and nobody answers: nothing is sent" link_a set dev xs0 arp on
mended "ARP"
ok "the far end as it was: it works" wait_for 5 reaches_b

# ---- MTU ---------------------------------------------------------------------------------------------

for mtu in 1300 1600; do
	warns "MTU $mtu" "the MTU of xs0 was changed to $mtu, from $((1500 - IP4_OVERHEAD))" link_a set dev xs0 mtu $mtu
	is "MTU $mtu: status has it" "$(status_a .tunnel.mtu)" $mtu
	like "MTU $mtu: for people" "$(xdpsec_a status)" "tunnel device: xs0, MTU $mtu"
	ok "MTU $mtu: it works" reaches_b
	mended "MTU $mtu"
	is "MTU $mtu: reload: status has it" "$(status_a .tunnel.mtu)" $((1500 - IP4_OVERHEAD))
done
warns "a smaller underlay" "the MTU of eth0 is now 1400: packets of $((1500 - IP4_OVERHEAD)) bytes from xs0 and 60 bytes of overhead do not fit" \
	link_a set dev eth0 mtu 1400
mended "a smaller underlay"
is "a smaller underlay: reload: the MTU" "$(status_a .tunnel.mtu)" $((1400 - IP4_OVERHEAD))
ok "the underlay as it was" link_a set dev eth0 mtu 1500
healthy "the underlay as it was"
ok "reload" reload_a
is "reload: the MTU as it was" "$(status_a .tunnel.mtu)" $((1500 - IP4_OVERHEAD))

# ---- addresses and routes ----------------------------------------------------------------------------

warns "a route is gone" "xs0 lacks 1 of its routes, first $TUNNEL_B4/32" route_a del $TUNNEL_B4 dev xs0
mended "a route is gone"
warns "all routes of IPv6" "xs0 lacks 1 of its routes, first $TUNNEL_B6/128" ip -n "$SITE_A" -6 route del $TUNNEL_B6 dev xs0
ok "and one of them is back by hand" ip -n "$SITE_A" -6 route add $TUNNEL_B6 dev xs0 proto static
healthy "and one of them is back by hand"
warns "an address is gone" "xs0 lacks 1 of its addresses, first $TUNNEL_A6/64" \
	ip -n "$SITE_A" address del $TUNNEL_A6/64 dev xs0
mended "an address is gone"
warns "set down" "the tunnel device xs0 was set down" link_a set dev xs0 down
mended "set down"
ok "down" down_plain
sed -i '0,/^\[Interface\]/s//&\nTable = off/' "$CONF"
ok "Table = off: up" up_plain
is "Table = off: no routes, no warning" "$(warnings)" ""
ok "Table = off: down" down_plain
restore

# ---- the way to the peer -----------------------------------------------------------------------------

sed -i "0,/^AllowedIPs = .*/s||&, 198.51.100.0/24|" "$CONF"
route_a add $B4/32 via 192.0.2.254 dev eth0
ok "an endpoint in AllowedIPs: up" up_plain
healthy "an endpoint in AllowedIPs"
warns "the route around is gone" "site-b: the route to its endpoint leads into the tunnel.*: ip route add $B4/32 via GATEWAY dev eth0" \
	route_a del $B4/32
refuses "the route around is gone: nothing is sent" reaches_b
ok "the route around is gone: it counts" [ "$(drops_a loop)" -gt 0 ]
ok "the command of the warning" route_a add $B4/32 via 192.0.2.254 dev eth0
healthy "the command of the warning"
ok "down again" down_plain
route_a del $B4/32
restore
ok "up again" up_plain
warns "no route" "site-b: no route to its endpoint $B4/32" route_a del default
route_a add default via 192.0.2.254
healthy "a route"

# ---- names and namespaces ----------------------------------------------------------------------------

renamed() { link_a set dev "$1" down && link_a set dev "$1" name "$2" && link_a set dev "$2" up; }
ok "another name" renamed xs0 vpn0
ok "another name: reload" reload_a
is "another name: no warning" "$(warnings)" ""
is "another name: status has it" "$(status_a .tunnel.device)" vpn0
ok "another name: it works" wait_for 5 reaches_b
ok "the old name" renamed vpn0 xs0
ok "the old name: reload" reload_a
healthy "the old name"

moved() {
	link_a set dev xs0 netns "$OTHER" && add_address "$OTHER" xs0 $TUNNEL_A4/25 $TUNNEL_A6/64
}
ok "to a container" moved
is "to a container: no warning" "$(warnings)" ""
is "to a container: status" "$(status_a .tunnel.moved)" true
ok "to a container: it works" wait_for 5 in_ns "$OTHER" ping -c1 -W2 $TUNNEL_B4
ok "to a container: GRO off" in_ns "$OTHER" ethtool -K xs0 gro off
ok "to a container: reload" reload_a
ok "to a container: it works on" in_ns "$OTHER" ping -c1 -W10 $TUNNEL_B4
is "to a container: nothing is put where it was" "$(route_a show $TUNNEL_B4/32)" ""
ok "back again" ip -n "$OTHER" link set dev xs0 netns "$SITE_A"
ok "back again: reload" eval 'link_a set dev xs0 up; reload_a'
healthy "back again"
warns "encapsulate is detached" "not attached to TC ingress of xst[0-9]*: nothing is sent; xdpsec reload $NAME_A" \
	bpftool link detach pinned "$INSTANCE/links/encapsulate"
mended "encapsulate is detached"

# ---- the limit of a key ------------------------------------------------------------------------------

# has_sealed HEX: the first SAs have sealed HEX times 2^48 bytes on each CPU (the seventh byte of that number)
has_sealed() {
	local counters=$INSTANCE/maps/sa_counters size slot

	size=$(bpftool -j map show pinned "$counters" | jq .bytes_value)
	for slot in 0 1 2 3; do
		# shellcheck disable=SC2046 # words
		bpftool map update pinned "$counters" key hex 0$slot 0 0 0 \
			value hex $(printf '0 %.0s' {1..14}) "$1" $(printf '0 %.0s' $(seq 16 "$size")) || return
	done
}
# A block has 16 bytes: 2^52 bytes are 2^48 blocks.
warns "the Tx key is used up" "site-b: the Tx key has encrypted almost 2\\^48 blocks: change it" has_sealed 10
ok "the Tx key is half used" has_sealed 01
healthy "the Tx key is half used"
ok "and down" down_plain
ok "no trace" no_trace_a

# ---- the hop -----------------------------------------------------------------------------------------

down_b
write_configs
ok "inline: up" up_plain || bail "not up"
NEAR=$(ip -n "$SITE_A" -j link show | jq -r '.[].ifname | select(test("^xsh.*a$"))')
is "inline: no warning" "$(warnings)" ""
warns "inline: offloads of the hop" "offloads of $NEAR were switched on" ethtool_a "$NEAR" tx on
ok "inline: reload" reload_a
is "inline: reload: no warning" "$(warnings)" ""
warns "inline: the hop is down" "$NEAR was set down: packets with a pending checksum, or GSO, are lost" \
	link_a set dev "$NEAR" down
ok "inline: the hop is down: reload" reload_a
is "inline: the hop is down: reload: no warning" "$(warnings)" ""
FAR=${NEAR%a}b
warns "inline: the hop's far end is down" "$FAR was set down: packets with a pending checksum, or GSO, are lost" \
	link_a set dev "$FAR" down
ok "inline: the hop's far end is down: reload" reload_a
warns "inline: the hop's MTU" "the MTU of $NEAR was changed to 1000, from 65535" link_a set dev "$NEAR" mtu 1000
ok "inline: the hop's MTU: reload" reload_a
warns "inline: a far end that joins packets" "GRO of $FAR was switched on" ethtool_a "$FAR" gro on
ok "inline: a far end that joins packets: reload" reload_a
is "inline: a far end that joins packets: reload: no warning" "$(warnings)" ""
detach() { bpftool link detach pinned "$INSTANCE/links/$1"; }
warns "inline: seal is detached" "not attached to TC egress of eth0: packets leave in clear; xdpsec reload $NAME_A" \
	detach seal
ok "inline: seal is detached: reload" reload_a
is "inline: seal is detached: reload: no warning" "$(warnings)" ""
ok "inline: GRO off" ethtool_a "$NEAR" gro off
is "inline: GRO off: no warning" "$(warnings)" ""
ok "inline: down" down_plain
ok "inline: no trace" no_trace_a
done_testing
