#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mending: `reload` restores what others have taken away from a running instance, and reports it. Faults that it cannot
# mend it reports with an exit code of 1, and does the rest. The measure is what `up` had made: addresses, routes, neighbours, flags,
# offloads, sysctls, programs, and that packets pass.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
defer down_anyhow
UP+=(--new-key)

link_a() { ip -n "$SITE_A" -j link show dev "$1" | jq -r ".[0].$2"; }
sysctl_a() { in_a sh -c "echo $2 >/proc/sys/net/$1"; }
offloads() { in_a ethtool -k "$1" | grep -E '^(tx-checksumming|scatter-gather|tcp-seg|generic-)'; }

# as_is DEVICE...: everything about them that `up` makes, and reload is to make again
as_is() {
	local device

	for device in "$@"; do
		ip -n "$SITE_A" -j link show dev "$device" | jq -r '.[0] | "\(.ifname) \(.flags | sort | join(",")) \(.mtu)"'
		ip -n "$SITE_A" -j address show dev "$device" |
			jq -r '[.[0].addr_info[]? | "\(.local)/\(.prefixlen) \(.scope)"] | sort | join(" ")'
		in_a cat "/proc/sys/net/ipv6/conf/$device/disable_ipv6" "/proc/sys/net/ipv4/conf/$device/forwarding" 2>/dev/null
		[ "$device" != "$near" ] || offloads "$device"
		ip -n "$SITE_A" -j neigh show dev "$device" nud all | jq -r '[.[] | select(has("managed")) | .dst] | sort | join(" ")'
	done
	{
		ip -n "$SITE_A" route show table all dev xs0
		ip -n "$SITE_A" -6 route show table all dev xs0
	} 2>/dev/null | grep -v 'ff00::\|table local\|^broadcast\|^local\|^anycast\|^multicast' | sed 's/ table main//; s/ *$//' | sort
	link_devices
	status_a '[.attached, .warnings]|tostring'
}

