#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The units of the metrics as systemd runs them: the timer has the file written, with no more capabilities than the unit
# has, and the listener serves it as a user of its own that can do nothing else. `make monitoring` runs it.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"

[ "${MONITORING:-}" ] || skip_all "only by make monitoring"

METRICS=$here/metrics.py
FILE=/run/xdpsec-metrics/xdpsec.prom
at_a() { in_machine "$SITE_A" "$@"; }
unit_text() { sed 's|@SBINDIR@|/usr/local/sbin|g' "$TOP/dist/$1".in; }
capabilities() { unit_text xdpsec-metrics.service | sed -n 's/^CapabilityBoundingSet=//p' | tr 'A-Z ' 'a-z\n' | sed 's/^cap_//'; }
# capability_list [WITHOUT]: as setpriv has it
capability_list() { capabilities | grep -vx "${1:-none}" | sed 's/^/,+/' | tr -d '\n'; }
# run_with CAPABILITIES: the command of the unit with these only
run_with() {
	at_a mkdir -p "${FILE%/*}"
	at_a setpriv --bounding-set "-all$1" --inh-caps=-all --no-new-privs /usr/local/sbin/xdpsec metrics -o "$FILE"
}
has_peer() { at_a grep -q '^xdpsec_peer_state{.*state="alive"} 1' "$FILE"; }
scrape() { at_a curl -sS --max-time 20 http://127.0.0.1:7253/metrics; }
# end PID: unless it has ended with the machine
end() { ! kill -0 "$1" 2>/dev/null || kill "$1"; }
inode() { at_a stat -c %i "$FILE"; }
is_new() { [ "$(inode)" != "$1" ]; }

make_sites
ok "a machine" make_machine "$SITE_A" || bail "no machine"
for name in xdpsec-metrics xdpsec-metrics-http; do
	unit_text $name.service >"$WORK/$SITE_A/units/$name.service"
done
sed 's/^OnUnitActiveSec=.*/OnUnitActiveSec=2/' "$TOP/dist/xdpsec-metrics.timer" >"$WORK/$SITE_A/units/xdpsec-metrics.timer"
write_tunnel_configs
at_a tee /etc/xdpsec/site-a.conf <"$WORK/$NAME_A.conf" >/dev/null

# What systemd says goes to its console, which has to be a terminal.
/usr/bin/python3 -c 'import os, pty, sys
main, terminal = pty.openpty()
print(os.ttyname(terminal), file=open(sys.argv[1], "w"))
while True:
    os.write(1, os.read(main, 65536))' "$WORK/terminal" >"$WORK/console" &
defer end $!
ok "a terminal" wait_for 10 test -s "$WORK/terminal"
echo "mount --bind $(<"$WORK/terminal") /dev/console" >"$WORK/$SITE_A/before-boot"
boot_machine "$SITE_A" || skip_all "$NO_SYSTEMD"
up_b || bail "B is not up"
ok "up" at_a xdpsec up /etc/xdpsec/site-a.conf --new-key
ok "traffic" in_a ping -c1 -W2 "$TUNNEL_B4"

ok "with the unit's capabilities: written" run_with "$(capability_list)"
ok "and complete" has_peer
for capability in $(capabilities | grep -vx sys_ptrace); do
	refuses "without $capability: refused" run_with "$(capability_list "$capability")"
done

# An instance where a container has it: its network namespace has no name, only processes.
at_a unshare --net sh -c 'ip link add eth0 type veth peer name other && ip link set other up && ip link set eth0 up &&
	ip address add 203.0.113.200/24 dev eth0 && echo $$ >/run/container && exec sleep infinity' &
defer end $!
ok "a network namespace without a name" wait_for 10 at_a test -s /run/container
make_key c-to-d
make_key d-to-c
cp "$WORK/c-to-d.key" "$WORK/d-to-c.key" "$WORK/$SITE_A/"
write_config site-c eth0 site-d 203.0.113.201/32 0x1003 "$WORK/$SITE_A/c-to-d.key" 0x1004 "$WORK/$SITE_A/d-to-c.key" |
	at_a tee /etc/xdpsec/site-c.conf >/dev/null
container() { at_a sh -c 'xdpsec -n "/proc/$(cat /run/container)/ns/net" "$@"' sh "$@"; }
ok "up there" container up /etc/xdpsec/site-c.conf --new-key
sees_attached() { at_a grep -qx 'xdpsec_instance_attached{name="site-c"} 1' "$FILE"; }
ok "with the unit's capabilities: written once more" run_with "$(capability_list)"
ok "with what is attached there" sees_attached
is "and without a warning that status does not have" "$(at_a grep 'instance_warnings{name="site-c"}' "$FILE")" \
	"xdpsec_instance_warnings{name=\"site-c\"} $(container status site-c -j | jq '.warnings | length')"
ok "without sys_ptrace: written" run_with "$(capability_list sys_ptrace)"
refuses "but not that" sees_attached
like "XDP is unknown then, and not absent" "$(at_a grep '^xdpsec_instance_info{name="site-c"' "$FILE")" ',xdp="unknown",'
ok "down there" container down site-c
at_a rm "$FILE"

ok "the listener starts the timer" at_a systemctl enable --now xdpsec-metrics-http
ok "the timer has the file written" wait_for 20 has_peer
before=$(inode)
ok "and written anew" wait_for 20 is_new "$before"
ok "the listener answers" wait_for 20 scrape
like "with what is in the file" "$(scrape | "$METRICS" text)" 'xdpsec_instance_up name=site-a 1'
listener=$(at_a systemctl show -P MainPID xdpsec-metrics-http)
is "as a user of its own" "$(at_a ps -o user= -p "$listener" | cut -c1-14)" "xdpsec-metrics"
is "without a capability" "$(at_a awk '/^Cap(Eff|Prm|Bnd)/ { print $2 }' "/proc/$listener/status" | sort -u)" 0000000000000000
sees() { in_machine "$SITE_A" nsenter --target "$listener" --mount ls "$1"; }
refuses "it sees no pins" sees /sys/fs/bpf/xdpsec
refuses "and no keys" sees /etc/xdpsec/site-a.conf
ok "systemctl stop" at_a systemctl stop xdpsec-metrics-http
is "ends it without an error" "$(at_a systemctl show -P Result xdpsec-metrics-http)" success
like "systemd says that the listener has ended" "$(<"$WORK/console")" 'xdpsec-metrics-http[.]service: Deactivated'
is "and not that of what runs four times a minute" "$(grep -c 'xdpsec-metrics[.]service: Deactivated' "$WORK/console")" 0
is "nothing has failed" "$(at_a systemctl list-units --failed --plain --no-legend 'xdpsec*')" ""
ok "down" at_a xdpsec down site-a
nothing_up() { at_a grep -qx 'xdpsec_up 0' "$FILE"; }
ok "down: the file says so" wait_for 20 nothing_up
done_testing
