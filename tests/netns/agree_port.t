#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent's UDP port, which somebody else has: `check`, `up` and `reload` say who, and nothing changes.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

CONF=$WORK/$NAME_A.conf
OTHER=$WORK/$ID-o.conf
down_other() { [ ! -e "/sys/fs/bpf/xdpsec/$ID-o" ] || xdpsec_a down "$ID-o"; }
# both_say NAME REGEX FILE: check and up refuse with it
both_say() {
	fails "$1: check" "$2" xdpsec_a check "$3"
	fails "$1: up" "$2" xdpsec_a up "$3"
	refuses "$1: nothing is left of it" ls "/run/xdpsec/$(basename "$3" .conf)."* "/sys/fs/bpf/xdpsec/$(basename "$3" .conf)"
}
# bind ADDRESS: a process of A has it; TAKEN is the process
bind() {
	start "$SITE_A" "$WORK/socket" python3 -c 'import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM); s.bind((sys.argv[1], 7253)); time.sleep(1000)' "$1"
	TAKEN=$STARTED
	wait_for 5 listening "$SITE_A" 7253 || bail "nothing listens"
}

make_sites
write_agreed_configs
# The same peer, inline.
cat >"$OTHER" <<END
[Interface]
Device = eth0
PrivateKeyFile = $WORK/a.private

[Peer]
Name = site-b
PublicKey = $(<"$WORK/b.public")
Address = 198.51.100.77/32
Ports = 4789
END

for address in "$A6" 0.0.0.0 ::; do
	bind "$address"
	fails "$address is bound" "process $TAKEN .python3. has it" xdpsec_a check "$CONF"
	stop "$TAKEN"
done
bind "$A4"
both_say "$A4 is bound" "UDP port 7253 .ListenPort.: process $TAKEN .python3. has it, and the key agreement needs it
hint: ps -fp $TAKEN; or set another ListenPort, at both ends" "$CONF"
ok "nothing at all is left" no_trace
both_say "inline" "process $TAKEN .python3. has it" "$OTHER"
stop "$TAKEN"
ok "and when it has ended: check" xdpsec_a check "$CONF"

# ---- another instance of ours ----------------------------------------------------------------------------

ok "up" up_a
defer down_other
both_say "an agent of ours" "ListenPort: 7253: the agent of the instance $NAME_A needs it already, on all addresses
hint: set ListenPort = 7254, and the same at the peers; or xdpsec -n $SITE_A down $NAME_A" "$OTHER"
ok "of one that is up: check" xdpsec_a check "$CONF"
agent=$(agent_a)
kill -9 "$agent"
ok "the agent is killed" wait_for 5 is_gone "$agent"
both_say "its agent does not run now" "the agent of the instance $NAME_A needs it already" "$OTHER"
bind "$A4"
fails "another process has taken the port: check of one that is up" "process $TAKEN .python3. has it" xdpsec_a check "$CONF"
fails "another process has taken the port: reload" "process $TAKEN .python3. has it" xdpsec_a reload "$NAME_A"
stop "$TAKEN"
ok "and when it has ended: reload" xdpsec_a reload "$NAME_A"
ok "an agent" wait_for 5 has_agent "$NAME_A"
sed -i 's/^PrivateKeyFile/ListenPort = 7254\n&/' "$OTHER"
ok "another port" xdpsec_a up "$OTHER"
ok "down" eval "down_other && down"
done_testing
