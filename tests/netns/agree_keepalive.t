#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A peer that gets data and has none to send answers with a keepalive, without PersistentKeepalive: it is not taken for
# dead.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

NOBODY=203.0.115.1
# counts SITE: packets that it has sealed and opened
counts() { "status_$1" '.peers[0] | "\(.tx.packets) \(.rx.packets)"'; }
counts_are() { [ "$(counts "$1")" = "$2" ]; }
far() { ip -n "$SITE_B" -j link show | jq -r '.[].ifname | select(startswith("xst"))'; }
# The peers for which B's far end is woken.
woken() { ip -n "$SITE_B" -j neigh show dev "$(far)" nud all | jq -r '[.[] | select(has("managed")) | .dst] | join(" ")'; }

make_sites
ALLOWED_A=203.0.115.0/24 write_agreed_configs
ok "up" up
ok "they agree" wait_for 10 agreed_a
is "B's far end is woken for A" "$(woken)" 169.254.16.0
is "no data yet" "$(counts a), $(counts b)" "0 0, 0 0"
refuses "A sends, and nobody answers" in_a ping -c1 -W1 "$NOBODY"
is "B opens it, and sends nothing" "$(counts b)" "0 1"
# 10 seconds, the agent's second, and the kernel's five.
ok "B answers with a keepalive" wait_for 20 counts_are b "1 1"
is "which A opens" "$(counts a)" "1 1"
is "and the peer is alive" "$(status_a .peers[0].state)" alive

ip -n "$SITE_B" neigh del 169.254.16.0 dev "$(far)"
is "somebody deletes the neighbour" "$(woken)" ""
ok "reload" xdpsec_b reload "$NAME_B"
is "reload has it again" "$(woken)" 169.254.16.0
ok "down" down
ok "nothing is left" no_trace
done_testing
