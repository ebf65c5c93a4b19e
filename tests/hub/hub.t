#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A hub with a thousand peers and a real agent. Most spokes are simulated, in one process (spokes.c), and one is a real
# instance (site B). The hub reboots, and all agree anew, whoever asks; all agree as fast as they can; a flood of forged
# Initiations (flood.c) comes while the real spoke rekeys, whose traffic loses nothing.
#
# HUB_PEERS= simulated spokes (1000), HUB_RATE= forged Initiations a second (50000), HUB_SECONDS= of the flood (10),
# HUB_ROUNDS= handshakes of each spoke in the storm (2: a third within GRACE may find no slot).
#
#	SITE_A, the hub --- MIDDLE --- SITE_B, the real spoke
#	                      |
#	                    SPOKES     198.18.0.0/17, 2001:db8:100::/48
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/../netns/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

peers=${HUB_PEERS:-1000} rate=${HUB_RATE:-50000} seconds=${HUB_SECONDS:-10} rounds=${HUB_ROUNDS:-2}
tools=$OUTPUT/tests/hub
[ -x "$tools/spokes" ] && [ -x "$tools/flood" ] || skip_all "$tools is not built"
SPOKES=$ID-s

# Addresses of the spokes, and those of the flood, which nobody has.
make_spokes_site() {
	make_namespace "$SPOKES"
	ip -n "$SPOKES" link add eth0 numrxqueues 2 numtxqueues 2 type veth \
		peer name s numrxqueues 2 numtxqueues 2 netns "$MIDDLE" || bail "no veth"
	add_address "$MIDDLE" s 203.0.113.254/30 2001:db8:e::fe/64
	add_address "$SPOKES" eth0 203.0.113.253/30 2001:db8:e::1/64
	ip -n "$SPOKES" route add default via 203.0.113.254
	ip -n "$SPOKES" route add default via 2001:db8:e::fe
	ip -n "$SPOKES" route add local 198.18.0.0/17 dev lo
	ip -n "$SPOKES" route add local 2001:db8:100::/48 dev lo
	in_ns "$SPOKES" sh -c 'echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind'
	ip -n "$MIDDLE" route add 198.18.0.0/17 via 203.0.113.253
	ip -n "$MIDDLE" route add 2001:db8:100::/48 via 2001:db8:e::1
	ip -n "$MIDDLE" route add blackhole 198.19.128.0/17
	ip -n "$MIDDLE" route add blackhole 2001:db8:8000::/33
}

# ---- the simulated spokes --------------------------------------------------------------------------------

# spokes COMMAND...: the answer is in $ANSWER
spokes() {
	local limit=$((80 * WAIT_FACTOR))

	echo "$*" >&"$commands"
	read -r -t "$limit" -u "$answers" ANSWER
}
answer() { jq -r ".$1" <<<"$ANSWER"; }

start_spokes() {
	mkfifo "$WORK/commands" "$WORK/answers"
	start "$SPOKES" "$WORK/spokes" sh -c "exec '$tools/spokes' run $peers '$(<"$WORK/a.public")' $A4 $A6 \
		<'$WORK/commands' >'$WORK/answers'"
	exec {commands}>"$WORK/commands" {answers}<"$WORK/answers"
	read -r -t $((20 * WAIT_FACTOR)) -u "$answers" ANSWER || bail "no spokes: $(<"$WORK/spokes.err")"
}

refused="no_slot install_failed decrypt replayed too_soon bad_mac1 malformed"

# nothing_refused STATE-OF-A: neither at the hub nor at a spoke
nothing_refused() {
	local name

	for name in $refused; do
		is_zero "the hub's $name" "$(jq ".agent.counters.$name // 0" <<<"$1")" || return 1
		is_zero "the spokes' $name" "$(answer "$name")" || return 1
	done
	[ "$(answer unsendable)" = 0 ]
}
is_zero() { [ "$2" = 0 ] || { echo "$1: $2"; return 1; }; }

state_a() { xdpsec_a -j status "$NAME_A"; }
counter_a() { status_a ".agent.counters.$1 // 0"; }
agreed_a() { status_a '[.peers[] | select(.agreement.state == "agreed")] | length'; }
all_agreed_a() { [ "$(agreed_a)" = $((peers + 1)) ]; }

# Packets through each peer's keys, both ways.
all_pass() {
	spokes ping "$TUNNEL_A4" || return 1
	[ "$(answer answered)" = "$peers" ] || { echo "$ANSWER"; return 1; }
}

# after_agreeing NAME: all have answered; how was it?
after_agreeing() {
	note "$1: $(answer handshakes) handshakes in $(answer waited) s, $(answer seconds) s with its start, $(answer cookies) cookies"
	is "$1: all agree" "$(answer agreed)" "$peers"
	ok "$1: within 20 s" [ "$(answer 'waited | floor')" -lt $((20 * WAIT_FACTOR)) ]
	ok "$1: the hub says so" wait_for 5 all_agreed_a
	ok "$1: packets pass, both ways" all_pass
	ok "$1: nothing is refused" nothing_refused "$(state_a)"
	ok "$1: no drops" no_drops
}

