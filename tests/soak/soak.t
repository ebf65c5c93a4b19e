#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The soak: numbered packets through a tunnel both ways, new keys every few seconds, and everything that happens to a
# gateway in the meantime, at random: an agent or both are killed and start again, a configuration is reloaded, a link
# fails. Each packet is accounted for: none is lost but on a link that is down, none comes twice, none is in clear.
#
# SOAK_PACKETS= packets each way, SOAK_RATE= packets a second each way, REKEY= milliseconds, SEED= of what happens when.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/../netns/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$(dirname "$0")/../netns/lib/agree.sh"

packets=${SOAK_PACKETS:-100000} rate=${SOAK_RATE:-5000} rekey=${REKEY:-4000} seed=${SEED:-$(date +%s)}
traffic=$OUTPUT/tests/soak/traffic
# RejectAfter outlives all that is done to the agents, and is short enough that a soak sees keys go.
export XDPSEC_AGREE="rekey=$rekey grace=2000 reject=60"
RANDOM=$seed

# An agent that was killed is started by its supervisor, as systemd does it.
start_agent() {
	if [ "$1" = a ]; then xdpsec_a agree "$NAME_A"; else xdpsec_b agree "$NAME_B"; fi >>"$WORK/agent-$1.log" 2>&1 &
	agents[$1]=$!
}

kill_agent() {
	kill -KILL "${agents[$1]}" 2>/dev/null
	wait "${agents[$1]}" 2>/dev/null
	return 0
}

end_agents() { kill_agent a; kill_agent b; }

# A reload that changes an agreed peer stops the agent, which its supervisor starts again.
reload_site() {
	local name=$NAME_A keepalive=$((20 + RANDOM % 20))

	[ "$1" = a ] || name=$NAME_B
	sed -i "s/^PersistentKeepalive = .*/PersistentKeepalive = $keepalive/" "$WORK/$name.conf"
	if [ "$1" = a ]; then xdpsec_a reload "$name"; else xdpsec_b reload "$name"; fi \
		>"$WORK/reload.log" 2>&1 || { failed_reloads=$((failed_reloads + 1)); diag "$(<"$WORK/reload.log")"; }
	running "${agents[$1]}" || start_agent "$1"
}

# The link between the middle and a site fails. Neighbours that the site knows stay, as with a switch in between.
fail_link() {
	local link=$1

	echo down >&"$commands"
	ip -n "$MIDDLE" link set dev "$link" down
	pause $((200 + RANDOM % 800))
	ip -n "$MIDDLE" link set dev "$link" up
	if [ "$link" = a ]; then
		wait_for 10 in_middle ping -c1 -W1 "$A4"
	else
		wait_for 10 in_middle ping -c1 -W1 "$B4"
	fi || bail "the link did not come back"
	wait_for 10 in_a ping -c1 -W1 "$B4" || bail "no way from A to B after a link failed"
	echo up >&"$commands"
}

# What happens next is a matter of time, not of a condition.
pause() { read -rt "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" -u "$TAP_NEVER" _ || true; }

disturb() {
	local site=$((RANDOM % 2))

	site=$([ $site = 0 ] && echo a || echo b)
	case $((RANDOM % 6)) in
	0 | 1) kill_agent "$site"; pause $((RANDOM % 2000)); start_agent "$site"; kills=$((kills + 1)) ;;
	2) kill_agent a; kill_agent b; pause $((RANDOM % 2000)); start_agent b; start_agent a; kills=$((kills + 2)) ;;
	3 | 4) reload_site "$site"; reloads=$((reloads + 1)) ;;
	5) fail_link "$site"; outages=$((outages + 1)) ;;
	esac
}

declare -A agents
kills=0 reloads=0 outages=0 failed_reloads=0
mkfifo "$WORK/commands"
make_sites
PEER_LINES_A='PersistentKeepalive = 25'
PEER_LINES_B=$PEER_LINES_A
write_agreed_configs
note "SEED=$seed, $packets packets each way, $rate a second, keys for $rekey ms"
ok "up at A" xdpsec_a up --no-agent "$WORK/$NAME_A.conf"
defer xdpsec_a down "$NAME_A"
ok "up at B" xdpsec_b up --no-agent "$WORK/$NAME_B.conf"
defer xdpsec_b down "$NAME_B"
defer end_agents
start_agent a
start_agent b
ok "the sites agree" wait_for 10 in_a ping -c1 -W1 $TUNNEL_B4
# What the devices had to say before there was a key.
drops_a=$(all_drops_a) drops_b=$(all_drops_b)

"$traffic" "$SITE_A" $TUNNEL_A4 "$SITE_B" $TUNNEL_B4 7007 "$rate" "$packets" "$MIDDLE:a" "$MIDDLE:b" \
	<"$WORK/commands" >"$WORK/result" 2> >(sed 's/^/# /' >&2) &
traffic_pid=$!
exec {commands}>"$WORK/commands"
while running "$traffic_pid"; do
	pause $((500 + RANDOM % 3000))
	running "$traffic_pid" && disturb
done
wait "$traffic_pid"
status=$?
exec {commands}>&-
note "$(<"$WORK/result")"
note "agents killed $kills times, $reloads reloads, $outages outages"
is "no packet lost, twice or in clear" "$status" 0
is "all reloads succeed" "$failed_reloads" 0
handshakes=$(xdpsec_a -j status "$NAME_A" 2>/dev/null | jq '[.. | .generation? // empty] | max')
note "generation of the last key: $handshakes"
is "no drops at A since" "$(all_drops_a)" "$drops_a"
is "no drops at B since" "$(all_drops_b)" "$drops_b"
done_testing
