#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Manual keys change while packets flow in both directions, and none is lost: each site opens with the old key and with
# the new one, until the other site seals with the new one. In every order of the two sites' reloads, in both modes,
# and with reloads that are killed.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

RATE=$((1000 / WAIT_FACTOR))

# spi DIRECTION GENERATION
spi() { printf '0x%x' $((($2 + 1) * 0x1000 + ($1 == 1 ? 1 : 2))); }
key() { echo "$WORK/$1-$2.key"; }
new_keys() { make_key "1-$1" && make_key "2-$1"; }

# keys_of SITE TX RX...: the lines of its peer, by generations of keys. A seals in direction 1.
keys_of() {
	local to=1 from=2 generation

	[ "$1" = a ] || to=2 from=1
	echo "TxSpi = $(spi $to "$2")"
	echo "TxKeyFile = $(key $to "$2")"
	for generation in "${@:3}"; do
		echo "RxSpi = $(spi $from "$generation")"
		echo "RxKeyFile = $(key $from "$generation")"
	done
}

# configure SITE TX RX...: a new file, so that nobody ever reads half of one.
configure() {
	local name=$NAME_A

	[ "$1" = a ] || name=$NAME_B
	{ cat "$WORK/head-$1" && keys_of "$@"; } >"$WORK/$name.new" && mv "$WORK/$name.new" "$WORK/$name.conf"
}

reload_of() {
	if [ "$1" = a ]; then
		xdpsec_a reload "$NAME_A" "${@:2}"
	else
		xdpsec_b reload "$NAME_B" "${@:2}"
	fi
}

# step SITE STEP OLD NEW: one of the three steps of a change. The order of the two Rx SAs in the file is of no account.
step() {
	case $2 in
	1) configure "$1" "$3" "$3" "$4" && reload_of "$1" --new-key ;;
	2) configure "$1" "$4" "$4" "$3" && reload_of "$1" --new-key ;;
	3) configure "$1" "$4" "$4" && reload_of "$1" ;;
	esac >>"$WORK/reload.log" 2>&1
}

start_streams() {
	start_sink "$SITE_B" "$1" 5201 "$WORK/sink-ab" --marker "$MARKER"
	SINK_AB=$SINK
	start_sink "$SITE_A" "$2" 5202 "$WORK/sink-ba" --marker "$MARKER"
	SINK_BA=$SINK
	start "$SITE_A" "$WORK/send-ab" "$PACKETS" send "$1" 5201 --count 10000000 --rate $RATE --marker "$MARKER"
	SEND_AB=$STARTED
	start "$SITE_B" "$WORK/send-ba" "$PACKETS" send "$2" 5202 --count 10000000 --rate $RATE --marker "$MARKER"
	SEND_BA=$STARTED
}

opened() { status_a .peers[0].rx.packets; }
opened_at_b() { status_b .peers[0].rx.packets; }
opened_are() { [ "$(opened) $(opened_at_b)" = "$1" ]; }

# end_streams NAME: as many have come as were sent, each once.
end_streams() {
	local sent_ab sent_ba

	ok "$1: packets were sent all the time" eval 'running "$SEND_AB" && running "$SEND_BA"'
	stop "$SEND_AB"
	stop "$SEND_BA"
	sent_ab=$(jq .sent "$WORK/send-ab") sent_ba=$(jq .sent "$WORK/send-ba")
	ok "$1: all are opened" wait_for 10 opened_are "$sent_ba $sent_ab"
	stop "$SINK_AB"
	stop "$SINK_BA"
	note "$1: $sent_ab and $sent_ba packets"
	is "$1: none is lost from A to B" "$(jq -c . "$WORK/sink-ab")" \
		"{\"packets\":$sent_ab,\"different\":$sent_ab,\"damaged\":0}"
	is "$1: nor from B to A" "$(jq -c . "$WORK/sink-ba")" \
		"{\"packets\":$sent_ba,\"different\":$sent_ba,\"damaged\":0}"
	is "$1: nothing is dropped" "$(all_drops_a | sed 's/ *stray=[0-9]*//')$(all_drops_b | sed 's/ *stray=[0-9]*//')" ""
}

# state SITE DIRECTION GENERATION: the files of a key, "tx" or "rx"
state() {
	local fingerprint

	fingerprint=$({ printf 'xdpsec key fingerprint 1' && xxd -r -p "$(key "$2" "$3")"; } | sha256sum | cut -c1-32)
	(cd "$WORK/state-$1" && echo "$fingerprint".* | sed "s/$fingerprint\.//g")
}
number_of() {
	local fingerprint

	fingerprint=$({ printf 'xdpsec key fingerprint 1' && xxd -r -p "$(key "$2" "$3")"; } | sha256sum | cut -c1-32)
	cut -d' ' -f4 "$WORK/state-$1/$fingerprint.$4"
}

# heads MODE: the files but for the keys
heads() {
	local name

	[ "$1" = inline ] && write_configs || write_tunnel_configs
	for name in a b; do
		sed '/^[TR]x/d' "$WORK/$([ $name = a ] && echo "$NAME_A" || echo "$NAME_B").conf" >"$WORK/head-$name"
	done
}

