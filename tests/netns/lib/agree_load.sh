# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Keys that change under load, in both modes: a network that is bad where the kernel can make it so, numbered packets both
# ways, each of which is accounted for, and agents that die. To be sourced after agree.sh.
#
# AGREE_REKEYS says how many times the keys change, AGREE_RATE how many packets a second go each way; without them REKEYS
# and RATE do. LOAD_A and LOAD_B are the addresses that the packets are for.

REKEYS=${AGREE_REKEYS:-$REKEYS}
LOAD_RATE=${AGREE_RATE:-$((RATE / WAIT_FACTOR))}

handshakes_a() { status_a .peers[0].agreement.handshakes; }
has_handshakes() { [ "$(handshakes_a)" -ge "$1" ]; }

# ---- the network -----------------------------------------------------------------------------------------

# netem DEVICE OPTIONS...: on a kernel without it the network stays as it is.
netem() {
	[ -z "$NO_NETEM" ] || return 0
	in_middle tc qdisc replace dev "$1" root netem limit 1000000 "${@:2}"
}
try_netem() {
	NO_NETEM=
	netem a delay 1ms 2>"$WORK/netem" || NO_NETEM=$(<"$WORK/netem")
	[ -z "$NO_NETEM" ] || note "no bad network: this kernel has no netem: $NO_NETEM"
}
bad_network() {
	netem a delay 200ms 50ms reorder 10% duplicate 1% && netem b delay 200ms 50ms reorder 10% duplicate 1%
}
good_network() { netem a delay 1ms && netem b delay 1ms; }

# Nothing is under way.
is_drained() { ! in_middle tc -s qdisc show | grep -qE 'backlog [^ ]+ [1-9]'; }

# ---- the load --------------------------------------------------------------------------------------------

# Packets with an SPI, of the underlay's IP version: all but the agents' own.
data_filter() {
	if [ "${UNDERLAY:-4}" = 6 ]; then echo 'ip6[6] = 17 and ip6[48:4] != 0'; else echo 'udp[8:4] != 0'; fi
}

# data_seen CAPTURE SITE: how many different ones came from the site, and how many came once more, the same to the last byte
# that is kept
data_seen() {
	local source=${2^^}${UNDERLAY:-4}

	tcpdump -tnxr "$WORK/$1.pcap" "$(data_filter) and src host ${!source}" 2>/dev/null | awk '
		function count() { copies += (packet in seen); different += !(packet in seen); seen[packet]; packet = "" }
		/^[^\t]/ { if (packet) count(); next }
		{ packet = packet $0 }
		END { if (packet) count(); print different + 0, copies + 0 }'
}

opened_a() { status_a .peers[0].rx.packets; }
opened_b() { status_b .peers[0].rx.packets; }
all_opened() { [ "$(opened_b)" -ge "$1" ] && [ "$(opened_a)" -ge "$2" ]; }
# Those of the load: not copies, nor what agents say to one another, which a bad network doubles and delays too, and which
# nobody hears while an agent is dead.
other_drops() { sed -E 's/ ?(replayed|late_answer|no_agent)=[0-9]+//g; s/^ //'; }

# load_start: both ways, until load_stop. The network is a good one: of what it doubles later, captures and counters know all.
load_start() {
	load_opened_a=$(opened_a) load_opened_b=$(opened_b)
	load_drops_a=$(all_drops_a | other_drops) load_drops_b=$(all_drops_b | other_drops)
	load_replayed_a=$(drops_a replayed) load_replayed_b=$(drops_b replayed)
	CAPTURE_LENGTH=96 capture_start load-a a "$(data_filter)"
	CAPTURE_LENGTH=96 capture_start load-b b "$(data_filter)"
	start_sink "$SITE_B" "$LOAD_B" 5201 "$WORK/sink-b" --marker "$MARKER"
	load_sink_b=$SINK
	start_sink "$SITE_A" "$LOAD_A" 5202 "$WORK/sink-a" --marker "$MARKER"
	load_sink_a=$SINK
	start "$SITE_A" "$WORK/send-a" "$PACKETS" send "$LOAD_B" 5201 --count 10000000 --size 400 --rate "$LOAD_RATE" \
		--marker "$MARKER"
	load_send_a=$STARTED
	start "$SITE_B" "$WORK/send-b" "$PACKETS" send "$LOAD_A" 5202 --count 10000000 --size 400 --rate "$LOAD_RATE" \
		--marker "$MARKER"
	load_send_b=$STARTED
	wait_for 5 all_opened $((load_opened_b + 1)) $((load_opened_a + 1)) || bail "no packets flow"
}

# load_stop NAME: what was sent has come, each once, and of what was dropped each is a copy that the network made.
load_stop() {
	local sent_a sent_b out_a out_b in_a in_b copies_a copies_b

	ok "$1: packets were sent all the time" eval 'running "$load_send_a" && running "$load_send_b"'
	good_network
	stop "$load_send_a"
	stop "$load_send_b"
	sent_a=$(jq .sent "$WORK/send-a") sent_b=$(jq .sent "$WORK/send-b")
	ok "$1: all are opened" wait_for 10 all_opened $((load_opened_b + sent_a)) $((load_opened_a + sent_b))
	ok "$1: nothing is under way" wait_for 5 is_drained
	stop "$load_sink_b"
	stop "$load_sink_a"
	capture_stop load-a
	capture_stop load-b
	read -r out_a _ < <(data_seen load-a a)
	read -r in_b copies_b < <(data_seen load-b a)
	read -r out_b _ < <(data_seen load-b b)
	read -r in_a copies_a < <(data_seen load-a b)
	note "$1: $sent_a packets from A; with the agents' the network took $out_a, and gave $in_b, of which $copies_b twice"
	note "$1: $sent_b packets from B; with the agents' the network took $out_b, and gave $in_a, of which $copies_a twice"
	is "$1: from A to B each comes once" "$(jq -c . "$WORK/sink-b")" \
		"{\"packets\":$sent_a,\"different\":$sent_a,\"damaged\":0}"
	is "$1: from B to A too" "$(jq -c . "$WORK/sink-a")" "{\"packets\":$sent_b,\"different\":$sent_b,\"damaged\":0}"
	is "$1: A drops the copies as replayed" $(($(drops_a replayed) - load_replayed_a)) "$copies_a"
	is "$1: B drops the copies as replayed" $(($(drops_b replayed) - load_replayed_b)) "$copies_b"
	is "$1: A drops nothing else" "$(all_drops_a | other_drops)" "$load_drops_a"
	is "$1: B drops nothing else" "$(all_drops_b | other_drops)" "$load_drops_b"
}

# rekeys_under_load: over a bad network, both ends asking at once
rekeys_under_load() {
	local before

	load_start
	ok "IPv$UNDERLAY: a bad network" bad_network
	before=$(handshakes_a)
	ok "IPv$UNDERLAY: $REKEYS rekeys" wait_for $((REKEYS * 2)) has_handshakes $((before + REKEYS))
	load_stop "IPv$UNDERLAY"
}

# ---- agents that die -------------------------------------------------------------------------------------

new_agent() { "xdpsec_$1" agree --background "$2"; }

# agents_die TIMES: each agent is killed so many times while packets flow, and both sites reload.
agents_die() {
	local turn site name before

	load_start
	for ((turn = 1; turn <= $1; turn++)); do
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
}
