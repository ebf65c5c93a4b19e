#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fast path of gateways without a firewall: what hosts send arrives intact, sealed on the wire, past the stack of both
# gateways. `make fast` has the rest: fast_refused.t, fast_ordinary.t, fast_leaks.t, and with a firewall fast_flowtable.t.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/lans.sh
. "$here/lans.sh"

make_gateways
gateways_up
fast_way "IPv4" 4
fast_way "IPv6" 6

# A fast path that is not taken loses no packet: `diagnose` names it behind every fault that does.
diagnose_a() { xdpsec_a diagnose "$NAME_A" "$@"; }
checked_a() { diagnose_a -j | jq -r --arg check "$1" '.findings[] | select(.check == $check) | "\(.result): \(.text)"'; }
is "diagnose: flows can take the fast path" "$(checked_a flows)" "ok: they can take the fast path"
in_ns "$HOST" ethtool -K eth0 gro off >/dev/null
ok "a host without NAPI" in_ns "$HOST" ping -c1 -W5 $HOST_B4
refuses "not a card any more: diagnose finds it" diagnose_a
like "at the end, with a command" "$(tail -n2 <<<"$TAP_OUTPUT")" \
	"^wrong +flows: fast path: inside takes no redirected frames.*hint: .*reload $NAME_A, which mends it or says what to do"
like "and says that packets arrive" "$TAP_OUTPUT" "ok +site-b: inner route"
ok "that command" xdpsec_a reload "$NAME_A"
like "says what to do" "$TAP_OUTPUT" "inside takes no redirected frames.*hint: ethtool -K PEER gro on"
ip -n "$SITE_A" route del 198.18.0.0/25 dev xs0
like "a lost route is named instead" "$(diagnose_a | grep ^wrong)" "^wrong +site-b: inner route: [^"$'\n'"]*$"
in_ns "$HOST" ethtool -K eth0 gro on >/dev/null
ok "reload, with a card again" xdpsec_a reload "$NAME_A"
unlike "which has nothing more to say of it" "$TAP_OUTPUT" "FastPath"

fast_ends
done_testing
