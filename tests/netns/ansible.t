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
		"$@" "$EXAMPLE/site.yml"
}
# peers SITE: their names
peers() { "$XDPSEC" -n "$1" status -j "$1" 2>/dev/null | jq -r '.peers[].name' | sort | paste -sd' '; }
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
ok "check mode, before anything is there" play --check --diff
is "check mode: nothing is made" "$(ls "$WORK/$SITE_A" 2>/dev/null)" ""
ok "two sites" play
ok "two sites: A reaches B" wait_for 10 reaches "$SITE_A" 203.0.113.194
ok "nothing changed" play
unlike "nothing changed: nothing is done" "$TAP_OUTPUT" "changed=[1-9]"
host "$SITE_C" 192.0.2.250 203.0.113.195 >>"$WORK/inventory.yml"
ok "a third one" play
ok "a third one: C reaches A" wait_for 10 reaches "$SITE_C" 203.0.113.193
ok "a third one: C reaches B" wait_for 10 reaches "$SITE_C" 203.0.113.194
ok "a third one: A reaches B" wait_for 10 reaches "$SITE_A" 203.0.113.194

# A run that fails before the reload is made up for by the next one.
sed -i 's|address: 203.0.113.195/26|&\n      networks: [203.0.113.128/27]|' "$WORK/inventory.yml"
chmod 0644 "$WORK/$SITE_A/$SITE_A.key"
refuses "a network at C, and a key at A that others can read" play
like "it says so" "$TAP_OUTPUT" "$SITE_A.key: permissions 0644 are too open"
chmod 0600 "$WORK/$SITE_A/$SITE_A.key"
ok "a network at C" play
like "a network at C: A has a route to it" "$(ip -n "$SITE_A" route show 203.0.113.128/27)" "dev xs0"

# Over IPv6, inside as well, for which the tunnels are made anew; and a name with dots, of which an instance can have none.
ok "down, for other addresses" down_all
sed -i -e "s|endpoint: $A4|endpoint: $A6|; s|endpoint: $B4|endpoint: $B6|" \
	-e 's|address: 203.0.113.194/26|address: 2001:db8:f::b/64|; s|address: 203.0.113.193/26|address: 2001:db8:f::a/64|' \
	-e '/endpoint: 192.0.2.250/d' -e "s|^    $SITE_B:|    $SITE_B.example.org:\n      xdpsec_name: $SITE_B|" "$WORK/inventory.yml"
ok "over IPv6, and C without an endpoint" play
is "the peer's name has its dots" "$(peers "$SITE_A")" "$SITE_B.example.org $SITE_C"
ok "over IPv6: A reaches B" wait_for 10 reaches "$SITE_A" 2001:db8:f::b
ok "with these names nothing changed" play
unlike "with these names nothing changed: nothing is done" "$TAP_OUTPUT" "changed=[1-9]"

is "only root can read the keys" "$(stat -c %a "$WORK"/*/*.key | sort -u)" 600

# Who is no longer in the list is no peer any more.
sed -i "/^    $SITE_B.example.org:/,/^    $SITE_C:/{/^    $SITE_C:/!d}" "$WORK/inventory.yml"
ok "B is removed" play
is "B is removed: A has only C" "$(peers "$SITE_A")" "$SITE_C"
is "an instance's name has no dots" "$(printf 'xdpsec:\n  hosts:\n    gw1.site-a.example.org:\n' >"$WORK/names.yml" &&
	ansible all -i "$WORK/names.yml" -c local -e "@$EXAMPLE/roles/xdpsec/defaults/main.yml" -m debug -a 'msg={{ xdpsec_name }}' |
	sed -n 's/.*"msg": "\(.*\)"/\1/p')" "gw1-site-a-example-org"
ok "down" down_all
done_testing
