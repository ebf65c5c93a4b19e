#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fast path of gateways, over IPv4 and IPv6: nothing of what hosts say to each other is on the wire in clear, whatever
# they send, and whatever becomes of keys, routes and the tunnel device meanwhile. With a control, in which the search
# finds it.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/lans.sh
. "$here/lans.sh"

only_with_fast

make_gateways
# Where the tunnel's routes are gone, the default route is not to take over, in clear.
for prefix in 198.18.0.0/25 2001:db8:d::/64; do ip -n "$SITE_A" route add unreachable $prefix metric 9999; done
for prefix in 203.0.113.0/25 2001:db8:c::/64; do ip -n "$SITE_B" route add unreachable $prefix metric 9999; done

send() { packets "$1" send "$2" "${@:3}" --marker "$MARKER" >/dev/null; }

# both_ways OPTIONS...: datagrams of one flow in each direction and family
both_ways() {
	send "$HOST" $HOST_B4 "$@" && send "$HOST" $HOST_B6 "$@" && send "$HOST_B" $HOST4 "$@" && send "$HOST_B" $HOST6 "$@"
}

# Every kind of packet: on the fast path; in fragments; with options; too large for the tunnel; that end at the far
# gateway, or at a closed port, and are quoted by an error.
every_kind() {
	both_ways 7000 --source-port 5555 --count 8 --rate 200 --size 64 &&
		both_ways 7000 --source-port 5555 --count 8 --rate 200 --size 1380 &&
		both_ways 7000 --size 4000 --count 2 --rate 100 &&
		both_ways 7000 --options --count 2 --rate 100 &&
		both_ways 7000 --size 1472 --dont-fragment --count 2 --rate 100 &&
		both_ways 7000 --ttl 2 --count 4 --rate 100 &&
		both_ways 7001 --source-port 5556 --count 8 --rate 100
}

tcp_marker() {
	local server

	start "$HOST_B" "$WORK/received" "$PACKETS" tcp-receive "$1" 8000
	server=$STARTED
	wait_for 5 listening "$HOST_B" 8000 tcp || bail "no TCP server"
	for _ in {1..4000}; do printf %s "$MARKER"; done >"$WORK/sent"
	nsenter --net="/run/netns/$HOST" "$PACKETS" tcp-send "$1" 8000 --timeout 60 <"$WORK/sent" || return 1
	wait_for 10 ended "$server"
	cmp -s "$WORK/sent" "$WORK/received"
}

# nothing_of NAME CMD...: both ends of the wire, while the command runs
nothing_of() {
	capture_start wire-a a
	capture_start wire-b b
	ok "$1" "${@:2}"
	capture_stop wire-a
	capture_stop wire-b
	refuses "$1: nothing in clear at A" leaks wire-a "$MARKER"
	refuses "$1: nothing in clear at B" leaks wire-b "$MARKER"
}

# meanwhile UNDO CMD...: something happens at A, and a flow of the fast path goes on; then it is undone.
meanwhile() {
	"${@:2}" && both_ways 7000 --source-port 5555 --count 20 --rate 400 && eval "$1" &&
		both_ways 7000 --source-port 5555 --count 20 --rate 400
}

xs0_down_up="ip -n $SITE_A link set xs0 up
	for prefix in 198.18.0.0/25 2001:db8:d::/64; do ip -n $SITE_A route replace \$prefix dev xs0; done"
new_keys() {
	make_key "a-to-b" && make_key "b-to-a" && xdpsec_a reload "$NAME_A" --new-key
}

for UNDERLAY in 4 6; do
	write_tunnel_configs
	gateways_up
	start_echo "$HOST_B" $HOST_B4 7000
	echo4=$STARTED
	start_echo "$HOST_B" $HOST_B6 7000
	echo6=$STARTED
	nothing_of "a flow, IPv4 over IPv$UNDERLAY" echoed 8 $HOST_B4
	nothing_of "a flow, IPv6 over IPv$UNDERLAY" echoed 8 $HOST_B6
	before=$(fast_counts)
	nothing_of "every kind over IPv$UNDERLAY" every_kind
	read -r out_a in_a_ out_b in_b_ <<<"$(fast_since "$before")"
	ok "of which the fast path had some, each way at each gateway ($out_a $in_a_ $out_b $in_b_)" \
		test "$out_a" -ge 20 -a "$in_a_" -ge 20 -a "$out_b" -ge 20 -a "$in_b_" -ge 20
	before=$(fast_counts)
	nothing_of "TCP, IPv4 over IPv$UNDERLAY" tcp_marker $HOST_B4
	nothing_of "TCP, IPv6 over IPv$UNDERLAY" tcp_marker $HOST_B6
	read -r out_a _ _ in_b_ <<<"$(fast_since "$before")"
	ok "by the fast path ($out_a, $in_b_ packets)" test "$out_a" -gt 100 -a "$in_b_" -gt 100

	nothing_of "the tunnel device goes down" meanwhile "$xs0_down_up" ip -n "$SITE_A" link set xs0 down
	nothing_of "its routes go" meanwhile "ip -n $SITE_A route add 198.18.0.0/25 dev xs0
		ip -n $SITE_A route add 2001:db8:d::/64 dev xs0" \
		sh -c "ip -n $SITE_A route del 198.18.0.0/25 dev xs0 && ip -n $SITE_A route del 2001:db8:d::/64 dev xs0"
	nothing_of "the program of the device goes" meanwhile "xdpsec_a reload $NAME_A" \
		rm "/sys/fs/bpf/xdpsec/$NAME_A/links/fast1"
	ok "the flow goes on" echoed 4 $HOST_B4
	nothing_of "the keys change" meanwhile "xdpsec_b reload $NAME_B --new-key" new_keys
	ok "the flow goes on with new keys" echoed 4 $HOST_B4
	nothing_of "the other site goes down" meanwhile up_b down_b
	stop "$echo4"
	stop "$echo6"
	ok "down" down
done

# The control: the same in clear.
for prefix in 198.18.0.0/25 2001:db8:d::/64; do ip -n "$SITE_A" route del unreachable $prefix metric 9999; done
for prefix in 203.0.113.0/25 2001:db8:c::/64; do ip -n "$SITE_B" route del unreachable $prefix metric 9999; done
ip -n "$MIDDLE" route add 198.18.0.0/25 via $B4
ip -n "$MIDDLE" route add 203.0.113.0/25 via $A4
capture_start clear a
ok "in clear" send "$HOST" $HOST_B4 7000 --source-port 5555
capture_stop clear
ok "the search finds it" leaks clear "$MARKER"
ok "nothing is left" no_trace
done_testing