# link_devices: of each pinned link its name and the index of the device that it is on; 0: it was detached
link_devices() {
	python3 - "$INSTANCE"/links/* <<-'END'
		import ctypes, sys
		libbpf = ctypes.CDLL("libbpf.so.1")
		for path in sys.argv[1:]:
		    fd = libbpf.bpf_obj_get(path.encode())
		    for line in open("/proc/self/fdinfo/%d" % fd):
		        if line.startswith("ifindex"):
		            print(path.split("/")[-1], line.split()[1])
	END
}

# mends NAME REGEX BREAK CHECK: what BREAK has broken, so that CHECK fails, is as it was after a reload
mends() {
	local name=$1 regex=$2

	ok "$name" eval "$3"
	[ -z "${4:-}" ] || refuses "$name: is broken" eval "$4"
	ok "$name: reload" reload_a
	like "$name: reload says so" "$TAP_OUTPUT" "$regex"
	is "$name: all is as it was" "$(as_is "${devices[@]}")" "$whole"
	ok "$name: works" wait_for 5 works
}

# again NAME: with nothing to mend, nothing is said
again() {
	ok "$1" reload_a
	unlike "$1: nothing is said" "$TAP_OUTPUT" "warning"
}

# ---- a tunnel ----------------------------------------------------------------------------------------

ALLOWED_A="$TUNNEL_B4/32, 203.0.113.0/26, $TUNNEL_B6/128" PEER_LINES="PersistentKeepalive = 25" write_tunnel_configs
keep
ok "a tunnel: up at A" up_plain || bail "not up"
ok "a tunnel: up at B" up_b || bail "not up"
near=xs0 far=xst$(link_a eth0 ifindex)
devices=("$near" "$far")
works() { in_a ping -c1 -W1 $TUNNEL_B4 && in_a ping -c1 -W1 $TUNNEL_B6; }
ping_once='in_a ping -c1 -W1 $TUNNEL_B4'
ok "a tunnel: works" wait_for 5 works
whole=$(as_is "${devices[@]}")
like "a tunnel: all of it is seen" "$whole" \
	"$TUNNEL_A6/64 .*$TUNNEL_A4/25 .*169.254.16.0.*203.0.113.0/26 proto static.*encapsulate [1-9].*keepalive [1-9].*true"
again "nothing is broken"

mends "XDP is taken off" "warning: eth0: was detached from XDP, and is attached again" \
	'ip -n "$SITE_A" link set dev eth0 xdp off' "$ping_once"
for link in encapsulate keepalive; do
	check=
	[ $link = keepalive ] || check=$ping_once
	mends "the link of $link is detached" "warning: $far: was detached from TC .*gress, and is attached again" \
		"bpftool link detach pinned $INSTANCE/links/$link" "$check"
	mends "the pin of $link is removed" "warning: $far: was detached from TC .*gress, and is attached again" \
		"rm $INSTANCE/links/$link"
done
mends "GRO is switched off" "warning: xs0: its GRO was switched off, and is on again" 'in_a ethtool -K xs0 gro off'
mends "GRO of the far end is switched on" "warning: $far: its GRO was switched on, and is off again" \
	'in_a ethtool -K "$far" gro on' 'in_a ethtool -k "$far" | grep -q "^generic-receive-offload: off"'
mends "offloads are switched on" "warning: xs0: its offloads were switched on, and are off again" \
	'in_a ethtool -K xs0 tx on sg on tso on gso on'
mends "forwarding is switched off" "warning: $far: its forwarding was switched off, and is on again" \
	'sysctl_a ipv4/ip_forward 1 && sysctl_a ipv4/ip_forward 0'
mends "forwarding of IPv6 is switched off" "warning: $far: its forwarding was switched off, and is on again" \
	'sysctl_a ipv6/conf/all/forwarding 1 && sysctl_a ipv6/conf/all/forwarding 0'
mends "the device is set down" "warning: xs0: was down, and is up again.*warning: xs0: its addresses" \
	'ip -n "$SITE_A" link set dev xs0 down' "$ping_once"
mends "the device is set down and up" "warning: xs0: its addresses were removed, and are added again" \
	'ip -n "$SITE_A" link set dev xs0 down && ip -n "$SITE_A" link set dev xs0 up' 'in_a ping -c1 -W1 $TUNNEL_B6'
mends "the far end is set down" "warning: $far: was down, and is up again" \
	'ip -n "$SITE_A" link set dev "$far" down' "$ping_once"
mends "the far end is set down and up" "changed: 0" \
	'ip -n "$SITE_A" link set dev "$far" down && ip -n "$SITE_A" link set dev "$far" up'
mends "the addresses are flushed" "warning: xs0: its addresses were removed" \
	'ip -n "$SITE_A" address flush dev xs0' "$ping_once"
mends "the routes are flushed" "changed: 0" \
	'ip -n "$SITE_A" route flush dev xs0 && ip -n "$SITE_A" -6 route flush dev xs0' "$ping_once"
mends "IPv6 is switched off" "warning: xs0: its addresses were removed" 'sysctl_a ipv6/conf/xs0/disable_ipv6 1' \
	'in_a ping -c1 -W1 $TUNNEL_B6'
mends "IPv6 is switched on everywhere" "changed: 0" 'sysctl_a ipv6/conf/all/disable_ipv6 0'
mends "the MTU is changed" "changed: 0" 'ip -n "$SITE_A" link set dev xs0 mtu 1300'
mends "an MTU that is too small for IPv6" "warning: xs0: its addresses" 'ip -n "$SITE_A" link set dev xs0 mtu 1000'
mends "the far end's MTU is changed" "warning: $far: its MTU was 1400, and is 65535 again" \
	'ip -n "$SITE_A" link set dev "$far" mtu 1400'
mends "the neighbours are flushed" "changed: 0" 'ip -n "$SITE_A" neigh flush dev "$far" nud all'
mends "ARP is switched on" "changed: 0" 'ip -n "$SITE_A" link set dev xs0 arp on multicast on'
mends "another MAC address" "changed: 0" 'ip -n "$SITE_A" link set dev xs0 address 02:00:00:00:00:99' "$ping_once"

# Its elements of the DEVMAP are emptied by that. In a namespace with nothing in it, it keeps its index.
make_namespace "$ID-away"
move_away() {
	ip -n "$SITE_A" link set dev "$1" netns "$ID-away" && ip -n "$ID-away" link set dev "$1" netns "$SITE_A"
}
index=$(link_a eth0 ifindex)
underlay_back() {
	add_address "$SITE_A" eth0 "$A4/24" "$A6/64"
	ip -n "$SITE_A" route replace default via 192.0.2.254
	ip -n "$SITE_A" -6 route replace default via 2001:db8:a::fe
}
if move_away eth0 && underlay_back && [ "$(link_a eth0 ifindex)" = "$index" ]; then
	mends "the device was in another namespace" "warning: eth0: was in another network namespace, and is back" true
else
	bail "the device does not come back"
fi
everything() {
	ip -n "$SITE_A" link set dev eth0 xdp off
	bpftool link detach pinned "$INSTANCE/links/encapsulate"
	bpftool link detach pinned "$INSTANCE/links/keepalive"
	in_a ethtool -K xs0 gro off tx on tso on
	sysctl_a "ipv4/conf/$far/forwarding" 0
	ip -n "$SITE_A" link set dev "$far" down
	ip -n "$SITE_A" link set dev xs0 down mtu 1280
	ip -n "$SITE_A" address flush dev xs0
}
mends "all of it at once" "XDP.*changed: 0|changed: 0" everything "$ping_once"
again "nothing is broken any more"

# Not ours: other protocols, other tables. Ours, and not of the file: protocol static.
ip -n "$SITE_A" route add 203.0.113.65 dev xs0
ip -n "$SITE_A" route add 203.0.113.66 dev xs0 proto bgp
ip -n "$SITE_A" route add 203.0.113.67 dev xs0 proto static table 77
ip -n "$SITE_A" route add 203.0.113.68 dev xs0 proto static
ip -n "$SITE_A" route add 2001:db8:f::77 dev xs0 proto static
ip -n "$SITE_A" neigh add 169.254.16.9 dev "$far" lladdr 02:00:00:00:00:01
ok "routes besides" reload_a
is "routes besides: of others they stay" \
	"$(ip -n "$SITE_A" -j route show table all dev xs0 | jq -r '[.[].dst | select(startswith("203.0.113.6"))] | sort | join(" ")')" \
	"203.0.113.65 203.0.113.66 203.0.113.67"
is "routes besides: of IPv6 it is gone" "$(ip -n "$SITE_A" -6 route show 2001:db8:f::77)" ""
is "a neighbour besides is gone" "$(ip -n "$SITE_A" -j neigh show dev "$far" nud all | jq -r '[.[].dst] | join(" ")')" 169.254.16.0
for route in 65 66 "67 table 77"; do
	# shellcheck disable=SC2086 # words
	ip -n "$SITE_A" route del 203.0.113.$route dev xs0
done

# A fault that cannot be mended does not keep a revoked key in use.
make_key new
old_key=$(status_a '.peers[0].rx.key')
sed "s|$WORK/b-to-a.key|$WORK/new.key|" "$WORK/kept" >"$CONF"
ip -n "$SITE_A" link set dev eth0 xdp off
ok "somebody else is on XDP" ip -n "$SITE_A" link set dev eth0 xdp obj "$OUTPUT/pass.bpf.o" sec xdp.frags
fails "somebody else is on XDP: reload" "eth0: cannot attach to XDP: .*hint: another XDP program is attached" reload_a --new-key
unlike "somebody else is on XDP: the rest is done" "$(status_a '.peers[0].rx.key')" "^$old_key$"
ip -n "$SITE_A" link set dev eth0 xdp off
restore
mends "nobody is on XDP any more" "warning: eth0: was detached from XDP, and is attached again" true
ok "a tunnel: down at A" down_plain
ok "a tunnel: down at B" down_b
ok "a tunnel: no trace" no_trace

# ---- the first prefix of IPv6 ------------------------------------------------------------------------

# first_ipv6 NAME MTU...: with IPv4 only, then with IPv6, each with its line of [Interface]
first_ipv6() {
	local name=$1

	TUNNEL_ADDRESSES_A=$TUNNEL_A4/25 ALLOWED_A=$TUNNEL_B4/32 INTERFACE_LINES=$2 write_tunnel_configs
	keep
	ok "$name: up without" up_plain
	sed -i "s|^AllowedIPs = .*|&, 2001:db8:e::/48|; s|^MTU = .*|MTU = 1400|" "$CONF"
	ok "$name: check" xdpsec_a check "$CONF"
	# A route of somebody else is in the way: nothing has changed.
	ip -n "$SITE_A" -6 route add 2001:db8:e::/48 dev eth0 metric 1024
	fails "$name: a route is there already: check" "2001:db8:e::/48: a route to it" xdpsec_a check "$CONF"
	before=$(as_is xs0)
	fails "$name: a route is there already" "2001:db8:e::/48: a route to it" reload_a
	is "$name: a route is there already: nothing has changed" "$(as_is xs0)" "$before"
	ip -n "$SITE_A" -6 route del 2001:db8:e::/48 dev eth0
	ok "$name: check" xdpsec_a check "$CONF"
	ok "$name: reload" reload_a
	is "$name: its route" "$(ip -n "$SITE_A" -6 route show dev xs0 proto static | sed 's/ metric.*//')" "2001:db8:e::/48"
	is "$name: no link-local address" "$(ip -n "$SITE_A" -6 address show dev xs0)" ""
	restore
	ok "$name: without again" reload_a
	is "$name: without again: no route" "$(ip -n "$SITE_A" -6 route show dev xs0)" ""
	ok "$name: down" down_plain
}
near=none
first_ipv6 "the first prefix of IPv6" ""
first_ipv6 "the first prefix of IPv6, and an MTU for it" "MTU = 1000"

