#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Beside somebody else's XDP program, by libxdp's dispatcher, where kernel and libxdp let programs share a
# device: in both orders, and each goes on when the other has gone. Where they do not, neither disturbs the
# other.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

# The other program drops what goes to port 5299, which is none of ours.
# What xdp-loader exits with is an error number.
load_guard() { in_b xdp-loader load -m native eth0 "$OUTPUT/guard.bpf.o" || return 1; }
guard_id() { in_b xdp-loader status eth0 | awk '{ for (i = 1; i < NF; i++) if ($i == "guard") print $(i + 1) }'; }
unload_guard() {
	local id

	id=$(guard_id)
	[ -n "$id" ] && in_b xdp-loader unload -i "$id" eth0
}
answers() { packets "$SITE_A" roundtrip $B4 5201 --size 300 --marker "$MARKER"; }
passes_guard() { packets "$SITE_A" roundtrip $B4 5299 --timeout "${1:-5}"; }

# both_work NAME, ours_works NAME, guard_works NAME
ours_works() {
	local before

	before=$(status_b '.peers[0].rx.packets')
	ok "$1: an answer" answers
	is "$1: it was opened" "$(status_b '.peers[0].rx.packets > '"$before")" true
	is "$1: status" "$(status_b '"\(.xdp) \(.attached)"')" "native true"
}
guard_works() { refuses "$1: the other program drops" passes_guard 1; }
both_work() {
	ours_works "$1"
	guard_works "$1"
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
	refuses "alone: the other is not loaded" load_guard
	like "alone: and is told why" "$TAP_OUTPUT" "busy"
	ours_works "still alone"
	ok "still alone: nothing drops port 5299" passes_guard
	ok "down" down
	ok "nothing is left" no_trace
	done_testing
	exit
fi

is "the other first: up" "$TAP_STATUS" 0 || bail "not up: $TAP_OUTPUT"
both_work "the other first"
ok "the other first: the other goes" unload_guard
ours_works "the other has gone"
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
ok "down at A" down_a
ok "nothing is left" no_trace
ok "an answer in clear" answers
done_testing
