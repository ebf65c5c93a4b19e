#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every system call of `up`, `reload` and `down` on the state directory fails, or is the last one of its command: strace
# injects an error, or SIGKILL. The trace must show that the call that was meant was hit. Whatever the command does then,
# it says so; what comes after it works; and no sequence number is used twice under a key.
#
# STATE_FAULTS=all takes each call with each error; without it each kind of call of each command has one or two.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/nonces.sh
. "$here/nonces.sh"

can_trace || skip_all "needs strace, and that it can trace here"

STATE=$WORK/state-a
# The operations on files, and the faults of each.
declare -A ERRORS=(
	[openat]="EACCES ENOSPC EMFILE" [read]="EIO" [write]="ENOSPC EIO" [fsync]="EIO ENOSPC" [renameat]="EIO EROFS"
	[unlinkat]="EROFS EIO" [mkdir]="EACCES ENOSPC" [mkdirat]="EACCES ENOSPC" [flock]="EINTR ENOLCK"
	[statx]="EIO" [newfstatat]="EIO" [faccessat2]="EIO" [ioctl]="ENOTTY"
)
CALLS=${!ERRORS[*]}
CALLS=$(present "${CALLS// /,}")

# The words of each command. `first` is `up` with a new key, where there is no state directory.
state_command() {
	WORDS=("$XDPSEC" -n "$SITE_A" --state-dir "$STATE")
	case $1 in
	first | up) WORDS+=(up "$CONF" --new-key) ;;
	reload) WORDS+=(reload "$NAME_A") ;;
	down) WORDS+=(down "$NAME_A") ;;
	esac
}

# use_key: a new one to send with, which has two SPIs. KEYS has them all.
use_key() {
	make_key a-to-b
	FIRST_SPI=$((FIRST_SPI + 2))
	KEYS+=("key$FIRST_SPI=$FIRST_SPI,$((FIRST_SPI + 1))")
	use_spi $FIRST_SPI
}
use_spi() { sed -i "s/^TxSpi = .*/TxSpi = $1/" "$CONF"; }
# The key's other SPI than the one in use: for `reload`, which takes a new range for it.
other_spi() { use_spi $((FIRST_SPI + ($(status_a '.peers[0].tx.spi') == FIRST_SPI))); }

# traced FILE COMMAND OPTION...: its calls, with the paths of file descriptors
traced() {
	state_command "$2"
	under_strace -y -o "$1" -e trace="$CALLS" "${@:3}" "${WORDS[@]}"
}

# state_calls FILE: "CALL N LINE" of each call in the trace that is about the state directory; N counts all of its name
state_calls() {
	awk -v state="$STATE" '{
		sub(/^[0-9]+ +/, "")
		if ($0 !~ /^[a-z0-9]+\(/) next
		call = $0
		sub(/\(.*/, "", call)
		++n[call]
		if (index($0, state)) print call, n[call], $0
	}' "$1"
}

# all_steps COMMAND: "COMMAND CALL K FAULT" of each that is to be injected: the Kth call of its name on the state directory
all_steps() {
	local call n rest k fault
	declare -A seen=()

	while read -r call n rest <&4; do
		k=${seen[$call]:-0}
		seen[$call]=$((k + 1))
		for fault in ${ERRORS[$call]}; do
			echo "$1 $call $k error=$fault"
		done
		echo "$1 $call $k signal=SIGKILL"
	done 4< <(state_calls "$WORK/$1.trace")
}

# few_steps: of those on standard input, for each command and call the first error; of what puts something on the disk
# also the last signal
few_steps() {
	awk '{ kind = $1 " " $2 }
		$2 ~ /statx|fstatat|faccess|ioctl/ { next }
		$4 ~ /error/ && !(kind in error) { error[kind] = $0; order[++n] = kind }
		$4 ~ /signal/ && $2 ~ /fsync|renameat/ { signal[kind] = $0 }
		END { for (i = 1; i <= n; i++) {
			print error[order[i]]
			if (order[i] in signal) print signal[order[i]]
		} }'
}

# hit CALL FAULT: was the fault injected into such a call, on the state directory?
hit() {
	if [[ $2 == signal=* ]]; then
		state_calls "$WORK/hit" | tail -n 1 | grep -q "^$1 " && grep -q 'killed by SIGKILL' "$WORK/hit"
	else
		state_calls "$WORK/hit" | grep -E "^$1 .*= -1 ${2#error=} .*\(INJECTED\)" >/dev/null &&
			[ "$(grep -c '(INJECTED)' "$WORK/hit")" = 1 ]
	fi
}

# inject COMMAND CALL K FAULT: its exit code, 0 or 1, or 137; what it said in $WORK/said. strace knows a call by its number
# among all of its name, which may be another than when they were counted: then they are counted again.
inject() {
	local command=$1 call=$2 k=$3 fault=$4 n status

	n=$(state_calls "$WORK/$command.trace" | awk -v call="$call" -v k="$k" '$1 == call && k-- == 0 { print $2 }')
	[ -n "$n" ] || { echo "no such call any more"; return 126; }
	(traced "$WORK/hit" "$command" -e inject="$call:$fault:when=$n" >"$WORK/said" 2>&1) 2>/dev/null
	status=$?
	hit "$call" "$fault" || { MISSED+=" $n"; return 125; }
	return $status
}

# prepare COMMAND: the instance is as the command needs it
prepare() {
	if [ "$1" = up ] || [ "$1" = first ]; then
		down_anyhow || return 1
	elif [ ! -e "$INSTANCE" ]; then
		up_plain --new-key || return 1
	fi
	case $1 in
	reload) other_spi ;;
	first) rm -rf "$STATE" && use_key ;;
	esac
}

