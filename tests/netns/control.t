#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inline mode, every port protected: messages of the key agreement leave in clear from the agent's own socket, and nothing
# else does: not from another socket on that port, not forwarded, not in another shape or from or to another port.
#
# The agent is a socket of this test, whose cookie is written to where an agent's would be.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$(dirname "$0")/lib/agree.sh"

CONTROL=$(dirname "$0")/lib/control.py
PORT=7253

# One marker for what may leave, one for everything else.
marker() { od -An -tx1 -N16 /dev/urandom | tr -d ' \n'; }
AGENT_MARKER=$(marker) OTHER_MARKER=$(marker)

little_endian() { printf "%016x\n" "$1" | fold -w2 | tac | tr '\n' ' '; }

# set_cookie COOKIE: as agree_listen() does; the owner stays
set_cookie() {
	local map=/sys/fs/bpf/xdpsec/$NAME_A/maps/instance_owner

	# shellcheck disable=SC2046
	bpftool map update pinned "$map" key hex 0 0 0 0 value hex 1 0 0 0 0 0 0 0 $(little_endian "$1") 11 0 0 0 0 0 0 0
}

write_config_a() {
	cat <<-END
		[Interface]
		Device = eth0
		ListenPort = $PORT
		PrivateKeyFile = $WORK/a.private

		[Peer]
		Name = site-b
		PublicKey = $(<"$WORK/b.public")
		Endpoint = $B4:$PORT
		Address = $B4, $B6
		Ports = all
	END
}

# Have the agent's socket send its messages
agent_sends() {
	echo >&"${AGENT[1]}"
	read -r -t 10 line <&"${AGENT[0]}" && [ "$line" = sent ]
}

# agent_socket ADDRESS ARGUMENTS...: AGENT are its pipes, COOKIE its cookie
agent_socket() {
	coproc AGENT { in_a "$CONTROL" "$PORT" "$1" "$AGENT_MARKER" --wait "${@:2}"; }
	read -r -t 10 COOKIE <&"${AGENT[0]}" || bail "no cookie"
}
agent_socket_ends() {
	local input=${AGENT[1]}

	exec {input}>&-
	wait "$AGENT_PID"
}

# What else sends to ADDRESS with the other marker.
others_send() {
	in_a "$CONTROL" "$PORT" "$1" "$OTHER_MARKER" && in_a "$CONTROL" "$PORT" "$1" "$OTHER_MARKER" --others &&
		in_a "$CONTROL" "$PORT" "$1" "$OTHER_MARKER" --to-port $((PORT + 1)) &&
		in_a "$CONTROL" $((PORT + 1)) "$1" "$OTHER_MARKER" --to-port "$PORT"
}
forwarded() { in_ns "$HOST" "$CONTROL" "$PORT" "$1" "$OTHER_MARKER"; }

make_sites
make_host
agreed_keys
mkdir -p "$WORK/state-a"
write_config_a >"$WORK/$NAME_A.conf"

# ---- the control: without an instance everything leaves -------------------------------------------------

capture_start clear a "udp"
ok "down: messages are sent" others_send $B4
ok "down: and forwarded" forwarded $B4
capture_stop clear
ok "down: the search finds them" leaks clear "$OTHER_MARKER"

ok "up, without an agent" xdpsec_a up "$WORK/$NAME_A.conf" --no-agent
defer down_a

for to in "$B4" "$B6"; do
	agent_socket "$to"
	capture_start "none-$COOKIE" a "udp"
	ok "$to: no agent yet: the socket sends" agent_sends
	ok "$to: others send" others_send "$to"
	capture_stop "none-$COOKIE"
	fails_to_leak=$(leaks "none-$COOKIE" "$AGENT_MARKER" || leaks "none-$COOKIE" "$OTHER_MARKER" || echo none)
	is "$to: nothing leaves" "$fails_to_leak" none

	set_cookie "$COOKIE"
	capture_start "agent-$COOKIE" a "udp"
	ok "$to: the agent's socket sends" agent_sends
	ok "$to: others send" others_send "$to"
	ok "$to: others are forwarded" forwarded "$to"
	capture_stop "agent-$COOKIE"
	is "$to: five messages leave" "$(udp_of "agent-$COOKIE" length)" 5
	ok "$to: they are the agent's" leaks "agent-$COOKIE" "$AGENT_MARKER"
	is "$to: nothing else leaves" "$(leaks "agent-$COOKIE" "$OTHER_MARKER" || echo none)" none
	agent_socket_ends

	# Not even the agent may send anything but messages, nor to another port.
	agent_socket "$to" --others
	set_cookie "$COOKIE"
	capture_start "shape-$COOKIE" a "udp"
	ok "$to: the agent's socket sends what is no message" agent_sends
	capture_stop "shape-$COOKIE"
	is "$to: none of it leaves" "$(udp_of "shape-$COOKIE" length)" 0
	agent_socket_ends
	agent_socket "$to" --to-port $((PORT + 1))
	set_cookie "$COOKIE"
	capture_start "port-$COOKIE" a "udp"
	ok "$to: the agent's socket sends to another port" agent_sends
	capture_stop "port-$COOKIE"
	is "$to: none of it leaves" "$(udp_of "port-$COOKIE" length)" 0
	agent_socket_ends
done

like "they were dropped for want of a key" "$(drops_a no_key)" '^[1-9]'

done_testing
