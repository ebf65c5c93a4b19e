#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Under load: several CPUs at once, and a reload while packets flow. What is sent arrives, all of it.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/load_tests.sh
. "$here/load_tests.sh"

make_sites
write_configs
ok "up" up || bail "not up"

load_flows $B4 $B6
is "A sealed them all" "$(status_a '.peers[0].tx.packets')" 16000
is "B opened them all" "$(status_b '.peers[0].rx.packets')" 16000
is "no drops at A" "$(all_drops_a)" ""
is "no drops at B" "$(all_drops_b)" ""

# Peers come and go at both ends while the first one's packets flow.
make_key 3
make_key 4
load_variants write_config unused unused site-c "192.0.2.3/32" 0x3001 "$WORK/3.key" 0x3002 "$WORK/4.key"
load_reloads $B4
ok "down" down
ok "nothing is left" no_trace
done_testing
