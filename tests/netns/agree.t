#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent: `up` alone gives a tunnel, over IPv4 and IPv6; what its process has, and what it refuses.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

reaches_b() { in_a ping -c1 -W1 "${1:-$TUNNEL_B4}"; }
reaches_a() { in_b ping -c1 -W1 "${1:-$TUNNEL_A4}"; }
state_a() { status_a .peers[0].agreement.state; }

make_sites
for UNDERLAY in 4 6; do
	UNDERLAY=$UNDERLAY write_agreed_configs
	ok "IPv$UNDERLAY: check" xdpsec_a check "$WORK/$NAME_A.conf"
	ok "IPv$UNDERLAY: up at A" up_a
	refuses "IPv$UNDERLAY: nothing passes while B has no key" reaches_b
	is "IPv$UNDERLAY: and is counted" "$(all_drops_a | sed 's/=.*//')" no_key
	ok "IPv$UNDERLAY: up at B" up_b
	ok "IPv$UNDERLAY: IPv4 in the tunnel" wait_for 3 reaches_b
	ok "IPv$UNDERLAY: IPv6 in the tunnel" reaches_b $TUNNEL_B6
	ok "IPv$UNDERLAY: and back" reaches_a
	is "IPv$UNDERLAY: the keys are agreed on" "$(state_a)" agreed
	[ "$UNDERLAY" = 4 ] || break
	a=$(agent_a) b=$(agent_b)
	ok "down" down
	ok "nothing is left" no_trace
	ok "not A's agent" wait_for 5 is_gone "$a"
	ok "nor B's" wait_for 5 is_gone "$b"
	refuses "nor its status file" [ -e "/run/xdpsec/$NAME_A.agent" ]
done

# ---- the process -----------------------------------------------------------------------------------------

agent=$(agent_a)
status=$(<"/proc/$agent/status")
for field in CapInh CapPrm CapEff CapBnd CapAmb; do
	like "$field is empty" "$status" "$field:[[:space:]]0000000000000000"$'\n'
done
like "no new privileges" "$status" "NoNewPrivs:[[:space:]]1"
like "seccomp" "$status" "Seccomp:[[:space:]]2"
unlike "not root" "$status" "Uid:([[:space:]][0-9]*)*[[:space:]]0[[:space:]]"
like "no groups" "$status" "Groups:[[:space:]]*"$'\n'
like "no core" "$(grep "core file" "/proc/$agent/limits")" "core file size +1 +1 "
is "its memory is root's" "$(stat -c %u "/proc/$agent/mem")" 0
is "its command line has no key" "$(tr '\0' ' ' <"/proc/$agent/cmdline")" "xdpsec agree --background $NAME_A "
# Where nobody listens at /dev/log, its log is a file.
log=$(status_a .agent.log)
is "its descriptors" "$(descriptor_names "$agent")" "$(sed 's/^\t*//; /^1 syslog/d' <<-END
	3 /dev/null
	1 $(sed "s|$ID|ID|" <<<"$log")
	1 /sys/fs/bpf/xdpsec/ID-a
	1 WORK/state-a/ID-a.clock
	2 anon_inode:[eventpoll]
	1 anon_inode:[signalfd]
	2 anon_inode:[timerfd]
	$(agent_objects)
	1 socket udp 7253
	$([ "$log" != syslog ] || echo 1 socket unix)
END
)"

# ---- what is refused -------------------------------------------------------------------------------------

fails "a second agent" "an agent is running already: process $agent
hint: ps -fp $agent" xdpsec_a agree "$NAME_A"
is "the first goes on" "$(agent_a)" "$agent"
fails "an instance that is not up" "$ID-none: is not up" xdpsec_a agree "$ID-none"
fails "in another namespace" "is up in another network namespace.*
hint: xdpsec -n $SITE_A agree $NAME_A" xdpsec_b agree "$NAME_A"
fails "rekey of one that is not up" "$ID-none: is not up" xdpsec_a rekey "$ID-none"

