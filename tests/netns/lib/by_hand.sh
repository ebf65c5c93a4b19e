# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Running the commands that `xdpsec up --no-attach` prints. To be sourced after lib.sh.

# up_by_hand a|b: with --no-attach; what was printed is kept for run_printed
up_by_hand() {
	"up_$1" --no-attach >"$WORK/printed-$ID-$1" 2>&1 || { cat "$WORK/printed-$ID-$1"; return 1; }
}

# printed SITE PATTERN: the printed commands that match. The objects are where they were built, not yet where
# `make install` puts them.
printed() {
	grep -E "$2" "$WORK/printed-$1" >"$WORK/matching" &&
		sed -E "s|[^ ]*/(open\|seal)\.bpf\.o|$OUTPUT/\1.bpf.o|" "$WORK/matching"
}

# run_printed SITE PATTERN
run_printed() {
	local command

	printed "$1" "$2" >"$WORK/commands" || { echo "no such command was printed"; return 1; }
	while read -r command; do
		echo "$command"
		# The exit code of xdp-loader is an error number.
		# shellcheck disable=SC2086 # words; some begin with a variable for env
		in_ns "$1" env $command || return 1
	done <"$WORK/commands"
}

# dispatcher_takes_ours: at A, which is up by hand and not attached. That of libxdp before 1.5.5 does not, on a kernel
# that compares what both do. The loader has to be asked twice for more than its "Invalid argument".
dispatcher_takes_ours() {
	local command

	command=$(printed "$SITE_A" "^xdp-loader load ")
	# shellcheck disable=SC2086 # words
	tap_run in_a ${command/ load / load -v -v }
	[ "$TAP_STATUS" -ne 0 ] || in_a xdp-loader unload -a eth0 >"$WORK/unload" 2>&1
	[[ $TAP_OUTPUT != *"Extension program changes packet data"* ]]
}
