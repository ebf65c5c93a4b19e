#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keys change under load, and no packet is lost: over a network that delays, reorders and doubles, with both ends asking
# at once; when an agent is killed, started anew or replaced; when both are dead, until their keys expire. AGREE_REKEYS
# says how many times the keys change (10).
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

REKEYS=${AGREE_REKEYS:-10}
RATE=$((1000 / WAIT_FACTOR))

handshakes_a() { status_a .peers[0].agreement.handshakes; }
has_handshakes() { [ "$(handshakes_a)" -ge "$1" ]; }
reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
pings_until_expired() { ! reaches_b && [ "$(drops_a expired)" -gt "$1" ]; }

# netem DEVICE OPTIONS...: on a kernel without it the network stays as it is.
netem() {
	[ -z "$NO_NETEM" ] || return 0
 in_middle tc qdisc replace dev "$1" root netem limit 1000000 "${@:2}"; }

# load_start: from A to B, until load_stop, which compares both ends
load_start() {
	start_sink "$SITE_B" "$TUNNEL_B4" 5201 "$WORK/load" --marker "$MARKER"
	load_sink=$SINK before_load=$(received)
	start "$SITE_A" "$WORK/sender" "$PACKETS" send "$TUNNEL_B4" 5201 --count 10000000 --size 400 --rate $RATE \
		--marker "$MARKER"
	load_sender=$STARTED
}

# Datagrams that B's sockets have got.
received() { in_b awk '$1 == "Udp:" { n = $2 } END { print n }' /proc/net/snmp; }
got_all() { [ "$(received)" -ge "$1" ]; }

# load_stop NAME
load_stop() {
	local sent

	ok "$1: packets were sent all the time" running "$load_sender"
	kill "$load_sender"
	wait "$load_sender"
	sent=$(jq .sent "$WORK/sender")
	wait_for 5 got_all $((before_load + sent)) || :
	stop "$load_sink"
	note "$1: $sent packets"
	is "$1: all arrive, each once" "$(jq -c . "$WORK/load")" "{\"packets\":$sent,\"different\":$sent,\"damaged\":0}"
}

# Both agents ask each second, both at once.
export XDPSEC_AGREE="rekey=1000 grace=1500"
make_sites
NO_NETEM=
netem a delay 1ms 2>"$WORK/netem" || NO_NETEM=$(<"$WORK/netem")
[ -z "$NO_NETEM" ] || note "no bad network: this kernel has no netem: $NO_NETEM"
for UNDERLAY in 4 6; do
	UNDERLAY=$UNDERLAY write_agreed_configs
	ok "IPv$UNDERLAY: up" up || bail "not up"
	ok "IPv$UNDERLAY: keys" wait_for 5 reaches_b
	ok "IPv$UNDERLAY: a bad network" netem a delay 200ms 50ms reorder 10% duplicate 1%
	ok "IPv$UNDERLAY: both ways" netem b delay 200ms 50ms reorder 10% duplicate 1%
	before=$(handshakes_a) dropped=$(all_drops_a)
	load_start
	ok "IPv$UNDERLAY: $REKEYS rekeys" wait_for $((REKEYS * 2)) has_handshakes $((before + REKEYS))
	ok "IPv$UNDERLAY: a good network" netem a delay 1ms
	netem b delay 1ms
	load_stop "IPv$UNDERLAY"
	is "IPv$UNDERLAY: A drops nothing" "$(all_drops_a | sed 's/ *replayed=[0-9]*//')" "$dropped"
	is "IPv$UNDERLAY: B drops doubled packets only" "$(all_drops_b | sed 's/replayed=[0-9]*//')" ""
	[ "$UNDERLAY" = 4 ] || break
	ok "down" down
done

# ---- agents that die -------------------------------------------------------------------------------------

new_agent() { "xdpsec_$1" agree --background "$2"; }

load_start
for turn in 1 2 3; do
	for site in a b; do
		name=NAME_${site^^}
		name=${!name}
		kill -9 "$(agent_of "$name")"
		ok "$site, $turn: its agent was killed" wait_for 5 no_agent "$name"
		ok "$site, $turn: a new one" new_agent "$site" "$name"
	done
done
# As an upgrade does it.
for site in a b; do
	name=NAME_${site^^}
	ok "$site: reload" "xdpsec_$site" reload "${!name}"
done
before=$(handshakes_a)
ok "keys go on changing" wait_for 10 has_handshakes $((before + 3))
load_stop "agents that die"
is "agents that die: B drops nothing" "$(all_drops_b | sed 's/ *replayed=[0-9]*//')" ""

# ---- no agent at all -------------------------------------------------------------------------------------

# Keys that are valid for so many seconds.
export XDPSEC_AGREE="rekey=60000 grace=2000 reject=6"
ok "down" down
ok "up, with keys for a short time" up
ok "keys" wait_for 5 reaches_b
kill -9 "$(agent_a)" "$(agent_b)"
ok "both agents are dead: traffic goes on" reaches_b
dropped=$(drops_a expired)
ok "until the keys are over: expired" wait_for 20 pings_until_expired "$dropped"
refuses "then nothing passes" reaches_b
like "which status says" "$(xdpsec_a status "$NAME_A")" "expired"
unset XDPSEC_AGREE
new_agent a "$NAME_A"
new_agent b "$NAME_B"
started=$SECONDS
ok "both are back: so is the traffic" wait_for 2 reaches_b
ok "within two seconds" [ $((SECONDS - started)) -le 2 ]

# ---- a reboot --------------------------------------------------------------------------------------------

# B loses everything, and asks as soon as it is up: one round trip.
ok "B goes down" down_b
refuses "nothing passes" reaches_b
ok "B comes back" up_b
started=$SECONDS
ok "it works" wait_for 2 reaches_b
# One round trip; SECONDS may have been about to change.
ok "at once" [ $((SECONDS - started)) -le 2 ]
seen_restart() { [ "$(status_a .peers[0].agreement.restarts)" = 1 ]; }
ok "A has seen the restart" wait_for 5 seen_restart
# The same, with a clock that has gone back by a day.
ok "B goes down" down_b
export XDPSEC_AGREE="clock=-86400"
ok "B comes back, a day earlier" up_b
unset XDPSEC_AGREE
ok "it works" wait_for 2 reaches_b
has_asked() { [ "$(status_b .peers[0].agreement.role)" = initiator ]; }
ok "B has asked" wait_for 5 has_asked
ok "down" down
ok "nothing is left" no_trace
done_testing