kill -9 "$agent"
ok "killed: traffic goes on" reaches_b
fails "rekey without an agent" "no agent is running.*
hint: .*agree $NAME_A" xdpsec_a rekey "$NAME_A"
start "$SITE_A" "$WORK/socket" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("192.0.2.1", 7253)); time.sleep(1000)'
other=$STARTED
ok "another process takes the port" wait_for 5 listening "$SITE_A" 7253
fails "the port is in use" "UDP port 7253 .ListenPort.: process $other .python3. has it, and the key agreement needs it
hint: ps -fp $other; or set another ListenPort" xdpsec_a agree --background "$NAME_A"
stop "$other"
mv "$WORK/a.private" "$WORK/a.away"
fails "the private key is not there" "PrivateKeyFile" xdpsec_a agree "$NAME_A"
mv "$WORK/a.away" "$WORK/a.private"
cp "$WORK/$NAME_A.conf" "$WORK/before.conf"
sed -i "s|^PublicKey = .*|PublicKey = $("$XDPSEC" genkey | "$XDPSEC" pubkey)|" "$WORK/$NAME_A.conf"
fails "the peer's key in the file is another one" "peer site-b has changed in .*
hint: .* reload $NAME_A" xdpsec_a agree "$NAME_A"
cp "$WORK/before.conf" "$WORK/$NAME_A.conf"
mv "$WORK/state-a" "$WORK/state-away"
: >"$WORK/state-a"
fails "the state directory cannot be written" "state-a/$NAME_A.clock: cannot write it.*
hint: " xdpsec_a agree "$NAME_A"
rm "$WORK/state-a"
mv "$WORK/state-away" "$WORK/state-a"
ok "traffic goes on" reaches_b
ok "a new agent" env XDPSEC_AGREE="clock=-1790000000" "$XDPSEC" -n "$SITE_A" agree --background "$NAME_A"
like "a clock that was never set: a warning" "$TAP_OUTPUT" "the clock says a time before 2020.*
hint: "
ok "and keys" wait_for 5 xdpsec_a rekey "$NAME_A"
ok "traffic goes on, after a reboot without a clock as well" wait_for 5 reaches_b

# ---- rekey, reload ---------------------------------------------------------------------------------------

before=$(status_a .peers[0].tx.spi)
ok "rekey" xdpsec_a rekey "$NAME_A"
ok "it works" wait_for 5 reaches_b
isnt() { [ "$(status_a .peers[0].tx.spi)" != "$1" ]; }
ok "with another SA" isnt "$before"
agent=$(agent_a)
ok "reload" xdpsec_a reload "$NAME_A"
ok "it works" reaches_b
ok "with another agent" [ "$(agent_a)" != "$agent" ]
ok "reload, for a supervisor" xdpsec_a reload --no-agent "$NAME_A"
refuses "there is none" agent_a
ok "and it works" reaches_b
start "$SITE_A" "$WORK/agent" "$XDPSEC" agree "$NAME_A"
ok "one in the foreground" wait_for 5 agent_a
is "is that process" "$(agent_a)" "$STARTED"
ok "which says how it is" wait_for 5 grep -q "^xdpsec: $NAME_A: agrees on keys with 1 peer, at UDP port 7253" "$WORK/agent.err"
ok "down" xdpsec_a down "$NAME_A"
wait "$STARTED"
is "ends it with its own exit code" $? 7
ok "up --no-agent" up_a --no-agent
refuses "there is none" agent_a
ok "down" down
ok "nothing is left" no_trace

# ---- a reload that is killed when its agent has ended ----------------------------------------------------

# traced_reload OPTION...: without the agent that it starts
traced_reload() {
	strace -qq -o "$WORK/trace" -e trace=bpf,?fork,?vfork,?clone,?clone3 "$@" \
		"$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" reload "$NAME_A"
}
killed_reload() { ! (traced_reload -e inject=bpf:signal=SIGKILL:when="$number") 2>/dev/null; }
ok "up at both" up
ok "keys" wait_for 10 reaches_b
if traced_reload >"$WORK/said" 2>&1; then
	# The last write before the agent is started tells it that it may stay.
	number=$(awk '/^bpf\(/ { n++; if (/BPF_MAP_UPDATE_ELEM/) update = n }
		/^(v?fork|clone)/ { last = update }
		END { print last }' "$WORK/trace")
	ok "reload is killed at bpf call $number" killed_reload
	refuses "there is no agent" agent_a
	ok "reload again" xdpsec_a reload "$NAME_A"
	ok "it works" wait_for 5 reaches_b
	ok "reload is killed once more" killed_reload
else
	skip "reload is killed" "$(tail -n 1 "$WORK/said")"
fi
ok "down" down
ok "nothing is left" no_trace

# ---- manual keys only ------------------------------------------------------------------------------------

write_tunnel_configs
ok "an instance with manual keys" up_a --new-key
refuses "has no agent" agent_a
fails "and needs none" "no peer has a PublicKey" xdpsec_a agree "$NAME_A"
ok "down" down
ok "nothing is left" no_trace
done_testing
