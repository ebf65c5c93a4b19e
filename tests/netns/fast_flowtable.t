#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fast path behind a firewall: only flows that nftables has put into a flowtable take it. What its rules drop does not
# go through, what it translates takes the ordinary way, and what it forgets goes back there.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/lans.sh
. "$here/lans.sh"

only_with_fast
modprobe -q -a nf_flow_table nf_flow_table_inet nft_flow_offload nft_ct nft_masq nft_nat 2>/dev/null
[ -e /sys/module/nf_flow_table_inet ] || skip_all "this kernel has no flowtables"

INTERFACE_LINES="FastPath = inside"

# The rules of docs/deployment.md.
awk '/^### Fast path/ { within = 1 } within && /^```nft$/ { block = 1; next } /^```$/ { if (block) exit } block' \
	"$here/../../../docs/deployment.md" >"$WORK/rules"

# Addresses at B that are translated to the host's there.
OTHER_B4=198.18.0.77 OTHER_B6=2001:db8:d::77

# flowtable SITE DEVICES: these rules, with the devices of this test, and those of this test in front.
flowtable() {
	in_ns "$1" nft delete table inet gateway 2>/dev/null || true
	sed "s/{ lan0, eth0 }/{ $2 }/; s/\"lan0\"/\"inside\"/" "$WORK/rules" | in_ns "$1" nft -f - &&
		in_ns "$1" nft -f - <<-END
			insert rule inet gateway forward udp dport 7001 drop
			add rule inet gateway forward iifname "xs0" oifname "inside" meta l4proto { tcp, udp, ipv6-icmp } accept
			add chain inet gateway translate { type nat hook postrouting priority 100; }
			add rule inet gateway translate udp dport 7002 oifname "xs0" masquerade
			add chain inet gateway far { type nat hook prerouting priority -100; }
			add rule inet gateway far iifname "xs0" ip daddr $OTHER_B4 dnat ip to $HOST_B4
			add rule inet gateway far iifname "xs0" ip6 daddr $OTHER_B6 dnat ip6 to $HOST_B6
		END
}

# come_back ADDRESS PORT COUNT [OPTIONS]
come_back() {
	ECHO_PORT=$2 echoed "$3" "$1" "${@:4}"
}

make_sites
make_lans
make_cards
write_tunnel_configs

ok "up without a flowtable" up
like "is warned of" "$TAP_OUTPUT" "no flowtable of nftables has inside"
like "with what is missing" "$TAP_OUTPUT" "hint: a flowtable with .devices = . inside, eth0, xs0 "
start_echo "$HOST_B" $HOST_B4 7000
echo=$STARTED
ok "packets go" come_back $HOST_B4 7000 4
is "none by the fast path" "$(fast_counts)" "0 0 0 0"

flowtable "$SITE_A" inside
like "a flowtable without eth0: status says so" "$(xdpsec_a status "$NAME_A")" "fast path: eth0 is in no flowtable"
ok "reload" xdpsec_a reload "$NAME_A"
like "says what to do" "$TAP_OUTPUT" "FastPath: no flowtable of nftables has inside and eth0: .*hint: a flowtable with"
flowtable "$SITE_A" "inside, eth0"
like "one without xs0: status says so" "$(xdpsec_a status "$NAME_A")" "fast path: the flowtable lacks xs0: "
down_a
ok "up again" up_a
like "it says so too" "$TAP_OUTPUT" "FastPath: the flowtable lacks xs0: "
hint=$(sed -n 's/.*hint: PostUp = \(nft ".*"\), with .*/\1/p' <<<"$TAP_OUTPUT")
ok "what it hints at: $hint" in_a sh -c "$hint"
flowtable "$SITE_B" "inside, eth0, xs0" || bail "no flowtable"
refuses "made later, it is no warning any more" grep -q "no flowtable\|lacks" <(xdpsec_a status "$NAME_A")
stop "$echo"

