#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An agent with FwMark: its own packets and its questions to the name server are routed by the mark, past the default
# route that leads into the tunnel. Nothing else reaches the name server before there are keys.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

HOST='site-b.example.net'
# A name server: each name has B's address of IPv4, and none of IPv6.
SERVER='import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 53))
while True:
    question, client = s.recvfrom(1024)
    end = question.index(0, 12) + 5
    a = question[end - 4:end - 2] == b"\0\1"
    answer = question[:2] + b"\x85\0\0\1" + struct.pack(">H", a) + bytes(4) + question[12:end]
    if a: answer += b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton(sys.argv[1])
    s.sendto(answer, client)'
# ask MARK: the same question as the resolver has
ask() {
	in_a python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(sys.argv[2]))
s.settimeout(1); s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\6site-b\7example\3net\0\0\1\0\1", (sys.argv[1], 53)); s.recv(1024)' "$B4" "$1"
}
reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
says_a() { grep -q -- "$1" "$WORK/agent-a.err"; }
# start_agent: with the name server B, in a file of its own
start_agent() {
	printf 'nameserver %s\noptions timeout:1 attempts:1\n' "$B4" >"$WORK/resolv.conf"
	echo 'hosts: files dns' >"$WORK/nsswitch.conf"
	start "$SITE_A" "$WORK/agent-a" unshare -m sh -c "mount --bind $WORK/resolv.conf \$(realpath -m /etc/resolv.conf) &&
		mount --bind $WORK/nsswitch.conf /etc/nsswitch.conf && exec $XDPSEC agree $NAME_A"
	wait_for 30 has_agent "$NAME_A" || bail "no agent"
}
set_allowed() { sed -i "s|^AllowedIPs = .*|AllowedIPs = $1|" "$WORK/$NAME_A.conf"; }

make_sites
ENDPOINT_B=$HOST:7253 ENDPOINT_A="" write_agreed_configs
start "$SITE_B" "$WORK/server" python3 -c "$SERVER" "$B4"
ok "a name server" wait_for 5 listening "$SITE_B" 53

# ---- in the background -------------------------------------------------------------------------------------

# Reading its output to the end must not wait for the agent's processes.
ok "background: up, and its output is read to the end" timeout 120 bash -c \
	'said=$("$@" 2>&1)' bash "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" up "$WORK/$NAME_A.conf"
defer down_a
resolvers=$(pgrep -P "$(pgrep -P "$(agent_a)" xdpsec-keeper)")
ok "background: there is a resolver" [ -n "$resolvers" ]
ok "background: down" down_a
ok "background: it ends with its agent" wait_for 5 is_gone "$resolvers"

# ---- a default route into the tunnel -----------------------------------------------------------------------

set_allowed "0.0.0.0/0, $TUNNEL_B6/128"
ok "default route: up" up_a --no-agent
refuses "default route: a question without the mark gets lost" ask 0
ok "default route: one with it does not" ask 51820
ok "default route: up at B" up_b
start_agent
ok "default route: the name is found, and B answers" wait_for 10 reaches_b
agent=$(agent_a)
keeper=$(pgrep -P "$agent" xdpsec-keeper)
resolver=$(pgrep -P "$keeper" xdpsec-resolver)
is "default route: the keeper can set marks, and nothing else" \
	"$(awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' "/proc/$keeper/status" | paste -sd' ')" \
	"0000000000001000 0000000000001000 0000000000000000"
is "default route: the resolver can do nothing" "$(awk '/^Cap/ { print $2 }' "/proc/$resolver/status" | sort -u)" "0000000000000000"
kill -9 "$resolver"
ok "default route: the resolver is killed" wait_for 5 says_a "the resolver's process has died (signal 9): it is started again"
kill -9 "$agent"
ok "default route: the agent is killed: its keeper ends" wait_for 10 is_gone "$keeper"
refuses "default route: and so has the resolver" pgrep -P "$keeper"
ok "default route: down" down

# ---- a mark of one's own -----------------------------------------------------------------------------------

# Only the table of the mark leads to B.
ip -n "$SITE_A" route del default
ip -n "$SITE_A" route add default via 192.0.2.254 table 77
sed -i "s/^ListenPort/FwMark = 0x77\n&/" "$WORK/$NAME_A.conf"
set_allowed "$TUNNEL_B4/32, $TUNNEL_B6/128"
ok "own mark: up" up_a --no-agent
ok "own mark: up at B" up_b
start_agent
refuses "own mark: without a rule B is not reached" reaches_b
ip -n "$SITE_A" rule add fwmark 0x77 lookup 77
ok "own mark: with it the name is found, and B answers" wait_for 15 reaches_b
ok "own mark: down" down
done_testing