# But for a spoke's answer to an Initiation that was repeated meanwhile, as on a busy machine, and for what the real spoke
# asks while the hub comes up.
no_drops() {
	all_drops_a
	[ -z "$(all_drops_a | sed -E 's/(late_answer|no_agent)=[0-9]+ ?//g')" ] && [ "$(drops_a late_answer)" -le "$(repeated)" ]
}
repeated() { status_a '.agent.counters | .initiations_sent - .responses'; }

# write_hub known|unknown: are the spokes' addresses known? Else it has to wait until it is asked.
write_hub() {
	cp "$WORK/hub.conf" "$WORK/$NAME_A.conf"
	[ "$1" != unknown ] || sed -i '/^Name = spoke-/,/^$/{/^Endpoint = /d}' "$WORK/$NAME_A.conf"
}

make_sites
make_spokes_site
write_agreed_configs
{ cat "$WORK/$NAME_A.conf"; "$tools/spokes" config "$peers"; } >"$WORK/hub.conf"
start_spokes

# ---- reboots ---------------------------------------------------------------------------------------------

ok "the real spoke is up" up_b
write_hub known
spokes mark
ok "the hub comes up, with $((peers + 1)) peers" up_a
spokes new
after_agreeing "the first time"
ok "reboot: the hub goes down" down_a
spokes mark
ok "reboot: and comes back" up_a
spokes new
after_agreeing "reboot"

write_hub unknown
ok "unknown addresses: the hub goes down" down_a
ok "unknown addresses: and comes back" up_a
spokes ask
after_agreeing "unknown addresses"

# ---- as fast as they can ---------------------------------------------------------------------------------

# Processor time of a process, in clock ticks.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

agent=$(agent_a)
before=$(ticks "$agent")
spokes storm "$rounds"
used=$(($(ticks "$agent") - before)) storm=$ANSWER
is "storm: all agree, $rounds times" "$(answer handshakes)" $((peers * rounds))
ok "storm: nothing is refused" nothing_refused "$(state_a)"
ok "storm: no drops" no_drops
ok "storm: packets pass, both ways" all_pass
note "storm: $(jq -r "\"\(.handshakes) handshakes in \(.seconds) s: \(.handshakes / .seconds | floor) a second; \" +
	\"by the agent's processor time \(.handshakes * $(getconf CLK_TCK) / $used | floor)\"" <<<"$storm")"

# ---- a flood ---------------------------------------------------------------------------------------------

handshakes_b() { status_b .peers[0].agreement.handshakes; }
has_handshakes() { [ "$(handshakes_b)" -ge "$1" ]; }
reaches_a() { in_b ping -c1 -W1 "$TUNNEL_A4"; }

# An agent that takes over the keys in use, with other times.
renew_agent() {
	kill -9 "$(agent_of "$2")"
	wait_for 5 no_agent "$2" && XDPSEC_AGREE="rekey=$3 grace=1500" "xdpsec_$1" agree --background "$2"
}

# What has become of forged Initiations, as the hub counts it.
flood_counted() {
	xdpsec_a -j status "$NAME_A" | jq '.drops.control_flood + (.agent.counters | .under_load + .rate + .decrypt + .socket_full)'
}
flood_is_counted() { [ "$(flood_counted)" -ge "$1" ]; }

ok "flood: the real spoke asks each second" renew_agent b "$NAME_B" 1000
ok "flood: which the hub is ready for" renew_agent a "$NAME_A" 105000
rekeyed=$(handshakes_b)
ok "flood: keys change" wait_for 5 has_handshakes $((rekeyed + 1))
dropped=$(all_drops_b) rekeyed=$(handshakes_b) counted=$(flood_counted)
start_sink "$SITE_A" "$TUNNEL_A4" 5201 "$WORK/arrived" --marker "$MARKER"
sink=$SINK
start "$SITE_B" "$WORK/sender" "$PACKETS" send "$TUNNEL_A4" 5201 --count 10000000 --size 400 \
	--rate $((500 / WAIT_FACTOR)) --marker "$MARKER"
sender=$STARTED
start "$MIDDLE" "$WORK/flood" "$tools/flood" a "$(mac "$SITE_A" eth0)" "$(<"$WORK/a.public")" $A4 $A6 "$rate" "$seconds"
wait "$STARTED"
rekeyed=$(($(handshakes_b) - rekeyed))
note "flood: $(jq -r '"\(.sent) in \(.seconds) s: \(.sent / .seconds | floor) a second"' "$WORK/flood"); $rekeyed rekeys meanwhile"
ok "flood: the real spoke rekeys meanwhile" [ "$rekeyed" -ge 1 ]
kill "$sender"
wait "$sender"
ok "flood: the spoke reaches the hub" wait_for 5 reaches_a
stop "$sink"
sent=$(jq .sent "$WORK/sender")
is "flood: its packets arrive, each once" "$(jq -c . "$WORK/arrived")" \
	"{\"packets\":$sent,\"different\":$sent,\"damaged\":0}"
is "flood: the spoke drops nothing" "$(all_drops_b)" "$dropped"
ok "flood: each forged Initiation is counted by name" wait_for 5 flood_is_counted \
	$((counted + $(jq .sent "$WORK/flood")))
note "flood: $(all_drops_a) $(state_a | jq -r '.agent.counters | to_entries[] | select(.value > 0) | "\(.key)=\(.value)"' | paste -sd' ')"
ok "flood: it is over, and all pass" all_pass
ok "down" down
ok "nothing is left" no_trace
done_testing
