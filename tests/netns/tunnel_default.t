#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tunnel that takes everything: AllowedIPs = 0.0.0.0/0, ::/0. Its own packets go by the default route that there is,
# and follow it; everything else goes into the tunnel, and back where it was when that is down.
#
# B stands for the internet, which has 203.0.114.80 and 2001:db8:feed::80.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/inject.sh
. "$here/inject.sh"

NET4=203.0.114.80 NET6=2001:db8:feed::80

rules_a() { ip -n "$SITE_A" rule; ip -n "$SITE_A" -6 rule; }
# Without what the kernel makes on its own, and when it likes.
routes_a() { { ip -n "$SITE_A" -4 route show table all; ip -n "$SITE_A" -6 route show table all; } 2>/dev/null | grep -v 'fe80:\|ff00:'; }
as_it_was() { rules_a; routes_a | sort; }
way() { ip -n "$SITE_A" -j route get "$1" | jq -r '.[0].dev'; }
warnings_a() { status_a '.warnings | join("; ")'; }
reach_all() {
	in_a ping -c1 -W2 $NET4 && in_a ping -c1 -W2 $NET6 && in_a ping -c1 -W2 $TUNNEL_B4 && in_a ping -c1 -W2 $TUNNEL_B6
}
as_before() {
	no_trace_a 2>/dev/null || return 1
	[ "$(as_it_was)" = "$BEFORE" ] || { as_it_was; echo "was: $BEFORE"; return 1; }
}
add_line() { sed -i "0,/^\\[$1\\]/s||&\\n$2|" "$CONF"; }

make_sites
add_address "$SITE_B" lo $NET4/32 $NET6/128
ALLOWED_A="0.0.0.0/0, ::/0" write_tunnel_configs
keep
defer down_anyhow
UP+=(--new-key)
BEFORE=$(as_it_was)
up_b || bail "B not up"

# ---- over IPv4 and IPv6 -----------------------------------------------------------------------------------

for underlay in 4 6; do
	name="over IPv$underlay"
	[ $underlay = 4 ] || set_line Endpoint "[$B6]:7253"
	ok "$name: check" xdpsec_a check "$CONF" --new-key
	unlike "$name: check has nothing to say" "$TAP_OUTPUT" "warning|hint"
	ok "$name: up, without a route for the endpoint" up_plain || bail "not up"
	unlike "$name: up has nothing to say" "$(without_advice <<<"$TAP_OUTPUT")" "warning|hint"
	is "$name: everything goes into the tunnel" "$(way $NET4) $(way $NET6)" "xs0 xs0"
	is "$name: what has a route does not" "$(way 192.0.2.254) $(way 2001:db8:a::fe)" "eth0 eth0"
	ok "$name: and comes back" reach_all
	is "$name: the main table's default routes are as they were" \
		"$(ip -n "$SITE_A" route show default; ip -n "$SITE_A" -6 route show default)" \
		"$(grep -h '^default' <<<"$BEFORE")"
	capture_start "wire$underlay" a "host $NET4 or host $NET6"
	ok "$name: again" reach_all
	capture_stop "wire$underlay"
	is "$name: nothing of it in clear" "$(udp_of "wire$underlay" length)" 0
	is "$name: no drops, no warning" "$(all_drops_a | sed 's/stray=[0-9]*//')$(warnings_a)" ""
	ok "$name: reload changes nothing" eval 'before=$(rules_a) && xdpsec_a reload "$NAME_A" && [ "$(rules_a)" = "$before" ]'

	# The default route goes to another router.
	if [ $underlay = 4 ]; then
		add_address "$MIDDLE" a 192.0.2.253/24
		ip -n "$SITE_A" route replace default via 192.0.2.253
		ip -n "$MIDDLE" address del 192.0.2.254/24 dev a
		add_address "$MIDDLE" a 192.0.2.253/24 2>/dev/null
	else
		add_address "$MIDDLE" a 2001:db8:a::fd/64
		ip -n "$SITE_A" -6 route replace default via 2001:db8:a::fd
		ip -n "$MIDDLE" address del 2001:db8:a::fe/64 dev a
	fi
	ok "$name: the endpoint's route follows the default route" reach_all
	if [ $underlay = 4 ]; then
		add_address "$MIDDLE" a 192.0.2.254/24
		ip -n "$SITE_A" route replace default via 192.0.2.254
		ip -n "$MIDDLE" address del 192.0.2.253/24 dev a
		add_address "$MIDDLE" a 192.0.2.254/24 2>/dev/null
	else
		add_address "$MIDDLE" a 2001:db8:a::fe/64
		ip -n "$SITE_A" -6 route replace default via 2001:db8:a::fe
		ip -n "$MIDDLE" address del 2001:db8:a::fd/64 dev a
	fi
	ok "$name: and back" reach_all
	ok "$name: down" down_plain
	ok "$name: everything is as it was" as_before
	is "$name: and goes as it did" "$(way $NET4) $(way $NET6)" "eth0 eth0"
	restore