# count_again COMMAND: the calls of one that nothing is injected into
count_again() { prepare "$1" && traced "$WORK/$1.trace" "$1"; }

# is_sound COMMAND STATUS: it ended with an exit code and a message, or killed, and nothing is half done
is_sound() {
	case $2 in
	0) ;;
	1) grep -q '^xdpsec: .*state \(file\|directory\)' "$WORK/said" || { echo "no word of it: $(<"$WORK/said")"; return 1; } ;;
	137) return 0 ;;
	*) echo "exit code $2: $(<"$WORK/said")"; return 1 ;;
	esac
	if [ "$1" = up ] || [ "$1" = first ]; then
		[ "$2" = 0 ] || no_trace_a || return 1
	fi
	[ "$1" != down ] || [ "$2" != 0 ] || no_trace_a
}

# fault COMMAND CALL K FAULT: all of it
fault() {
	local status

	MISSED=
	for _ in 1 2 3 4 5; do
		prepare "$1" >"$WORK/prepared" 2>&1 || { cat "$WORK/prepared"; return 1; }
		[ ! -e "$INSTANCE" ] || send_some 2 || return 1
		inject "$@"
		status=$?
		[ $status -eq 125 ] || break
		count_again "$1" >/dev/null 2>&1
	done
	[ $status -ne 125 ] || { echo "not hit at$MISSED"; cat "$WORK/hit"; return 1; }
	HITS=$((HITS + 1))
	is_sound "$1" "$status" || return 1
	# An instance that still seals goes on; the others are brought up again.
	if [ -e "$INSTANCE" ]; then
		send_some 2 || return 1
		reload_a >"$WORK/said" 2>&1 || { cat "$WORK/said"; return 1; }
	else
		up_plain --new-key >"$WORK/said" 2>&1 || { cat "$WORK/said"; return 1; }
	fi
	send_some 2
}

make_sites
PORTS="4789, 5201-5210" write_configs
FIRST_SPI=$((0x2000)) KEYS=()
defer down_anyhow
record_nonces
HITS=0
for command in first up reload down; do
	ok "$command: its calls" count_again $command || bail "$command fails"
	all_steps $command >>"$WORK/steps"
done
cp "$WORK/steps" "$WORK/taken"
[ "${STATE_FAULTS:-}" = all ] || few_steps <"$WORK/steps" >"$WORK/taken"
note "$(wc -l <"$WORK/taken") faults, of $(wc -l <"$WORK/steps") that there are"
for call in openat write fsync renameat; do
	like "there are faults of $call" "$(cut -d' ' -f1,2 "$WORK/taken" | sort -u | paste -sd,)" "first $call.*reload $call.*up $call"
done
while read -r command call k what <&3; do
	ok "$command: $what at $call $((k + 1)) on the state directory" fault "$command" "$call" "$k" "$what"
done 3<"$WORK/taken"
is "each fault was hit" "$HITS" "$(wc -l <"$WORK/taken")"

ok "down" down_plain
ok "nothing is left" no_trace_a
ok "the capture is read" judge_nonces "${KEYS[@]}"
note "$TAP_OUTPUT"
is "no number was used twice under a key" "$(nonces '.twice | join(", ")')" ""
ok "packets were sealed after each" [ "$(nonces .sealed)" -ge $((2 * HITS)) ]
is "and none was sent in clear" "$(nonces .other)" 0
ok "control: one that was would be found" finds_twice "${KEYS[@]}"
done_testing
