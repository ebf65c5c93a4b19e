# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Something goes wrong at one call of `up`: an error, or a signal, injected by strace. To be sourced after lifecycle.sh.
# The command under test is UP.

# up_traced FILE [OPTION...]: under strace
up_traced() {
	under_strace -o "$1" -e trace="$(present bpf,mkdir,mkdirat,renameat,renameat2,fsync,sendto)" "${@:2}" "${UP[@]}"
}

# step REGEX FILE: "CALL N" of the first call that matches
step() {
	awk -v regex="$1" '{
		sub(/^[0-9]+ +/, "")
		call = $0
		sub(/\(.*/, "", call)
		n[call]++
		if ($0 ~ regex) { print call, n[call]; exit }
	}' "$2"
}

# injected REGEX WHAT: at the first call that matches. strace knows a call by its number, which is to be had from
# another run, and may differ in this one, as libbpf loads a program again when the kernel says EAGAIN. So see what was
# hit, and try again if it was another.
injected() {
	local call n when status missed=

	for _ in 1 2 3 4 5; do
		[ -e "$WORK/whole" ] || { up_traced "$WORK/whole" && down_plain; } >"$WORK/said" 2>&1 ||
			{ cat "$WORK/said"; return 126; }
		read -r call n < <(step "$1" "$WORK/whole")
		[ -n "$n" ] || { echo "no call matches $1"; return 126; }
		# libbpf tries again to load a program, with a log; a context is asked for from the module first.
		when=$n
		[[ $2 != *EPERM ]] || when=$n..$((n + 2))
		up_traced "$WORK/part" -e inject="$call:$2:when=$when" >"$WORK/said" 2>&1
		status=$?
		[ "$(step "$1" "$WORK/part")" != "$call $n" ] || { cat "$WORK/said"; return $status; }
		down_anyhow
		rm "$WORK/whole"
		missed+=" $n"
	done
	echo "none of these calls was the one:$missed"
	return 126
}