done

# ---- rules that others take away, a DHCP client's metric -----------------------------------------------

ip -n "$SITE_A" route del default
ip -n "$SITE_A" route add default via 192.0.2.254 dev eth0 proto dhcp metric 100
BEFORE=$(as_it_was)
ok "a default route with a metric: up" up_plain
ok "a default route with a metric" reach_all
for family in "" -6; do
	for priority in 32764 32765; do
		ip -n "$SITE_A" $family rule del priority $priority
		like "rule $priority $family is gone: a warning" "$(warnings_a)" "routing rules.*leave in clear; xdpsec reload $NAME_A"
		ok "rule $priority $family is gone: reload" xdpsec_a reload "$NAME_A"
		is "rule $priority $family is gone: no warning any more" "$(warnings_a)" ""
		ok "rule $priority $family is there again" reach_all
	done
done
ip -n "$SITE_A" link set xs0 down
ip -n "$SITE_A" link set xs0 up
ok "the device was down: reload" xdpsec_a reload "$NAME_A"
ok "the device was down: all is well" reach_all

# ---- reload -----------------------------------------------------------------------------------------------

set_line AllowedIPs "$TUNNEL_B4, $TUNNEL_B6"
ok "reload without default routes" xdpsec_a reload "$NAME_A"
is "reload without default routes: goes as it did" "$(way $NET4) $(way $NET6)" "eth0 eth0"
is "reload without default routes: no rules" "$(rules_a)" "$(grep lookup <<<"$BEFORE")"
ok "reload without default routes: the tunnel" in_a ping -c1 -W2 $TUNNEL_B4
set_line AllowedIPs "0.0.0.0/0, $TUNNEL_B6"
ok "reload with one of IPv4" xdpsec_a reload "$NAME_A"
is "reload with one of IPv4: goes into the tunnel, and IPv6 does not" "$(way $NET4) $(way $NET6)" "xs0 eth0"
ok "reload with one of IPv4: comes back" in_a ping -c1 -W2 $NET4
add_line Interface "FwMark = 0xbeef"
ok "reload with FwMark" xdpsec_a reload "$NAME_A"
like "reload with FwMark: the rules have it" "$(rules_a)" "not from all fwmark 0xbeef lookup"
unlike "reload with FwMark: and no other" "$(rules_a)" "0xca6c"
ok "reload with FwMark: comes back" in_a ping -c1 -W2 $NET4
ok "reload: down" down_plain
ok "reload: everything is as it was" as_before
restore

# From none to all
set_line AllowedIPs "$TUNNEL_B4, $TUNNEL_B6"
ok "none first: up" up_plain
set_line AllowedIPs "0.0.0.0/0, ::/0"
ok "none first: reload with all" xdpsec_a reload "$NAME_A"
ok "none first: all comes back" reach_all
ok "none first: down" down_plain
ok "none first: everything is as it was" as_before
restore

