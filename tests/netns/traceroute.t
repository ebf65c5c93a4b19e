#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The underlay stays what it is: hops show up in traceroute, also when its probes are sealed, and what is
# not protected is not touched.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# hops NAMESPACE ADDRESS OPTIONS...: the addresses that traceroute finds
hops() {
	in_ns "$1" traceroute -n -q1 -w2 -m4 "${@:3}" "$2" | awk 'NR > 1 { print $2 }' | paste -sd' '
}

make_sites

for PORTS in "4789, 5201-5210" all; do
	write_configs
	ok "ports $PORTS: up" up || bail "not up"
	is "ports $PORTS: traceroute from A" "$(hops "$SITE_A" $B4)" "192.0.2.254 $B4"
	is "ports $PORTS: traceroute from B" "$(hops "$SITE_B" $A4)" "198.51.100.254 $A4"
	is "ports $PORTS: over IPv6" "$(hops "$SITE_A" $B6)" "2001:db8:a::fe $B6"
	is "ports $PORTS: with ICMP" "$(hops "$SITE_A" $B4 -I)" "192.0.2.254 $B4"
	is "ports $PORTS: with TCP" "$(hops "$SITE_A" $B4 -T -p 80)" "192.0.2.254 $B4"

	start "$SITE_B" "$WORK/received" "$PACKETS" tcp-receive $B4 8000
	server=$STARTED
	wait_for 5 listening "$SITE_B" 8000 tcp
	head -c 2000000 /dev/urandom >"$WORK/sent"
	ok "ports $PORTS: TCP beside it" \
		sh -c "exec nsenter --net=/run/netns/$SITE_A $PACKETS tcp-send $B4 8000 <$WORK/sent"
	wait_for 5 ended $server
	ok "ports $PORTS: the same bytes" cmp "$WORK/sent" "$WORK/received"
	ok "ports $PORTS: ping" in_a ping -c1 -W10 -M "do" -s 1472 $B4
	ok "ports $PORTS: ping over IPv6" in_a ping -c1 -W10 -M "do" -s 1452 $B6
	is "ports $PORTS: no drops at A" "$(all_drops_a)" ""
	is "ports $PORTS: no drops at B" "$(all_drops_b)" ""
	sealed=$(status_a '.peers[0].tx.packets')
	if [ "$PORTS" = all ]; then
		ok "ports $PORTS: the probes were sealed" [ "$sealed" -gt 0 ]
	else
		is "ports $PORTS: nothing was sealed" "$sealed" 0
	fi
	ok "ports $PORTS: down" down
done
ok "nothing is left" no_trace
done_testing
