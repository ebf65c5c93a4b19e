#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Beside somebody else's XDP program, by libxdp's dispatcher, where kernel and libxdp let programs share a
# device: in both orders, attached by xdpsec and by xdp-loader, and each goes on when the other has gone. Where
# they do not, neither disturbs the other.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/by_hand.sh
. "$here/by_hand.sh"

# The other program drops what goes to port 5299, which is none of ours.
# The exit code of xdp-loader is an error number.
load_guard() { in_b xdp-loader load -m native eth0 "$OUTPUT/guard.bpf.o" || return 1; }
# unload PROGRAM: from B's device, by xdp-loader
unload() {
	local id

	id=$(in_b xdp-loader status eth0 |
		awk -v name="$1" '{ for (i = 1; i < NF; i++) if ($i == name) print $(i + 1) }')
	[ -n "$id" ] || { echo "xdp-loader does not list $1"; return 1; }
	in_b xdp-loader unload -i "$id" eth0 || return 1
}
unload_guard() { unload guard; }
answers() { packets "$SITE_A" roundtrip $B4 5201 --size 300 --marker "$MARKER"; }
passes_guard() { packets "$SITE_A" roundtrip $B4 5299 --timeout "${1:-5}"; }

# ours_works NAME [TEXT]: TEXT is what status says of the dispatcher; none: nothing
ours_works() {
	local before

	before=$(status_b '.peers[0].rx.packets')
	ok "$1: an answer" answers
	is "$1: it was opened" "$(status_b '.peers[0].rx.packets > '"$before")" true
	is "$1: status" "$(status_b '"\(.xdp) \(.attached)"')" "native true"
	is "$1: status, in text" "$(xdpsec_b status "$NAME_B" | sed -n 's/^  device: //p')" \
		"eth0, mode inline, XDP native${2:-}$([ "$(status_b .by_hand)" = false ] || echo ", attached by hand")"
}
guard_works() { refuses "$1: the other program drops" passes_guard 1; }
dispatcher() { status_b '"\(.xdp_dispatcher) \(.xdp_others)"'; }
both_work() {
	ours_works "$1" ", shared (libxdp's dispatcher, 1 other program)"
	is "$1: status, in JSON" "$(dispatcher)" "true 1"
	guard_works "$1"
}
ours_alone() {
	ours_works "$1" " (libxdp's dispatcher, no other program)"
	is "$1: status, in JSON" "$(dispatcher)" "true 0"
}

command -v xdp-loader >/dev/null || skip_all "no xdp-loader"
make_sites
load_guard >"$WORK/load" 2>&1 || skip_all "xdp-loader cannot load a program: $(tail -n 1 "$WORK/load")"
in_b xdp-loader status eth0 | grep -q xdp_dispatcher ||
	skip_all "no dispatcher: this kernel has no BPF extensions (freplace)"
write_configs
start_echo "$SITE_B" $B4 5201
start_echo "$SITE_B" $B4 5299
ok "up at A" up_a || bail "not up"
refuses "the other program drops" passes_guard 1

tap_run up_b
if [[ $TAP_STATUS -ne 0 && $TAP_OUTPUT == *"Extension program changes packet data"* ]]; then
	note "this libxdp's dispatcher takes no program that changes packets"
	like "no dispatcher for both: refused" "$TAP_OUTPUT" "eth0: cannot attach to XDP.*hint: another XDP program"
	guard_works "no dispatcher for both"
	ok "no dispatcher for both: no pins" test ! -e "/sys/fs/bpf/xdpsec/$NAME_B" -a ! -e "/sys/fs/bpf/xdpsec/.$NAME_B"
	ok "no dispatcher for both: the other is unloaded" unload_guard
	ok "alone: up" up_b || bail "not up"
	ours_works "alone"
	is "alone: no dispatcher" "$(dispatcher)" "false 0"
	refuses "alone: the other is not loaded" load_guard
	like "alone: and is told why" "$TAP_OUTPUT" "busy"
	ours_works "still alone"
	ok "still alone: nothing drops port 5299" passes_guard
	ok "down" down
	skip "loaded by xdp-loader" "this libxdp's dispatcher takes no program that changes packets"
	ok "nothing is left" no_trace
	done_testing
	exit
fi

is "the other first: up" "$TAP_STATUS" 0 || bail "not up: $TAP_OUTPUT"
both_work "the other first"
ok "the other first: the other goes" unload_guard
ours_alone "the other has gone"
ok "the other has gone: nothing drops port 5299" passes_guard

ok "ours first: load the other" load_guard
both_work "ours first"
ok "ours first: ours goes" down_b
guard_works "ours has gone"
refuses "ours has gone: what A seals is no answer" packets "$SITE_A" roundtrip $B4 5201 --timeout 1
ok "ours comes again" up_b
both_work "ours comes again"
ok "ours comes again: reload" xdpsec_b reload "$NAME_B"
both_work "after a reload"
ok "ours goes first" down_b
ok "the other goes last" unload_guard

# The same by hand, as the README says: xdp-loader loads ours, with the maps of the instance.
load_ours() { run_printed "$SITE_B" '^xdp-loader load '; }
ok "by hand: load the other" load_guard
ok "by hand: up" up_by_hand b || bail "not up"
guard_works "by hand: before ours is loaded"
is "by hand, before ours is loaded: status" "$(status_b .xdp) $(dispatcher)" "none false 0"
ok "by hand, the other first: load ours" load_ours
ok "by hand: qdisc" run_printed "$SITE_B" '^tc qdisc '
ok "by hand: egress" run_printed "$SITE_B" '^tc filter .*object-pinned'
both_work "by hand, the other first"
ok "by hand, the other first: the other goes" unload_guard
ours_alone "by hand: the other has gone"
ok "by hand: nothing drops port 5299" passes_guard
ok "by hand, ours first: load the other" load_guard
both_work "by hand, ours first"
ok "by hand, ours first: ours goes" unload xdpsec_open
guard_works "by hand: ours has gone"
refuses "by hand, ours has gone: what A seals is no answer" packets "$SITE_A" roundtrip $B4 5201 --timeout 1
is "by hand, ours has gone: status" "$(status_b .xdp) $(dispatcher)" "none false 0"
ok "by hand: load ours again" load_ours
both_work "by hand, again"
ok "by hand: ours goes first" unload xdpsec_open
ok "by hand: egress goes" in_b tc qdisc del dev eth0 clsact
ok "by hand: down" down_b
guard_works "by hand: down"
ok "by hand: the other goes last" unload_guard
ok "down at A" down_a
ok "nothing is left" no_trace
ok "an answer in clear" answers
done_testing