# ---- a VRF -------------------------------------------------------------------------------------------

in_table() { ip -n "$SITE_A" -j route show table "$1" dev xs0 proto static | jq -r '[.[].dst] | sort | join(" ")'; }
in_table6() { ip -n "$SITE_A" -6 -j route show table "$1" dev xs0 proto static | jq -r '[.[].dst] | sort | join(" ")'; }
if has_link_type vrf table 20; then
	write_tunnel_configs
	keep
	near=xs0
	# The second is one that the header of a message about routes has no room for.
	for table in 20 2000; do
		ok "VRF $table: up at A" up_plain
		[ -e "/sys/fs/bpf/xdpsec/$NAME_B" ] || ok "up at B" up_b
		ip -n "$SITE_A" link add blue type vrf table $table
		ip -n "$SITE_A" link set dev blue up
		ok "VRF $table: the device goes into it" ip -n "$SITE_A" link set dev xs0 master blue
		ok "VRF $table: reload" reload_a
		is "VRF $table: its table has the routes" "$(in_table $table) $(in_table6 $table)" "$TUNNEL_B4 $TUNNEL_B6"
		is "VRF $table: the main table has none" "$(in_table main)$(in_table6 main)" ""
		ok "VRF $table: check" xdpsec_a check "$CONF"
		ok "VRF $table: works" wait_for 5 in_a ping -I blue -c1 -W1 $TUNNEL_B4
		ok "VRF $table: works with IPv6" wait_for 5 in_a ping -I blue -c1 -W1 $TUNNEL_B6
		sed -i "s|^AllowedIPs = .*|AllowedIPs = $TUNNEL_B4/32, 203.0.113.0/26|" "$CONF"
		ok "VRF $table: other prefixes" reload_a
		is "VRF $table: other prefixes: routes" "$(in_table $table)$(in_table6 $table)" "203.0.113.0/26 $TUNNEL_B4"
		restore
		ip -n "$SITE_A" route add 203.0.113.0/26 dev xs0 proto static
		ok "VRF $table: as before" reload_a
		is "VRF $table: as before: routes" "$(in_table $table) $(in_table6 $table)" "$TUNNEL_B4 $TUNNEL_B6"
		is "VRF $table: what an older version has put into the main table is gone" "$(in_table main)" ""
		ip -n "$SITE_A" link set dev xs0 nomaster
		ok "VRF $table: out of it" reload_a
		is "VRF $table: out of it: the main table has the routes" "$(in_table main) $(in_table6 main)" "$TUNNEL_B4 $TUNNEL_B6"
		ok "VRF $table: out of it: works" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B4
		ok "VRF $table: down" down_plain
		ip -n "$SITE_A" link del dev blue
	done
	ok "VRF: down at B" down_b
