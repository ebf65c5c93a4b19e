# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# TAP for tests written in bash; to be sourced. A test file says `plan N` first or `done_testing` last, and
# runs under `prove` or alone. What a failing command printed is shown as TAP diagnostics (diag); note is
# for what a run of all tests need not show.
#
#	ok NAME CMD...		CMD succeeds
#	refuses NAME CMD...	CMD fails (by its own exit code: death by a signal is a failure of the test)
#	is NAME GOT WANT	equal strings
#	like NAME GOT REGEX	GOT matches the extended regular expression
#	unlike NAME GOT REGEX	GOT does not match it
#	skip NAME REASON	one test that cannot be run here
#	skip_all REASON		the whole file; ends it
#	defer CMD...		to be run at exit, last one first; also after Ctrl-C
#	wait_for SECONDS CMD...	until CMD succeeds; fails after some times SECONDS, as the machine may be busy
#	bail REASON		nothing that follows could work; ends the file as failed
#
# CMD runs in the calling shell, so that functions may set variables; what the last one printed is in
# $TAP_OUTPUT, and its exit code in $TAP_STATUS.

TAP_COUNT=0
TAP_FAILED=0
TAP_PLAN=
TAP_OUTPUT=
TAP_STATUS=0
TAP_DEFERRED=()
# How much slower than a real machine this one is: an emulated one is far slower, and limits are to catch hangs.
WAIT_FACTOR=${WAIT_FACTOR:-1}
# And how much longer than it needs alone a real one may take for the same beside others.
TAP_PATIENCE=4
# Only the shell that sourced this cleans up; a subshell that is killed must not take the rest along.
TAP_SHELL=$BASHPID
TAP_CAPTURE=$(mktemp "${TMPDIR:-/tmp}/xdpsec-tap-XXXXXX") || exit 255

# In front of a command: another user than root. The tree, and the directory for temporary files, may be where other
# users cannot enter (a clone under /root, umask 077). A capability that is only about files takes this user there, and
# leaves it without any right that a test misses.
AS_NOBODY=()
# shellcheck disable=SC2034 # used by the tests
[ "$(id -u)" -ne 0 ] || AS_NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups
	--inh-caps +dac_override --ambient-caps +dac_override)

# Files have the modes that a test expects, whatever the one has who runs it.
umask 022

# A pipe that this shell itself holds open for writing: reading it never succeeds and never ends.
exec {TAP_NEVER}<> <(:)

tap_exit() {
	local status=$? i

	[ "$BASHPID" = "$TAP_SHELL" ] || return
	# A second Ctrl-C must not leave half of it behind.
	trap '' INT TERM HUP
	trap - EXIT
	for ((i = ${#TAP_DEFERRED[@]} - 1; i >= 0; i--)); do
		eval "${TAP_DEFERRED[i]}" >"$TAP_CAPTURE" 2>&1 ||
			diag "cleanup failed: ${TAP_DEFERRED[i]}" "$(<"$TAP_CAPTURE")"
	done
	rm -f -- "$TAP_CAPTURE"
	if [ "$status" -eq 0 ]; then
		if [ -z "$TAP_PLAN" ]; then
			diag "ended without a plan"
			status=255
		elif [ "$TAP_PLAN" -ne "$TAP_COUNT" ]; then
			diag "planned $TAP_PLAN tests but ran $TAP_COUNT"
			status=255
		elif [ "$TAP_FAILED" -gt 0 ]; then
			diag "$TAP_FAILED of $TAP_COUNT tests failed"
			status=1
		fi
	fi
	exit "$status"
}
trap tap_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# The reason of a failure: to standard error, since `prove` shows nothing else of a comment.
diag() {
	printf '%s\n' "$@" | sed 's/^/# /' >&2
}

# Information for `prove -v`.
note() {
	printf '%s\n' "$@" | sed 's/^/# /'
}

plan() {
	TAP_PLAN=$1
	echo "1..$1"
}

done_testing() {
	plan "$TAP_COUNT"
}

skip_all() {
	TAP_PLAN=0
	echo "1..0 # SKIP $*"
	exit 0
}

bail() {
	diag "cannot go on: $*"
	exit 255
}

# tap_result 0|1 NAME [DIAGNOSTICS...]
tap_result() {
	local failed=$1 name=$2

	shift 2
	TAP_COUNT=$((TAP_COUNT + 1))
	# "#" would start a directive.
	name=${name//#/\\#}
	if [ "$failed" -eq 0 ]; then
		echo "ok $TAP_COUNT - $name"
		return 0
	fi
	echo "not ok $TAP_COUNT - $name"
	TAP_FAILED=$((TAP_FAILED + 1))
	# The line of the test itself, however many functions are in between.
	diag "at ${BASH_SOURCE[-1]}:${BASH_LINENO[-2]}" "$@"
	# The test goes on: a caller that cannot says `|| bail`.
	return 1
}

tap_run() {
	TAP_STATUS=0
	"$@" >"$TAP_CAPTURE" 2>&1 || TAP_STATUS=$?
	TAP_OUTPUT=$(<"$TAP_CAPTURE")
}

ok() {
	local name=$1 failed=0

	shift
	tap_run "$@"
	[ "$TAP_STATUS" -eq 0 ] || failed=1
	tap_result "$failed" "$name" "command: $*" "exit code: $TAP_STATUS" "$TAP_OUTPUT"
}

refuses() {
	local name=$1 failed=0

	shift
	tap_run "$@"
	# 126 and 127: it was never run; above 128: a signal.
	if [ "$TAP_STATUS" -eq 0 ] || [ "$TAP_STATUS" -ge 126 ]; then
		failed=1
	fi
	tap_result "$failed" "$name" "command: $*" "exit code: $TAP_STATUS, wanted a failure" "$TAP_OUTPUT"
}

is() {
	local failed=0

	[ "$2" = "$3" ] || failed=1
	tap_result "$failed" "$1" "got:    ${2//$'\n'/$'\n'        }" "wanted: ${3//$'\n'/$'\n'        }"
}

like() {
	local failed=0

	[[ $2 =~ $3 ]] || failed=1
	tap_result "$failed" "$1" "got:    ${2//$'\n'/$'\n'        }" "wanted: a match of $3"
}

unlike() {
	local failed=0

	[[ $2 =~ $3 ]] && failed=1
	tap_result "$failed" "$1" "got:      ${2//$'\n'/$'\n'          }" "unwanted: a match of $3"
}

skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - ${1//#/\\#} # SKIP $2"
}

# Arguments are kept apart as they are; to defer a pipeline, defer a function.
defer() {
	TAP_DEFERRED+=("$(printf '%q ' "$@")")
}

# Wait 50 ms without a process that would have to be cleaned up.
tap_tick() {
	read -r -t 0.05 -u "$TAP_NEVER" _
	return 0
}

wait_for() {
	local limit=$(($1 * WAIT_FACTOR * TAP_PATIENCE))
	local deadline=$((SECONDS + limit)) turns=$((limit * 20))

	shift
	while ! "$@" >/dev/null 2>&1; do
		# The clock ends it when CMD itself is slow, the turns when the clock is set back.
		if [ "$((turns--))" -le 0 ] || [ "$SECONDS" -gt "$deadline" ]; then
			echo "gave up waiting for: $*"
			return 1
		fi
		tap_tick
	done
}
