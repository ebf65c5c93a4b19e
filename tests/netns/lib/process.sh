# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Processes that go on beside the test, in a namespace, and end with it. Part of lib.sh.

# running PID: of a process that this shell started. The shell's own list is asked, as the id of one that has
# ended may be somebody else's by now.
running() {
	jobs -rp >"$WORK/jobs"
	grep -qx "$1" "$WORK/jobs"
}

ended() {
	! running "$1"
}

# stop PID: end a process that this shell started, and wait for it.
stop() {
	running "$1" || return 0
	kill "$1"
	wait "$1" 2>/dev/null
	return 0
}

# start NAMESPACE OUTPUT CMD...: a process that goes on beside the test; STARTED is its id, by which it is
# ended at the latest when the test ends. A function in the background would be a shell around the process,
# and ending that shell would leave the process behind.
start() {
	nsenter --net="/run/netns/$1" -- "${@:3}" >"$2" 2>"$2.err" </dev/null &
	STARTED=$!
	defer stop "$STARTED"
}

# listening NAMESPACE PORT [tcp]
listening() {
	local kind=-u

	[ "${3:-}" != tcp ] || kind=-t
	in_ns "$1" ss -Hnl $kind "sport = :$2" | grep -q .
}

# start_echo NAMESPACE ADDRESS PORT
start_echo() {
	start "$1" "$WORK/echo" "$PACKETS" echo "$2" "$3"
	wait_for 5 listening "$1" "$3" || bail "no echo server"
}

# start_sink NAMESPACE ADDRESS PORT FILE [--expect N] [--marker M]: its result goes to FILE when it ends;
# SINK is its process.
start_sink() {
	start "$1" "$4" "$PACKETS" sink "$2" "$3" "${@:5}"
	# shellcheck disable=SC2034 # used by the tests
	SINK=$STARTED
	wait_for 5 listening "$1" "$3" || bail "no sink"
}
