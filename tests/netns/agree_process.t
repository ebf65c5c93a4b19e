#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The three processes of an agent, its own, the resolver and the resolver's keeper: exactly what rights and descriptors
# they have, also with preshared keys and names; what somebody can do who has these descriptors; and that none of them
# leaves a core.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
secrets() { "$here/agent_secrets.py" "$@"; }
user=$(id -u xdpsec 2>/dev/null || id -u nobody) group=$(id -g xdpsec 2>/dev/null || id -g nobody)

# rights PID: what it may do, one line each
rights() {
	awk -F '\t' -v OFS=' ' '{ $1 = $1; gsub(" +$", "") }
		/^(Uid|Gid|Groups|Threads|Cap...|NoNewPrivs|Seccomp|Seccomp_filters):/' "/proc/$1/status"
	awk '/^Max core file size/ { print "core:", $5, $6 }' "/proc/$1/limits"
	echo "memory of: $(stat -c %u "/proc/$1/mem")"
}

# expected_rights FILTERS
expected_rights() {
	local none=0000000000000000

	printf '%s\n' "Uid: $user $user $user $user" "Gid: $group $group $group $group" "Groups:" "Threads: 1" \
		"CapInh: $none" "CapPrm: $none" "CapEff: $none" "CapBnd: $none" "CapAmb: $none" \
		"NoNewPrivs: 1" "Seccomp: 2" "Seccomp_filters: $1" "core: ${2:-1 1}" "memory of: 0"
}

# For python3 -c: a command whose core dump, if the kernel makes one, is in the directory, and what became of it.
ABORTS='import os, resource, sys
os.chdir(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
status = os.waitpid(os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:]), 0)[1]
print("signal", os.WTERMSIG(status), "core" if os.WCOREDUMP(status) else "no core", len(os.listdir(sys.argv[1])))'

make_sites
agreed_keys
make_keys
(umask 077 && "$XDPSEC" genpsk >"$WORK/psk") || bail "genpsk failed"
printf '127.0.0.1 localhost\n%s site-b.example.net\n' "$B4" >"$WORK/hosts"
PEER_LINES_A="PresharedKeyFile = $WORK/psk" PEER_LINES_B="PresharedKeyFile = $WORK/psk" \
	ENDPOINT_B=site-b.example.net:7253 ENDPOINT_A="" write_agreed_configs
write_tunnel_peer manual 198.51.100.9:7253 203.0.113.200/32 \
	0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" >>"$WORK/$NAME_A.conf"
ok "up, with an agreed peer and a manual one" up_a --no-agent --new-key
ok "up at B" up_b
start "$SITE_A" "$WORK/agent" unshare -m sh -c "mount --bind $WORK/hosts /etc/hosts && exec $XDPSEC agree $NAME_A"
ok "keys" wait_for 10 reaches_b
agent=$(agent_a)
keeper=$(pgrep -P "$agent" xdpsec-keeper)
resolver=$(pgrep -P "$keeper" xdpsec-resolver)

# ---- rights and descriptors ----------------------------------------------------------------------------------

is "the agent's rights" "$(rights "$agent")" "$(expected_rights 1)"
is "the keeper's" "$(rights "$keeper")" "$(expected_rights 1)"
is "the resolver's" "$(rights "$resolver")" "$(expected_rights 2)"
is "the agent's descriptors" "$(descriptor_names "$agent")" "$(sed 's/^\t*//' <<-END
	1 /dev/null
	1 /sys/fs/bpf/xdpsec/ID-a
	1 WORK
	1 WORK/agent
	1 WORK/agent.err
	1 WORK/psk
	1 WORK/state-a/ID-a.clock
	2 anon_inode:[eventpoll]
	1 anon_inode:[signalfd]
	2 anon_inode:[timerfd]
	$(agent_objects)
	1 socket udp 7253
	1 socket unix seqpacket
END
)"
for process in "$keeper" "$resolver"; do
	is "descriptors of $(<"/proc/$process/comm")" "$(descriptor_names "$process")" "3 /dev/null
1 socket unix seqpacket"
	is "and it has no key" "$(secrets places "$process" "$WORK/a.private" "$WORK/psk")" ""
done
like "the agent has one" "$(secrets places "$agent" "$WORK/a.private")" "a.private, first half: 1 in memory for secrets"

# ---- somebody who has the agent's descriptors ----------------------------------------------------------------

is "with its descriptors nothing can be done to a manual peer, and no map changes; to an agreed one it can" \
	"$("$here/taken_over.py" "$NAME_A" "$agent" 1 0x1002 0)" "10 maps, 9 programs, attempts: many
with an agreed peer: agree_endpoint agree_erase agree_keepalive agree_unlink
then have changed: agreements deadlines endpoints peers replay_windows sas sequences spis"

# ---- cores ---------------------------------------------------------------------------------------------------

stop "$agent"
mkdir "$WORK/cores"
start "$SITE_A" "$WORK/aborted" python3 -c "$ABORTS" "$WORK/cores" sleep 1000
wait_for 5 pgrep -P "$STARTED" -x sleep
kill -ABRT "$(pgrep -P "$STARTED" -x sleep)"
wait "$STARTED"
if [[ $(<"$WORK/aborted") == "signal 6 core "* ]]; then
	rm -f "$WORK"/cores/*
	start "$SITE_A" "$WORK/aborted" python3 -c "$ABORTS" "$WORK/cores" "$XDPSEC" agree "$NAME_A"
	aborting=$STARTED
	wait_for 10 has_agent "$NAME_A" || bail "no agent"
	set_limit() { prlimit --pid "$(agent_a)" --core=unlimited:unlimited; }
	like "the agent has set its limit" "$(wait_for 5 grep -q "agrees on keys" "$WORK/aborted.err"; rights "$(agent_a)")" "core: 1 1"
	if setpriv --dump | grep -q "Capability bounding set:.*sys_resource"; then
		ok "root takes the limit away" set_limit
	else
		skip "root takes the limit away" "this root has no CAP_SYS_RESOURCE"
	fi
	kill -ABRT "$(agent_a)"
	wait "$aborting"
	is "there is no core even so" "$(<"$WORK/aborted")" "signal 6 no core 0"
else
	skip "no core" "this machine dumps none: $(</proc/sys/kernel/core_pattern)"
fi
ok "down" down
ok "nothing is left" no_trace
done_testing
