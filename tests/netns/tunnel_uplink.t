#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# By which way a tunnel's packets leave: from the address that the peer speaks to, by rules of routing, with a mark;
# what is said when that cannot be right, and on a host that is told not to forward.
#
# A gets a second uplink, eth1, to the middle: 203.0.114.1, 2001:db8:e::1.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

VIP4=192.0.2.10 VIP6=2001:db8:a::10
SECOND4=203.0.114.1 SECOND6=2001:db8:e::1

make_second_uplink() {
	ip -n "$SITE_A" link add eth1 numrxqueues 2 numtxqueues 2 type veth \
		peer name a1 numrxqueues 2 numtxqueues 2 netns "$MIDDLE" || bail "no veth"
	add_address "$MIDDLE" a1 203.0.114.254/24 2001:db8:e::fe/64
	add_address "$SITE_A" eth1 "$SECOND4/24" "$SECOND6/64"
}

# In front of B there is a firewall that lets in what answers, as many have.
guard_b() {
	in_middle nft "add table inet guard; add chain inet guard forward { type filter hook forward priority 0; policy drop; }
		add rule inet guard forward iifname b accept
		add rule inet guard forward ct state established accept" 2>&1
}
unguard_b() { in_middle nft delete table inet guard 2>/dev/null; }

local_a() { status_a '.peers[0].local'; }
warnings_a() { status_a '.warnings | join("; ")'; }
# The next packets are not taken for those before.
sources() { udp_of "$1" 'map(.source) | unique | join(" ")'; }
ping_a() { in_a ping -c2 -i.2 -W2 "$1"; }
ping_b() { in_b ping -c2 -i.2 -W2 "$1"; }

# config_a SED: A's configuration is changed
config_a() { sed -i "$1" "$WORK/$NAME_A.conf"; }
with_line() { config_a "/^\\[$1\\]/a $2"; }

make_sites
make_second_uplink

# ---- the address that the peer speaks to ---------------------------------------------------------------

guarded=
for underlay in 4 6; do
	vip=VIP$underlay main=A$underlay
	vip=${!vip} main=${!main}
	ip -n "$SITE_A" address flush dev eth0
	add_address "$SITE_A" eth0 "$A4/24" "$A6/64"
	[ $underlay = 4 ] && add_address "$SITE_A" eth0 "$VIP4/24"
	[ $underlay = 6 ] && ip -n "$SITE_A" address add "$VIP6/64" dev eth0 nodad preferred_lft 0
	ip -n "$SITE_A" route replace default via 192.0.2.254
	ip -n "$SITE_A" route replace default via 2001:db8:a::fe
	endpoint=$vip:7253
	[ $underlay = 4 ] || endpoint=[$vip]:7253
	INTERFACE_LINES="SourcePort = listen" UNDERLAY=$underlay ENDPOINT_A=$endpoint write_tunnel_configs
	ok "IPv$underlay: up" up || bail "not up"
	is "IPv$underlay: nothing is known of the local address" "$(status_a '.peers[0].local // "-"' | sed "s/^$main$/-/")" -
	guard_b >"$WORK/guard" && guarded=yes
	capture_start "vip$underlay" a "udp port 7253 and src $vip or src $main and udp port 7253"
	ok "IPv$underlay: B speaks to another address of A" ping_b $TUNNEL_A4
	capture_stop "vip$underlay"
	is "IPv$underlay: and is answered from it alone" "$(sources "vip$underlay")" "$vip"
	is "IPv$underlay: status has it" "$(local_a)" "$vip"
	like "IPv$underlay: for people, too" "$(xdpsec_a status "$NAME_A")" "local: $vip"
	unguard_b
	# The address goes elsewhere, as with VRRP.
	ip -n "$SITE_A" address del "$vip/$([ $underlay = 4 ] && echo 24 || echo 64)" dev eth0
	capture_start "gone$underlay" a "udp port 7253 and src $vip or src $main and udp port 7253"
	in_a ping -c2 -i.3 -W1 $TUNNEL_B4 >/dev/null
	capture_stop "gone$underlay"
	is "IPv$underlay: an address that is gone is not used" "$(sources "gone$underlay")" "$main"
	ok "IPv$underlay: down" down
