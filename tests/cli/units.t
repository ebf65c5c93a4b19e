#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The systemd units: systemd understands every line of them, and what they leave to a service is as little as before.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

command -v systemd-analyze >/dev/null || skip_all "there is no systemd-analyze"

# As `make install` makes them; the program is where it is.
for unit in xdpsec xdpsec-agree; do
	sed "s|@SBINDIR@|$(dirname "$XDPSEC")|g" "$TOP/dist/$unit@.service.in" >"$WORK/$unit@.service"
done

# verify UNIT: what systemd says of it. It exits with 0 where it has ignored a line.
verify() { systemd-analyze verify --man=no "$WORK/$1@site-a.service" 2>&1; }
# exposure UNIT: a tenth of 0 (none) to 100
exposure() {
	systemd-analyze security --offline=yes --no-pager "$WORK/$1@site-a.service" |
		sed -n 's/.*Overall exposure level for [^:]*: \([0-9]*\)[.]\([0-9]\).*/\1\2/p'
}

for unit in xdpsec xdpsec-agree; do
	prints "$unit@: every line is understood" 0 "" verify $unit
done
# The control.
sed 's/^WatchdogSec=/WatchdogSeconds=/' "$WORK/xdpsec-agree@.service" >"$WORK/xdpsec-wrong@.service"
like "a line that is not is noticed" "$(verify xdpsec-wrong)" "WatchdogSeconds"

if [ -n "$(exposure xdpsec)" ]; then
	ok "xdpsec@: exposure $(exposure xdpsec)" [ "$(exposure xdpsec)" -le 40 ]
	ok "xdpsec-agree@: exposure $(exposure xdpsec-agree)" [ "$(exposure xdpsec-agree)" -le 40 ]
else
	skip "exposure" "this systemd-analyze does not judge files"
fi
done_testing
