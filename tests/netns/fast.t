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

fast_ends
done_testing