done
[ -n "$guarded" ] || skip "a firewall in front of B" "no connection tracking with nftables: $(tail -n 1 "$WORK/guard")"

# ---- a second uplink, by a rule -------------------------------------------------------------------------

ip -n "$SITE_A" rule add from $SECOND4 lookup 77
ip -n "$SITE_A" route add default via 203.0.114.254 dev eth1 table 77
ENDPOINT_A=$SECOND4:7253 write_tunnel_configs
config_a 's/^Device = .*/Device = eth1/; /^Endpoint/d'
ok "second uplink: up" up || bail "not up"
capture_start second a1 udp
ok "second uplink: B speaks to it" ping_b $TUNNEL_A4
capture_stop second
is "second uplink: answers leave by it, from its address" "$(sources second)" "$B4 $SECOND4"
is "second uplink: no warning" "$(warnings_a)" ""
ok "second uplink: down" down

# ---- Source -----------------------------------------------------------------------------------------------

add_address "$SITE_A" eth0 "$VIP4/24"
write_tunnel_configs
with_line Interface "Source = $VIP4"
ok "Source: up" up || bail "not up"
capture_start source a "udp port 7253"
ok "Source: both ways" eval 'ping_a $TUNNEL_B4 && ping_b $TUNNEL_A4'
capture_stop source
# B's endpoint of A is the main address.
is "Source: whatever the peer speaks to" "$(sources source)" "$VIP4 $B4"
is "Source: status" "$(local_a)" $VIP4
ip -n "$SITE_A" address del "$VIP4/24" dev eth0
wait_for 5 eval '! in_a ping -c1 -W1 $TUNNEL_B4 >/dev/null'
capture_start no_source a "udp port 7253 and not src $B4"
refuses "Source: not of this host any more" in_a ping -c2 -W1 $TUNNEL_B4
capture_stop no_source
is "Source: nothing is sent" "$(sources no_source)" ""
ok "Source: that is counted" [ "$(drops_a unreachable)" -gt 0 ]
like "Source: a warning" "$(warnings_a)" "site-b: Source $VIP4 is not an address of this host"
ok "Source: reload with it missing" xdpsec_a reload "$NAME_A"
like "Source: which says it" "$TAP_OUTPUT" "Source: $VIP4: not an address of this host"
add_address "$SITE_A" eth0 "$VIP4/24"
ok "Source: it comes back" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B4
is "Source: the warning is gone" "$(warnings_a)" ""
config_a '/^Source/d'
with_line Peer "Source = $A4"
ok "Source: of the peer, by reload" xdpsec_a reload "$NAME_A"
capture_start peer_source a "udp port 7253 and not src $B4"
ok "Source: of the peer" ping_a $TUNNEL_B4
capture_stop peer_source
is "Source: of the peer, on the wire" "$(sources peer_source)" "$A4"
config_a '/^Source/d'
ok "Source: none, by reload" xdpsec_a reload "$NAME_A"
ok "Source: none" ping_a $TUNNEL_B4
ok "Source: down" down
with_line Interface "Source = 192.0.2.99"
ok "Source: check of one that is not here" xdpsec_a check "$WORK/$NAME_A.conf"
like "Source: check says it" "$TAP_OUTPUT" "Source: 192.0.2.99: not an address of this host: nothing is sent to peer site-b over IPv4"

# ---- FwMark -----------------------------------------------------------------------------------------------

ip -n "$SITE_A" rule add fwmark 0xca6c lookup 77
write_tunnel_configs
with_line Interface "FwMark = 0xca6c"
ok "FwMark: up" up || bail "not up"
like "FwMark: the route with the mark is not by Device" "$TAP_OUTPUT" "leave by eth1"
capture_start mark a1 "udp port 7253"
in_a ping -c1 -W1 $TUNNEL_B4 >/dev/null
capture_stop mark
is "FwMark: rules see it" "$(sources mark)" "$SECOND4"
is "FwMark: status" "$(status_a .tunnel.fwmark)" $((0xca6c))
config_a '/^FwMark/d'
ok "FwMark: none, by reload" xdpsec_a reload "$NAME_A"
ok "FwMark: none" ping_a $TUNNEL_B4
ok "FwMark: down" down
ip -n "$SITE_A" rule del fwmark 0xca6c lookup 77

# ---- Device is the other one ----------------------------------------------------------------------------

