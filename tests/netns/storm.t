#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A storm of `up`, `reload` and `down` at site A, by chance, with configurations by chance, often two at a time, many of
# them killed, while packets are sent: no sequence number is used twice under a key, every command ends with what it is
# to end with, and in the end all is well and nothing is left.
#
# STORM=1000 is a longer one; SEED= chooses the same commands again, though not the same moments.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/nonces.sh
. "$here/nonces.sh"

STORM=${STORM:-30}
SEED=${SEED:-$$}
RANDOM=$SEED
# The SPIs that each key is sealed with.
KEYS=("a-to-b=0x1001,0x1021" "other-tx=0x1011")

# variant N: A's configuration becomes another one, at once
variant() {
	local tx_spi=0x1001 tx=a-to-b rx_spi=0x1002 rx=b-to-a peer=site-b ports=$PORTS extra=

	case $1 in
	1) tx_spi=0x1011 tx=other-tx ;;
	2) rx_spi=0x1012 rx=other-rx ;;
	3) peer=site-other ;;
	4) tx_spi=0x1021 ;;
	5) extra="Driver = aes-generic" ;;
	6) ports="$NONCE_PORT" ;;
	esac
	{
		PORTS=$ports write_config "$NAME_A" eth0 $peer "$B4/32 $B6/128" \
			$tx_spi "$WORK/$tx.key" $rx_spi "$WORK/$rx.key"
		echo "$extra"
	} >"$CONF.new"
	mv "$CONF.new" "$CONF"
}

# command: one by chance, in the background; its process is COMMAND
command() {
	local words

	case $((RANDOM % 10)) in
	0) words=(down "$NAME_A") ;;
	1 | 2) words=(up "$CONF" --new-key) ;;
	*) words=(reload "$NAME_A" --new-key) ;;
	esac
	"$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" "${words[@]}" >/dev/null 2>>"$WORK/said" </dev/null &
	COMMAND=$!
	defer stop "$COMMAND"
}

# some_time: up to a tenth of a second, in which the command gets somewhere
some_time() { read -r -t "0.0$((RANDOM % 100))" -u "$TAP_NEVER" _; }

# ended_with PID: its exit status, into ENDED
ended_with() {
	wait "$1" 2>/dev/null
	ENDED[$?]=$((${ENDED[$?]:-0} + 1))
}

storm() {
	local i first second

	ENDED=() KILLED=0
	for ((i = 0; i < STORM; i++)); do
		variant $((RANDOM % 7))
		command
		first=$COMMAND second=
		if [ $((RANDOM % 3)) -eq 0 ]; then
			command
			second=$COMMAND
		fi
		if [ $((RANDOM % 3)) -eq 0 ]; then
			some_time
			kill -KILL "$first" 2>/dev/null && KILLED=$((KILLED + 1))
		fi
		ended_with "$first"
		[ -z "$second" ] || ended_with "$second"
	done
}

# all_well: what was left half-way is completed
all_well() {
	if [ -e "$INSTANCE" ]; then
		reload_a --new-key || return 1
	else
		up_plain --new-key || return 1
	fi
	[ "$(status_a '[.attached, (.warnings | length)] | tostring')" = "[true,0]" ] || { status_a .; return 1; }
}

make_sites
PORTS="4789, 5201-5210"
make_keys
make_key other-tx
make_key other-rx
mkdir "$WORK/state-a"
defer down_anyhow
variant 0
record_nonces
ok "up" up_plain --new-key || bail "not up"
start "$SITE_A" "$WORK/sent" "$PACKETS" send $B4 $NONCE_PORT --size $NONCE_SIZE --count 100000000 --rate 500 \
	--marker "$MARKER"
sender=$STARTED
# More of the shell's own messages about what was killed than of anything else.
storm 2>"$WORK/shell"
note "seed $SEED: $STORM times, $KILLED commands killed, exit codes ${!ENDED[*]}: ${ENDED[*]}"
is "every command ended well, with an error, or killed" \
	"$(printf '%s\n' "${!ENDED[@]}" | grep -vxE '0|1|137' | paste -sd' ')" ""
is "whatever was said, was said as it should be" "$(grep -vE '^(xdpsec|hint): ' "$WORK/said" | grep .)" ""
ok "packets were sent all the time" running "$sender"
stop "$sender"
variant 0
ok "afterwards all is well, or made so by one command" all_well
ok "and it seals" send_some 3
ok "down" down_plain
ok "nothing is left" no_trace_a

ok "the capture is read" judge_nonces "${KEYS[@]}"
note "$TAP_OUTPUT"
is "no number was used twice under a key" "$(nonces '.twice | join(", ")')" ""
ok "packets were sealed" [ "$(nonces .sealed)" -gt 3 ]
ok "with numbers of several ranges" [ "$(nonces .ranges)" -gt 1 ]

ok "control: one that was would be found" finds_twice "${KEYS[@]}"
done_testing