# change MODE ORDERS...: each order is which site is first in each of the three steps
change() {
	local mode=$1 order site n generation=0 failed=0 other

	shift
	new_keys 0
	configure a 0 0
	configure b 0 0
	ok "$mode: up" up || bail "not up"
	start_streams "$TO_B" "$TO_A"
	for order in "$@"; do
		new_keys $((generation + 1))
		for n in 1 2 3; do
			site=${order:n-1:1} other=b
			[ "$site" = a ] || other=a
			step "$site" $n $generation $((generation + 1)) || failed=$((failed + 1))
			# What the first one does is enough for packets to come under the key.
			step $other $n $generation $((generation + 1)) || failed=$((failed + 1))
		done
		generation=$((generation + 1))
	done
	is "$mode: all reloads took effect" $failed 0 || diag "$(cat "$WORK/reload.log")"
	end_streams "$mode"
}

make_sites

# ---- every order --------------------------------------------------------------------------------------

TO_B=$B4 TO_A=$A6
heads inline
change inline aaa aab aba abb baa bab bba bbb
is "both are at the last key" "$(status_a '[.peers[0].tx.spi, .peers[0].rx.spi, .peers[0].second_rx_spi] | @csv')" \
	"$(($(spi 1 8))),$(($(spi 2 8))),"
is "a key that seals has a .tx, one that opens a .rx" "$(state a 1 3) $(state a 2 3) $(state b 2 3) $(state b 1 3)" "tx rx tx rx"
ok "the last number received is on disk when the key is no longer used" [ "$(number_of a 2 3 rx)" -gt 0 ]
is "as many as were sealed" "$(number_of a 2 3 rx)" "$(number_of b 2 3 tx)"

# Two at a time: what status says, and an old key that comes again opens nothing twice.
configure a 8 8 9
new_keys 9
ok "a second Rx SA" reload_of a --new-key
like "reload says that the peer has changed" "$TAP_OUTPUT" "changed: 1"
is "status shows both" "$(status_a '[.peers[0].rx.spi, .peers[0].second_rx_spi] | @csv')" "$(($(spi 2 8))),$(($(spi 2 9)))"
like "and in words" "$(xdpsec_a status "$NAME_A")" "by SPI $(printf '0x%08x' $(($(spi 2 9)))), a second one"
ok "the same again" reload_of a
like "changes nothing" "$TAP_OUTPUT" "changed: 0"
configure a 8 9 8
ok "in the other order" reload_of a
refuses "nor are the SAs others" eval '[ "$(status_a .peers[0].rx.packets)" = 0 ]'
ok "and down, and up, with both" eval 'down_a && up_a'
is "status shows both" "$(status_a '[.peers[0].rx.spi, .peers[0].second_rx_spi] | @csv')" "$(($(spi 2 9))),$(($(spi 2 8)))"
start_echo "$SITE_B" $B4 5203
ok "packets flow" packets "$SITE_A" roundtrip $B4 5203
ok "down" down

# ---- by the recipe, two reloads each, in a tunnel -------------------------------------------------------

rm -f "$WORK"/*.key && rm -rf "$WORK"/state-a/* "$WORK"/state-b/*
make_keys
TO_B=$TUNNEL_B4 TO_A=$TUNNEL_A6
heads tunnel
new_keys 0
new_keys 1
configure a 0 0
configure b 0 0
ok "tunnel: up" up || bail "not up"
start_streams "$TO_B" "$TO_A"
recipe() {
	configure a 0 0 1 && reload_of a --new-key &&
		configure b 1 0 1 && reload_of b --new-key &&
		configure a 1 1 && reload_of a --new-key &&
		configure b 1 1 && reload_of b
}
ok "tunnel: by the recipe" recipe
end_streams "tunnel"

# ---- killed ---------------------------------------------------------------------------------------------

# kills SITE STEP OLD NEW: at moments from the beginning to the end of a reload; then it is completed.
killed=0
kills() {
	local delay

	for delay in 0.02 0.05 0.08 0.12 0.16 0.2 0.25 0.3; do
		case $2 in
		1) configure "$1" "$3" "$3" "$4" ;;
		2) configure "$1" "$4" "$4" "$3" ;;
		3) configure "$1" "$4" "$4" ;;
		esac
		kill_reload "$1" "$delay" || killed=$((killed + 1))
	done
	step "$@"
}
kill_reload() {
	local site=$SITE_A name=$NAME_A

	[ "$1" = a ] || site=$SITE_B name=$NAME_B
	timeout -s KILL "$2" "$XDPSEC" -n "$site" --state-dir "$WORK/state-$1" reload "$name" --new-key >/dev/null 2>&1
}

new_keys 2
before_a=$(opened) before_b=$(opened_at_b)
start_streams "$TO_B" "$TO_A"
for n in 1 2 3; do
	for site in b a; do
		ok "step $n at ${site^^}, killed, and completed" kills $site $n 1 2
	done
done
note "$killed of 48 reloads were killed"
ok "some were" [ $killed -gt 0 ]
opened_are() { [ "$(($(opened) - before_a)) $(($(opened_at_b) - before_b))" = "$1" ]; }
end_streams "killed"
is "both are at the last key" "$(status_a '[.peers[0].tx.spi, .peers[0].rx.spi, .peers[0].second_rx_spi] | @csv')" \
	"$(($(spi 1 2))),$(($(spi 2 2))),"
ok "down" down
done_testing
