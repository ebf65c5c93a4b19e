#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The systemd unit: its command lines with no more than its capabilities, and then as systemd runs them, with a boot.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"

CONFIG=/etc/xdpsec/site-a.conf
at_a() { in_machine "$SITE_A" "$@"; }
instance() { at_a xdpsec status site-a -j | jq -r "$1"; }
has_instance() { at_a test -e /sys/fs/bpf/xdpsec/site-a; }
is_down() { ! has_instance && ! ip -n "$SITE_A" link show xs0; }
service() { at_a systemctl show -P "$1" xdpsec@site-a; }
reaches_b() { in_a ping -c1 -W2 $TUNNEL_B4; }

# write_site_a [MORE-LINES-OF-PEER]: as the other tests have it, where the unit looks for it.
write_site_a() {
	PEER_LINES=${1:-} write_tunnel_configs
	at_a tee $CONFIG <"$WORK/$NAME_A.conf" >/dev/null
}

# A first start by hand, as every key needs it.
first_start() { at_a xdpsec up $CONFIG --new-key; }

# new_keys: which have no state, here or at B.
new_keys() {
	rm -f "$WORK"/*.key
	make_keys
}

# command_line KEY: that of the unit, as a shell takes it.
command_line() {
	unit | sed -e ':join' -e '/\\$/{N; s/\\\n/ /; b join' -e '}' | sed -n "s/^$1=//p" | sed 's/%i/site-a/g'
}

# run_line KEY CAPABILITIES: a command line of the unit with these only.
run_line() {
	local words

	eval "words=($(command_line "$1"))"
	[ "${#words[@]}" -gt 0 ] || return 126
	# shellcheck disable=SC2154 # set by eval
	at_a setpriv --bounding-set "-all$2" --inh-caps=-all --no-new-privs "${words[@]}"
}

capabilities() { unit | sed -n 's/^CapabilityBoundingSet=//p' | tr 'A-Z ' 'a-z\n' | sed 's/^cap_//'; }

# capability_list [WITHOUT]: as setpriv has it
capability_list() { capabilities | grep -vx "${1:-none}" | sed 's/^/,+/' | tr -d '\n'; }

# As after a power cut, but for the network, which is not the machine's own here.
cut_power() {
	halt_machine "$SITE_A"
	ip -n "$SITE_A" link del dev xs0
	ip -n "$SITE_A" link set dev eth0 xdp off
}

# The device goes and comes, as with a driver that is loaded again.
replace_device() {
	ip -n "$SITE_A" link del dev eth0
	ip -n "$SITE_A" link add eth0 type veth peer name a netns "$MIDDLE" || return 1
	add_address "$MIDDLE" a 192.0.2.254/24
	add_address "$SITE_A" eth0 $A4/24
	ip -n "$SITE_A" route add default via 192.0.2.254
}

make_sites
ok "a machine" make_machine "$SITE_A" || bail "no machine"
write_site_a
up_b || bail "B is not up"

# ---- the file ----------------------------------------------------------------------------------------

verify() { at_a systemd-analyze verify --man=no --recursive-errors=no "$1" 2>&1; }
if at_a systemd-analyze --version >/dev/null 2>&1; then
	is "systemd-analyze has nothing against the unit" "$(verify /lib/systemd/system/xdpsec@.service)" ""
	unit | sed 's/^StateDirectory=/StateDirectories=/' >"$WORK/$SITE_A/units/wrong@.service"
	like "but would have" "$(verify /lib/systemd/system/wrong@.service)" "StateDirectories"
	rm "$WORK/$SITE_A/units/wrong@.service"
else
	skip "the unit, verified" "no systemd-analyze"
fi

# ---- capabilities ------------------------------------------------------------------------------------

like "the unit has few capabilities" "$(capabilities | paste -sd' ')" "^bpf net_admin sys_admin dac_read_search$"
# Only a preshared key of another program needs the last one (agree_service.t).
needed() { capabilities | grep -vx dac_read_search; }
all=$(capability_list)
refuses "a key that may have been used is refused" run_line ExecStart "$all"
like "with the way out" "$TAP_OUTPUT" "--new-key"
ok "the first start is by hand" first_start
started=$(instance .started)
ok "all of them: start, where it is up" run_line ExecStart "$all"
is "it is the one from before" "$(instance .started)" "$started"
ok "all of them: stop" run_line ExecStop "$all"
ok "it is down" is_down
ok "all of them: start" run_line ExecStart "$all"
ok "and it works" reaches_b
write_site_a "PersistentKeepalive = 7"
ok "all of them: reload" run_line ExecReload "$all"
is "has read the file" "$(instance '.peers[0].keepalive')" 7
for capability in $(needed); do
	refuses "without $capability: no reload" run_line ExecReload "$(capability_list "$capability")"
	like "which says so" "$TAP_OUTPUT" "CAP_${capability^^} is missing"
	refuses "without $capability: no stop" run_line ExecStop "$(capability_list "$capability")"
done
ok "stop again" run_line ExecStop "$all"
for capability in $(needed); do
	refuses "without $capability: no start" run_line ExecStart "$(capability_list "$capability")"
	ok "and nothing is left" is_down
done

# ---- as systemd runs it ------------------------------------------------------------------------------

if ! boot_machine "$SITE_A"; then
	skip "the unit, started by systemd" "$NO_SYSTEMD"
	done_testing
	exit
fi
down_b
new_keys
write_site_a
up_b --new-key || bail "B is not up"
ok "it is not started where it is not enabled" is_down
refuses "new keys: systemd does not start it" at_a systemctl start xdpsec@site-a
is "it has failed" "$(service ActiveState)" failed
ok "nothing is left" is_down
ok "the first start is by hand" first_start
started=$(instance .started)
ok "enable --now" at_a systemctl enable --now xdpsec@site-a
is "active" "$(service ActiveState)" active
is "what was up is the same" "$(instance .started)" "$started"
ok "it works" reaches_b
write_site_a "PersistentKeepalive = 9"
ok "systemctl reload" at_a systemctl reload xdpsec@site-a
is "has read the file" "$(instance '.peers[0].keepalive')" 9
is "the state directory is for root alone" "$(at_a stat -c '%u %a' /var/lib/xdpsec)" "0 700"
ok "systemctl stop" at_a systemctl stop xdpsec@site-a
ok "it is down" is_down
refuses "and B cannot be reached" reaches_b
ok "systemctl start" at_a systemctl start xdpsec@site-a
ok "it works again" reaches_b

# A boot: keys with state, numbers that go on, and nobody who starts anything.
sequence=$(instance '.peers[0].tx.sequence')
ok "power off" cut_power
refuses "off: B cannot be reached" reaches_b
ok "power on" boot_machine "$SITE_A"
is "it was started" "$(service ActiveState)" active
ok "it works" reaches_b
ok "its numbers go on" [ "$(instance '.peers[0].tx.sequence')" -gt "$sequence" ]
ready=$(service ActiveEnterTimestampMonotonic)
network=$(at_a systemctl show -P ActiveEnterTimestampMonotonic network-pre.target)
ok "before network-pre.target" [ "$ready" -gt 0 -a "$network" -ge "$ready" ]

# So that the network may be configured later than that.
ok "power off" cut_power
ip -n "$SITE_A" address flush dev eth0
ip -n "$SITE_A" link set dev eth0 down
ok "power on, without a network" boot_machine "$SITE_A"
is "it was started" "$(service ActiveState)" active
refuses "B cannot be reached" reaches_b
add_address "$SITE_A" eth0 $A4/24
ip -n "$SITE_A" route add default via 192.0.2.254
ok "with an address and a route it works" reaches_b

# The device was there, and is another one.
ok "stop" at_a systemctl stop xdpsec@site-a
ok "up by hand" at_a xdpsec up $CONFIG
ok "the device is replaced" replace_device
is "by hand: it is not attached any more" "$(instance .attached)" false
ok "systemctl start" at_a systemctl start xdpsec@site-a
ok "has made it anew" reaches_b
ok "the device is replaced again" replace_device
refuses "a reload does not help" at_a systemctl reload xdpsec@site-a
ok "but restart does" at_a systemctl restart xdpsec@site-a
ok "it works" reaches_b

# After a start that was killed, the next start removes what is left.
ok "stop" at_a systemctl stop xdpsec@site-a
at_a strace -f -o /dev/null -e trace=bpf -e inject=bpf:signal=SIGKILL:when=300 xdpsec up $CONFIG >/dev/null 2>&1
ok "a killed start leaves something" at_a test -e /sys/fs/bpf/xdpsec/_site-a
ok "systemctl start" at_a systemctl start xdpsec@site-a
refuses "nothing of it is left" at_a test -e /sys/fs/bpf/xdpsec/_site-a
ok "it works" reaches_b

# A mistake in the file is no reason to go down.
write_site_a "PersistentKeepalive = often"
refuses "a mistake: reload fails" at_a systemctl reload xdpsec@site-a
is "it stays active" "$(service ActiveState)" active
ok "and works" reaches_b
ok "stop" at_a systemctl stop xdpsec@site-a
refuses "a mistake: start fails" at_a systemctl start xdpsec@site-a
ok "nothing is left" is_down

# Inline mode, which has other devices and sysctls to make.
down_b
new_keys
write_configs
at_a tee $CONFIG <"$WORK/$NAME_A.conf" >/dev/null
up_b --new-key || bail "B is not up"
ok "inline: the first start is by hand" first_start
ok "inline: down" at_a xdpsec down site-a
ip -n "$SITE_A" address flush dev eth0
ip -n "$SITE_A" link set dev eth0 down
ok "inline: systemctl start, without a network" at_a systemctl start xdpsec@site-a
add_address "$SITE_A" eth0 $A4/24
ip -n "$SITE_A" route add default via 192.0.2.254
is "inline: attached" "$(instance '.attached, .warnings')" $'true\n[]'
start_echo "$SITE_B" $B4 5201
ok "inline: a datagram and its echo" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"
is "inline: sealed and opened" "$(instance '.peers[0] | [.tx.packets, .rx.packets] | tostring')" "[1,1]"
ok "inline: systemctl stop" at_a systemctl stop xdpsec@site-a
refuses "inline: it is down" has_instance
is "no drops at B" "$(all_drops_b | sed -E 's/ ?stray=[0-9]+//')" ""
done_testing
