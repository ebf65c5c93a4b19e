#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The log of an agent in the background: to syslog, and where there is none, as in a container, to a file that `up` and
# `status` name.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

LOG=/run/xdpsec/$NAME_A.log
# A /dev of its own, in which /dev/log is what the test makes of it.
with_own_dev() {
	unshare -m -- bash -c '
		mount -t tmpfs none /dev
		for device in null,3 zero,5 urandom,9; do mknod -m 666 "/dev/${device%,*}" c 1 "${device#*,}"; done
		ln -s /proc/self/fd /dev/fd
		eval "$1"' bash "$1"
}
# A server of syslog that ends after a while, with what it has read in $WORK/syslog.
SERVER='import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("/dev/log"); os.chmod("/dev/log", 0o666); s.settimeout(120)
print("ready", flush=True)
while True:
    line = s.recv(4096).decode()
    print(line, flush=True)
    if "ends" in line: sys.exit()'
says() { grep -qE "$1" "$2"; }

make_sites
write_agreed_configs

# ---- no syslog ---------------------------------------------------------------------------------------------

up_without() { with_own_dev "$XDPSEC -n $SITE_A --state-dir $WORK/state-a up $WORK/$NAME_A.conf"; }
ok "no syslog: up" up_without
defer down_a
like "no syslog: up says where the log is" "$TAP_OUTPUT" "no syslog here .*: the agent's log is $LOG"
unlike "no syslog: that is no warning" "$TAP_OUTPUT" "warning: no syslog"
is "no syslog: only root can read it" "$(stat -c '%a %u' "$LOG")" "600 0"
ok "no syslog: it has lines" wait_for 5 says "^[0-9-]+T[0-9:]+Z xdpsec\[$(agent_a)\]: $NAME_A: agrees on keys with 1 peer" "$LOG"
is "no syslog: status says where" "$(status_a .agent.log)" "$LOG"
ok "no syslog: rekey" xdpsec_a rekey "$NAME_A"
ok "no syslog: a line for it" wait_for 5 says "asked to: new keys for all peers" "$LOG"
refuses "no syslog: nothing keeps the standard error of up" \
	sh -c "readlink /proc/$(agent_a)/fd/2 | grep -v '^/dev/null'"
truncate -s 1048577 "$LOG"
ok "no syslog: the file is full: rekey" xdpsec_a rekey "$NAME_A"
ok "no syslog: the file is begun anew" wait_for 5 says "^begun anew, as it was full" "$LOG"
ok "no syslog: and goes on" wait_for 5 says "asked to: new keys for all peers" "$LOG"
ok "no syslog: a second agent" eval 'kill -9 "$(agent_a)"; wait_for 5 no_agent "$NAME_A"; with_own_dev "$XDPSEC -n $SITE_A agree --background $NAME_A"'
ok "no syslog: adds to the file" wait_for 5 says "agrees on keys with" "$LOG"
ok "no syslog: what was there stays" says "asked to: new keys" "$LOG"
ok "no syslog: down" down
refuses "no syslog: nothing is left" ls "/run/xdpsec/$NAME_A".*

# ---- syslog ------------------------------------------------------------------------------------------------

up_with() {
	with_own_dev "python3 -c '$SERVER' >$WORK/syslog & for i in \$(seq 600); do grep -qs ready $WORK/syslog && break; read -rt 0.1 <> <(:); done
		$XDPSEC -n $SITE_A --state-dir $WORK/state-a up $WORK/$NAME_A.conf"
}
ok "syslog: up" up_with
unlike "syslog: no word of it" "$TAP_OUTPUT" "syslog"
ok "syslog: it has lines" wait_for 5 says "xdpsec\[$(agent_a)\]: $NAME_A: agrees on keys with 1 peer" "$WORK/syslog"
is "syslog: status says so" "$(status_a .agent.log)" syslog
refuses "syslog: there is no file" [ -e "$LOG" ]
ok "syslog: down" down
ok "syslog: the end is logged" wait_for 5 says "the instance is taken down: ends" "$WORK/syslog"
done_testing