fast_way "IPv4" 4
fast_way "IPv6" 6
before=$(fast_counts)
transfer "host to host" "$HOST" "$HOST_B" $HOST_B4 1000000
read -r out_a _ _ in_b_ <<<"$(fast_since "$before")"
ok "TCP by the fast path ($out_a, $in_b_ packets)" test "$out_a" -gt 300 -a "$in_b_" -gt 300
transfer "IPv6, back" "$HOST_B" "$HOST" $HOST6 300000

for family in 4 6; do
	address=HOST_B$family other=OTHER_B$family
	start_echo "$HOST_B" ${!address} 7001
	echo=$STARTED
	before=$(fast_counts)
	refuses "IPv$family: what nftables drops does not arrive" come_back ${!address} 7001 1 --timeout 0.5
	is "IPv$family: not by the fast path either" "$(fast_since "$before")" "0 0 0 0"
	stop "$echo"

	start_echo "$HOST_B" ${!address} 7002
	echo=$STARTED
	before=$(fast_counts)
	ok "IPv$family: what it translates comes back" come_back ${!address} 7002 6
	read -r out_a in_a_ _ _ <<<"$(fast_since "$before")"
	is "IPv$family: by the ordinary way at the gateway that translates" "$out_a $in_a_" "0 0"
	stop "$echo"

	start_echo "$HOST_B" ${!address} 7003
	echo=$STARTED
	before=$(fast_counts)
	ok "IPv$family: another destination, which the far gateway translates" come_back ${!other} 7003 6
	read -r _ _ out_b in_b_ <<<"$(fast_since "$before")"
	is "IPv$family: by the ordinary way there" "$out_b $in_b_" "0 0"
	stop "$echo"
done

# The flow is known to the firewall no more: back to the ordinary way, where the rules decide.
start_echo "$HOST_B" $HOST_B4 7000
echo=$STARTED
ok "a flow" come_back $HOST_B4 7000 4
in_a nft insert rule inet gateway forward udp dport 7000 drop
in_a nft delete flowtable inet gateway fast 2>/dev/null || in_a nft -f - <<-END
	delete table inet gateway
	table inet gateway {
		chain forward { type filter hook forward priority 0; policy drop; }
	}
END
before=$(fast_counts)
refuses "without the flowtable the rules drop it" come_back $HOST_B4 7000 1 --timeout 0.5
is "at once" "$(fast_since "$before" | cut -d' ' -f1)" 0
flowtable "$SITE_A" "inside, eth0"
ok "with the flowtable again" come_back $HOST_B4 7000 4
stop "$echo"

# A VLAN of the host's, of which the gateway has no device: nothing of it may be forwarded.
if ip -n "$HOST" link add link eth0 name eth0.10 type vlan id 10 2>/dev/null; then
	in_ns "$HOST" ethtool -K eth0 txvlan on >/dev/null
	ip -n "$HOST" link set eth0.10 up
	ip -n "$HOST" route add $HOST_B4/32 via 203.0.113.126 dev eth0.10 onlink
	ip -n "$HOST" neigh replace 203.0.113.126 lladdr "$(mac "$SITE_A" inside)" dev eth0.10
	before=$(fast_counts)
	for _ in 1 2 3 4; do
		packets "$HOST" send $HOST_B4 7000 --source-port 5555 --size 300 --marker "$MARKER" >/dev/null
	done
	is "frames with a VLAN tag beside them" "$(fast_since "$before")" "0 0 0 0"
	in_ns "$HOST" ethtool -K eth0 txvlan off >/dev/null
	for _ in 1 2 3 4; do
		packets "$HOST" send $HOST_B4 7000 --source-port 5555 --size 300 --marker "$MARKER" >/dev/null
	done
	is "and in them" "$(fast_since "$before")" "0 0 0 0"
fi

is "no drops at A" "$(all_drops_a | sed -E 's/ ?stray=[0-9]+//')" ""
is "no drops at B" "$(all_drops_b | sed -E 's/ ?stray=[0-9]+//')" ""
ok "down" down
ok "nothing is left" no_trace
done_testing