write_tunnel_configs
config_a 's/^Device = .*/Device = eth1/'
wrong="Device: eth1: packets to peer site-b at $B4:7253 leave by eth0"
ok "wrong Device: check" xdpsec_a check "$WORK/$NAME_A.conf"
like "wrong Device: check says so" "$TAP_OUTPUT" "$wrong.*hint: Device = eth0"
ok "wrong Device: up" up_a || bail "not up"
like "wrong Device: up says so" "$TAP_OUTPUT" "$wrong.*hint: Device = eth0"
like "wrong Device: status, before any packet" "$(warnings_a)" "site-b: packets to it leave by eth0.*Device = eth0"
ok "wrong Device: reload" xdpsec_a reload "$NAME_A"
like "wrong Device: reload says so" "$TAP_OUTPUT" "$wrong"
ip -n "$SITE_A" route add $B4 via 203.0.114.254
ok "B up" up_b || bail "not up"
wait_for 5 eval 'in_a ping -c1 -W1 $TUNNEL_B4 >/dev/null; [ -z "$(warnings_a)" ]'
is "wrong Device: the route goes there: no warning" "$(warnings_a)" ""
unlike "wrong Device: check says nothing" "$(xdpsec_a check "$WORK/$NAME_A.conf" 2>&1)" warning
ip -n "$SITE_A" route del $B4
ok "down" down
# The bridge that Device is a part of is no other device.
if ip -n "$SITE_A" link add br0 type bridge 2>"$WORK/bridge"; then
	ip -n "$SITE_A" link set eth1 master br0
	ip -n "$SITE_A" address flush dev eth1
	add_address "$SITE_A" br0 $SECOND4/24
	ip -n "$SITE_A" route add $B4 via 203.0.114.254
	unlike "Device is a part of a bridge: no warning" "$(xdpsec_a check "$WORK/$NAME_A.conf" 2>&1)" warning
	ip -n "$SITE_A" link del br0
	ip -n "$SITE_A" link set eth1 nomaster
else
	skip "a bridge" "$(tail -n 1 "$WORK/bridge")"
fi

# ---- a host that is told not to forward -----------------------------------------------------------------

for underlay in 4 6; do
	UNDERLAY=$underlay write_tunnel_configs
	ok "forwarding, IPv$underlay: up" up || bail "not up"
	enable_routing "$SITE_A"
	ok "forwarding, IPv$underlay: on" ping_a $TUNNEL_B4
	is "forwarding, IPv$underlay: on: no warning" "$(warnings_a)" ""
	in_a sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding'
	ok "forwarding, IPv$underlay: off, IPv4 inside" ping_a $TUNNEL_B4
	ok "forwarding, IPv$underlay: off, IPv6 inside" ping_a $TUNNEL_B6
	ok "forwarding, IPv$underlay: off, from the other side" ping_b $TUNNEL_A4
	ok "forwarding, IPv$underlay: off, the largest packet" \
		in_a ping -c1 -W2 -M "do" -s $((1500 - $([ $underlay = 4 ] && echo $IP4_OVERHEAD || echo $IP6_OVERHEAD) - 28)) $TUNNEL_B4
	is "forwarding, IPv$underlay: off: no drops" "$(all_drops_a | sed 's/stray=[0-9]*//')" ""
	like "forwarding, IPv$underlay: off: a warning" "$(warnings_a)" "forwarding of xst[0-9]* was switched off.*xdpsec reload $NAME_A"
	ok "forwarding, IPv$underlay: reload" xdpsec_a reload "$NAME_A"
	is "forwarding, IPv$underlay: reload: no warning" "$(warnings_a)" ""
	is "forwarding, IPv$underlay: the host does not forward" "$(in_a cat /proc/sys/net/ipv4/ip_forward)" 0
	ok "forwarding, IPv$underlay: reload" ping_a $TUNNEL_B4
	ok "forwarding, IPv$underlay: down" down
done
# Off before there was a packet
write_tunnel_configs
enable_routing "$SITE_A"
ok "forwarding off before the first packet: up" up || bail "not up"
in_a sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding'
ok "forwarding off before the first packet" ping_a $TUNNEL_B4
ok "down" down
ok "nothing is left" eval 'ip -n "$SITE_A" link del eth1; no_trace'
done_testing