else
	skip "a tunnel in a VRF" "this kernel has no VRF"
fi

# ---- inline mode -------------------------------------------------------------------------------------

write_configs
keep
ok "inline: up at A" up_plain || bail "not up"
ok "inline: up at B" up_b || bail "not up"
start_echo "$SITE_B" $B4 5201
near=xsh$(link_a eth0 ifindex)a far=xsh$(link_a eth0 ifindex)b
devices=("$near" "$far")
works() { packets "$SITE_A" roundtrip $B4 5201 --size 200; }
send="works"
ok "inline: works" wait_for 5 works
whole=$(as_is "${devices[@]}")
like "inline: all of it is seen" "$whole" "hop [1-9].*seal [1-9].*true"
again "inline: nothing is broken"
mends "inline: XDP is taken off" "warning: eth0: was detached from XDP, and is attached again" \
	'ip -n "$SITE_A" link set dev eth0 xdp off' "$send"
mends "inline: the link of seal is detached" "warning: eth0: was detached from TC egress, and is attached again" \
	"bpftool link detach pinned $INSTANCE/links/seal" "$send"
mends "inline: the link of hop is detached" "warning: ($near: was detached from netkit|$far: was detached from TC ingress), and is attached again" \
	"bpftool link detach pinned $INSTANCE/links/hop" "$send"
