# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A command that is killed with SIGKILL at every step that changes anything: strace delivers the signal on entering the
# Nth call of a kind. To be sourced after lifecycle.sh.
#
# CRASH_STEP=1 takes every single step; see steps() and kill_at_each() for what is left out without it. CRASH_EVERY=N
# takes every Nth of what is left.

CALLS=bpf,mkdir,mkdirat,rename,renameat,renameat2,fsync,sendto,unlink,unlinkat,rmdir,symlink,symlinkat

# calls FILE: of each call in a trace, "CALL N KIND K WHAT": the Nth of its name, and the Kth of WHAT. KIND says whether
# it changes anything: step, row (one of those that come in long rows) or other.
calls() {
	awk '{
		# after the process id
		sub(/^[0-9]+ +/, "")
		if ($0 !~ /^[a-z0-9]+\(/) next
		call = $0
		sub(/\(.*/, "", call)
		what = $0
		sub(/,.*/, "", what)
		if (match($0, /"[^"\\]*"/)) what = what " " substr($0, RSTART, RLENGTH)
		sub(/\) +=.*| <unfinished.*/, "", what)
		gsub(/[0-9]+/, "N", what)
		if (match($0, /nlmsg_type=[^, ]*/)) what = what " " substr($0, RSTART, RLENGTH)
		kind = "step"
		# RTM_GETLINK
		if (/ = -1 E/ || call == "sendto" && /nlmsg_type=(0x12|RTM_GETLINK)/)
			kind = "other"
		# With a packet they are the self-test.
		else if (call == "bpf" && !/BPF_(LINK_CREATE|LINK_DETACH|OBJ_PIN|MAP_UPDATE|MAP_DELETE)/ &&
			!/BPF_PROG_(TEST_)?RUN.*data_size_in=0,/)
			kind = "other"
		else if (/BPF_MAP_UPDATE|\/maps\/|unlink\(|unlinkat\(AT_FDCWD, "[^"]*", 0\)/)
			kind = "row"
		print call, ++n[call], kind, ++k[what], what
	}' "$1"
}

# steps: those of `calls` that change anything, of long rows every CRASH_STEPth, as "K WHAT"
steps() {
	awk -v step="${CRASH_STEP:-4}" '$3 == "other" || $3 == "row" && row++ % step { next } { $1 = $2 = $3 = ""; print }'
}

# traced COMMAND OPTIONS CMD...: CMD under strace, and its calls in $WORK/COMMAND.calls
traced() {
	local status

	under_strace -o "$WORK/trace" -e trace="$(present "$CALLS")" "${@:2}" >/dev/null
	status=$?
	calls "$WORK/trace" >"$WORK/$1.calls"
	return $status
}

# number "K WHAT" FILE: "CALL N"
number() {
	awk -v step="$1" '
		{ number = $1 " " $2; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "") }
		$0 == step { print number; exit }' "$2"
}

# killed COMMAND STEP CMD...: killed at that step. strace knows a call by its number, and that may be another than
# before, as libbpf loads a program again when the kernel says EAGAIN. MISSED says that it was not hit; the next time
# the command is not killed, but its calls are counted again.
killed() {
	local command=$1 step=$2 call n status

	shift 2
	if [ -n "$MISSED" ]; then
		traced "$command" "$@" && return
	fi
	read -r call n < <(number "$step" "$WORK/$command.calls")
	[ -n "$n" ] || { echo "it makes no such call any more"; return 1; }
	(traced killed -e inject="$call:signal=SIGKILL:when=$n" "$@") 2>/dev/null
	status=$?
	[ $status -eq 137 ] || [ $status -eq 0 ] || { echo "exit code $status"; return 1; }
	[ $status -eq 137 ] && [ "$(number "$step" "$WORK/killed.calls")" = "$call $n" ] || MISSED="$call $n"
}

# at_step CHECK STEP: what is checked must hold wherever the command was killed, and if it was not. The two SAs of a
# peer come in the order of a hash map, which the kernel seeds anew for each map: every second attempt can miss.
at_step() {
	local attempt

	for attempt in {1..20}; do
		MISSED=
		"$1" "$2" || return 1
		[ -n "$MISSED" ] || return 0
		echo "attempt $attempt: $MISSED is another call now"
		"$1" "$2" || return 1
	done
	return 1
}

# kill_at_each COMMAND CHECK [N]: at every Nth of the steps, but at all with CRASH_STEP=1
kill_at_each() {
	local step every=$((${3:-1} * ${CRASH_EVERY:-1}))

	[ "${CRASH_STEP:-}" != 1 ] || every=1
	while read -r step <&3; do
		ok "$1, killed at $step" at_step "$2" "$step" || break
	done 3< <(steps <"$WORK/$1.calls" | awk -v every="$every" 'NR % every == 0')
}
