#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keys change under load, and no packet is lost: over a network that delays, reorders and doubles, with both ends asking
# at once; when an agent is killed, started anew or replaced; when both are dead, until their keys expire. AGREE_REKEYS
# says how many times the keys change (10); lib/agree_load.sh has more.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

REKEYS=10 RATE=1000
# shellcheck source=tests/netns/lib/agree_load.sh
. "$here/agree_load.sh"
reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
pings_until_expired() { ! reaches_b && [ "$(drops_a expired)" -gt "$1" ]; }

# Both agents ask each second, both at once.
export XDPSEC_AGREE="rekey=1000 grace=1500"
LOAD_A=$TUNNEL_A4 LOAD_B=$TUNNEL_B4
make_sites
try_netem
for UNDERLAY in 4 6; do
	write_agreed_configs
	ok "IPv$UNDERLAY: up" up || bail "not up"
	ok "IPv$UNDERLAY: keys" wait_for 5 reaches_b
	rekeys_under_load
	[ "$UNDERLAY" = 4 ] || break
	ok "down" down
done
agents_die 3

# ---- no agent at all -------------------------------------------------------------------------------------

# Keys that are valid for so many seconds.
export XDPSEC_AGREE="rekey=60000 grace=2000 reject=6"
ok "down" down
ok "up, with keys for a short time" up
ok "keys" wait_for 5 reaches_b
kill -9 "$(agent_a)" "$(agent_b)"
ok "both agents are dead: traffic goes on" reaches_b
dropped=$(drops_a expired)
ok "until the keys are over: expired" wait_for 20 pings_until_expired "$dropped"
refuses "then nothing passes" reaches_b
like "which status says" "$(xdpsec_a status "$NAME_A")" "expired"
unset XDPSEC_AGREE
new_agent a "$NAME_A"
new_agent b "$NAME_B"
started=$SECONDS
ok "both are back: so is the traffic" wait_for 2 reaches_b
ok "within two seconds" [ $((SECONDS - started)) -le 2 ]

# ---- a reboot --------------------------------------------------------------------------------------------

# B loses everything, and asks as soon as it is up: one round trip.
ok "B goes down" down_b
refuses "nothing passes" reaches_b
ok "B comes back" up_b
started=$SECONDS
ok "it works" wait_for 2 reaches_b
# One round trip; SECONDS may have been about to change.
ok "at once" [ $((SECONDS - started)) -le 2 ]
seen_restart() { [ "$(status_a .peers[0].agreement.restarts)" = 1 ]; }
ok "A has seen the restart" wait_for 5 seen_restart
# The same, with a clock that has gone back by a day.
ok "B goes down" down_b
export XDPSEC_AGREE="clock=-86400"
ok "B comes back, a day earlier" up_b
unset XDPSEC_AGREE
ok "it works" wait_for 2 reaches_b
has_asked() { [ "$(status_b .peers[0].agreement.role)" = initiator ]; }
ok "B has asked" wait_for 5 has_asked
ok "down" down
ok "nothing is left" no_trace
done_testing
