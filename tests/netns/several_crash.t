#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several instances on one device: `up` and `down` of one of them are killed at every step that touches the others. The
# others go on, and the next command completes what was begun.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
can_trace || skip_all "needs strace, and that it can trace here"
# shellcheck source=tests/netns/lib/several.sh
. "$here/several.sh"

# The chain is 0, 3, 2, 1 or, when 2 has come again, 0, 2, 3, 1: 2 comes and goes.
CALLS=$(present bpf,mkdir,mkdirat,sendto,unlinkat,renameat2,membarrier)
CHAIN_STEP='OBJ_PIN.*/chain/|mkdir.*/chain|nlmsg_type=(0x13|RTM_SETLINK)|unlinkat\([0-9]|membarrier|renameat2'
# calls_of FILE CMD...: "CALL N" of each step, of a run that is not killed
calls_of() {
	under_strace -o "$WORK/trace" -e trace="$CALLS" "${@:2}" >/dev/null || return 1
	awk -v step="$CHAIN_STEP" '{
		sub(/^[0-9]+ +/, "")
		call = $0
		sub(/\(.*/, "", call)
		n[call]++
		if ($0 ~ step && $0 !~ / = -1 E/) print call, n[call]
	}' "$WORK/trace" >"$1"
}
# killed_at CALL N CMD...: to be told from a run that was not killed, as the numbers differ now and then
killed_at() {
	under_strace -o "$WORK/trace" -e trace="$CALLS" -e inject="$1:signal=SIGKILL:when=$2" "${@:3}" >"$WORK/said" 2>&1
	local status=$?

	[ $status -eq 137 ] || [ $status -eq 0 ] || { cat "$WORK/said"; return 1; }
}
UP2=("$XDPSEC" -n "$SITE_B" --state-dir "$WORK/state-b" up "$(conf_b 2)" --new-key)
DOWN2=("$XDPSEC" -n "$SITE_B" down "$(name_b 2)")
complete_up() {
	[ -e "/sys/fs/bpf/xdpsec/$(name_b 2)" ] || "${UP2[@]}"
}
complete_down() {
	[ ! -e "/sys/fs/bpf/xdpsec/$(name_b 2)" ] && [ ! -e "/sys/fs/bpf/xdpsec/_$(name_b 2)" ] || "${DOWN2[@]}"
}
pins_b() { find /sys/fs/bpf/xdpsec/"$ID"-b*/chain /sys/fs/bpf/xdpsec/_"$ID"-b*/chain -type f 2>/dev/null | wc -l; }
whole() {
	carry 0 1 2 3 && [ "$(pins_b)" = "$B_PINS" ] || { pins_b; return 1; }
}
# up_killed CALL N
up_killed() {
	complete_down && killed_at "$@" "${UP2[@]}" && carry 0 1 3 && complete_up && whole
}
# One time in two another command comes in between, which changes the same chain.
down_killed() {
	complete_up && killed_at "$@" "${DOWN2[@]}" && carry 0 1 3 || return 1
	[ $((TAP_COUNT % 2)) -eq 0 ] || { xdpsec_down_b 3 && carry 0 1 && xdpsec_up_b 3; } || return 1
	complete_down && carry 0 1 3 && [ "$(pins_b)" = "$((B_PINS ? 2 : 0))" ] || { pins_b; return 1; }
}
for n in 0 1 2 3; do
	ok "up: $n" up_both $n || bail "not up"
done
B_PINS=$(pins_b)
calls_of "$WORK/down.calls" "${DOWN2[@]}" || bail "down fails"
calls_of "$WORK/up.calls" "${UP2[@]}" || bail "up fails"
chosen() { awk -v every="${CRASH_EVERY:-1}" 'NR % every == 0'; }
note "$(wc -l <"$WORK/up.calls") steps of up, $(wc -l <"$WORK/down.calls") of down"
while read -r call n <&3; do
	ok "up, killed at $call $n" up_killed "$call" "$n" || break
done 3< <(chosen <"$WORK/up.calls")
while read -r call n <&3; do
	ok "down, killed at $call $n" down_killed "$call" "$n" || break
done 3< <(chosen <"$WORK/down.calls")
complete_up
ok "all carry at the end" carry 0 1 2 3

ok "all go" down_all
ok "nothing is left" no_trace
done_testing
