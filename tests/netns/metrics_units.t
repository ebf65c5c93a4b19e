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

boot_machine "$SITE_A" || skip_all "$NO_SYSTEMD"
up_b || bail "B is not up"
ok "up" at_a xdpsec up /etc/xdpsec/site-a.conf --new-key
ok "traffic" in_a ping -c1 -W2 "$TUNNEL_B4"

ok "with the unit's capabilities: written" run_with "$(capability_list)"
ok "and complete" has_peer
for capability in $(capabilities); do
	refuses "without $capability: refused" run_with "$(capability_list "$capability")"
done
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
is "nothing has failed" "$(at_a systemctl list-units --failed --plain --no-legend 'xdpsec*')" ""
ok "down" at_a xdpsec down site-a
nothing_up() { at_a grep -qx 'xdpsec_up 0' "$FILE"; }
ok "down: the file says so" wait_for 20 nothing_up
done_testing
