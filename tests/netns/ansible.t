#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The role of dist/examples/ansible sets up three sites from a list, each in its namespace; and once more, after a change.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

command -v ansible-playbook >/dev/null || skip_all "needs ansible-playbook"
EXAMPLE=$here/../../../dist/examples/ansible
SITE_C=$ID-c
export ANSIBLE_LOCAL_TEMP=$WORK/local ANSIBLE_HOME=$WORK/home ANSIBLE_RETRY_FILES_ENABLED=0 ANSIBLE_NOCOLOR=1
export LC_ALL=C.UTF-8

make_sites
make_namespace "$SITE_C"
ip -n "$SITE_C" link add eth0 type veth peer name c netns "$MIDDLE" || bail "no veth"
add_address "$MIDDLE" c 192.0.2.249/30
add_address "$SITE_C" eth0 192.0.2.250/30
ip -n "$SITE_C" route add default via 192.0.2.249
# A has the whole of 192.0.2.0/24 on its link.
in_middle sysctl -qw net.ipv4.conf.a.proxy_arp=1

# The modules of a host run in its namespace, by its interpreter.
# host NAME ENDPOINT ADDRESS
host() {
	printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s -- /usr/bin/python3 "$@"\n' "$1" >"$WORK/python-$1"
	chmod +x "$WORK/python-$1"
	mkdir -p "$WORK/state-$1"
	cat <<-END
		    $1:
		      endpoint: $2
		      address: $3/26
		      ansible_python_interpreter: $WORK/python-$1
		      xdpsec_directory: $WORK/$1
		      xdpsec_command: $XDPSEC --state-dir $WORK/state-$1
	END
}
play() {
	timeout $((200 * WAIT_FACTOR)) ansible-playbook -i "$WORK/inventory.yml" -e "ansible_connection=local ansible_remote_tmp=$WORK/remote xdpsec_systemd=false ansible_become=false" \
		"$EXAMPLE/site.yml"
}
down_all() {
	local site

	for site in "$SITE_A" "$SITE_B" "$SITE_C"; do
		[ ! -e "/sys/fs/bpf/xdpsec/$site" ] || "$XDPSEC" -n "$site" down "$site"
	done
}
reaches() { in_ns "$1" ping -c1 -W1 "$2"; }

{
	printf 'xdpsec:\n  hosts:\n'
	host "$SITE_A" $A4 203.0.113.193
	host "$SITE_B" $B4 203.0.113.194
} >"$WORK/inventory.yml"
defer down_all
ok "two sites" play
ok "two sites: A reaches B" wait_for 10 reaches "$SITE_A" 203.0.113.194
ok "nothing changed" play
unlike "nothing changed: nothing is done" "$TAP_OUTPUT" "changed=[1-9]"
host "$SITE_C" 192.0.2.250 203.0.113.195 >>"$WORK/inventory.yml"
ok "a third one" play
ok "a third one: C reaches A" wait_for 10 reaches "$SITE_C" 203.0.113.193
ok "a third one: C reaches B" wait_for 10 reaches "$SITE_C" 203.0.113.194
ok "a third one: A reaches B" wait_for 10 reaches "$SITE_A" 203.0.113.194
is "only root can read the keys" "$(stat -c %a "$WORK"/*/*.key | sort -u)" 600
ok "down" down_all
done_testing