# ---- what is in the way --------------------------------------------------------------------------------

ip -n "$SITE_A" route add 203.0.113.64/26 dev eth0 table 51820
ip -n "$SITE_A" rule add from 203.0.113.99 lookup 51821
BEFORE=$(as_it_was)
ok "tables in use: up" up_plain
is "tables in use: the next one is taken" "$(status_a .tunnel.table)" 51822
ok "tables in use: all comes back" reach_all
# Other users of the default route
cp "$CONF" "$WORK/$ID-second.conf"
sed -i 's/^Name = xs0/Name = xs1/; s/^Device.*/Device = eth1/; s/^ListenPort.*/ListenPort = 4501/; /^Address/d' "$WORK/$ID-second.conf"
make_key second-tx
make_key second-rx
sed -i "s|^TxKeyFile.*|TxKeyFile = $WORK/second-tx.key|; s|^RxKeyFile.*|RxKeyFile = $WORK/second-rx.key|" "$WORK/$ID-second.conf"
ip -n "$SITE_A" link add eth1 type veth peer name eth1-peer
ip -n "$SITE_A" link set eth1 up
fails "a second tunnel that takes everything" "already used by the tunnel of $NAME_A" xdpsec_a up --new-key "$WORK/$ID-second.conf"
ip -n "$SITE_A" link del eth1
ok "tables in use: down" down_plain
ok "tables in use: everything is as it was" as_before
ip -n "$SITE_A" route del 203.0.113.64/26 dev eth0 table 51820
ip -n "$SITE_A" rule del from 203.0.113.99 lookup 51821
BEFORE=$(as_it_was)

set_line AllowedIPs "0.0.0.0/0, 198.51.100.0/24"
fails "a smaller prefix around the endpoint" "lies in 198.51.100.0/24 of AllowedIPs" up_plain
ok "a smaller prefix around the endpoint: nothing is left" as_before
restore

# As with wg-quick: the mark is the same where the rules are the user's.
add_line Interface "Table = off"
ok "Table = off: up" up_plain
is "Table = off: no rules" "$(rules_a)" "$(grep lookup <<<"$BEFORE")"
ip -n "$SITE_A" route add default dev xs0 table 51820
ip -n "$SITE_A" rule add not fwmark 51820 table 51820
ip -n "$SITE_A" rule add table main suppress_prefixlength 0
ok "Table = off: rules of one's own" in_a ping -c1 -W2 $NET4
ip -n "$SITE_A" rule del not fwmark 51820 table 51820
ip -n "$SITE_A" rule del table main suppress_prefixlength 0
ok "Table = off: down" down_plain
ok "Table = off: everything is as it was" as_before
restore

# ---- what is killed ------------------------------------------------------------------------------------

if can_trace; then
	# RTM_NEWRULE; 32765, of the second
	for step in 'the first rule|nlmsg_type=0x20' 'the second rule|nlmsg_type=0x20.*xfd.x7f' 'the last step|renameat'; do
		name=${step%|*}
		ok "killed at $name" eval 'injected "${step#*|}" signal=SIGKILL; [ -e "/sys/fs/bpf/xdpsec/_$NAME_A" ]'
		ok "killed at $name: down" down_plain
		ok "killed at $name: everything is as it was" as_before
		ok "killed at $name, again" eval 'injected "${step#*|}" signal=SIGKILL; [ -e "/sys/fs/bpf/xdpsec/_$NAME_A" ]'
		ok "killed at $name: the next up" up_plain
		ok "killed at $name: works" reach_all
		ok "killed at $name, again: down" down_plain
		ok "killed at $name, again: everything is as it was" as_before
	done
	ok "an error at the rules" eval '! injected nlmsg_type=0x20 error=EPERM'
	ok "an error at the rules: everything is as it was" as_before
else
	skip "kills" "no strace"
fi
ok "B down" down_b
ok "nothing is left" no_trace
done_testing