mends "inline: the hop is set down" "warning: $near: was down, and is up again" \
	"ip -n $SITE_A link set dev $near down" "$send"
mends "inline: the hop's far end is set down" "warning: $far: was down, and is up again" \
	"ip -n $SITE_A link set dev $far down" "$send"
mends "inline: the hop's offloads are switched on" "warning: $near: its offloads were switched on, and are off again" \
	"in_a ethtool -K $near tx on sg on tso on gso on" "$send"
mends "inline: the hop's MTU is changed" "warning: $near: its MTU was 100, and is 65535 again" \
	"ip -n $SITE_A link set dev $near mtu 100"
move_away eth0
underlay_back
mends "inline: the device was in another namespace" "warning: eth0: was in another network namespace, and is back" true \
	"$send"
ip -n "$SITE_A" link del dev "$near"
PORTS=5201 write_config "$NAME_A" eth0 site-b "$B4/32" 0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" >"$CONF"
fails "inline: the hop is deleted" "the hop device $near is gone.*hint: xdpsec .*down $NAME_A" reload_a
is "inline: the hop is deleted: the rest is done" "$(status_a '.peers[0].protects[0].ports')" 5201
ok "inline: down at A" down_plain
ok "inline: down at B" down_b
ok "nothing is left" no_trace
done_testing
