# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The drivers that SAs are bound to, and a change of them under traffic. To be sourced after lib.sh.

# bound_of SITE: each once, "ecb(NAME)"
bound_of() { "status_$1" '.peers[0] | [.tx.driver, .rx.driver] | unique | join(" ")'; }
sealed_a() { [ "$(status_a '.peers[0].tx.packets')" -ge "$1" ]; }
opened_b() { [ "$(status_b '.peers[0].rx.packets')" -eq "$1" ]; }

# reloads_under_traffic NAME: both sites reload while A sends, and B gets all of it. The key may have sealed before `up`.
reloads_under_traffic() {
	local before sealed sink

	before=$(status_a '.peers[0].tx | .sequence - .packets')
	start_sink "$SITE_B" $B4 5201 "$WORK/sink"
	sink=$SINK
	start "$SITE_A" "$WORK/send" "$PACKETS" send $B4 5201 --count 1000000 --rate 200
	ok "$1: packets flow" wait_for 10 sealed_a 50
	ok "$1: reload at A" xdpsec_a reload "$NAME_A"
	like "$1: A says so" "$TAP_OUTPUT" "changed: 1,"
	ok "$1: reload at B" xdpsec_b reload "$NAME_B"
	like "$1: B says so" "$TAP_OUTPUT" "changed: 1,"
	sealed=$(status_a '.peers[0].tx.packets')
	ok "$1: packets flow on" wait_for 10 sealed_a $((sealed + 50))
	stop "$STARTED"
	sealed=$(status_a '.peers[0].tx.packets')
	ok "$1: all were opened" wait_for 5 opened_b "$sealed"
	stop "$sink"
	is "$1: all were delivered, once" "$(jq -c '[.packets, .different]' "$WORK/sink")" "[$sealed,$sealed]"
	is "$1: the numbers are those of the packets" "$(status_a '.peers[0].tx.sequence')" $((before + sealed))
	is "$1: nothing was dropped" "$(all_drops_a)$(all_drops_b)" ""
}
