#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What agree_load.t shows of a tunnel, in inline mode, where the payloads of the load itself are sealed in place. Without
# AGREE_REKEYS the keys change few times and over IPv6 only, and two agents at once are left out: agree_peers.t has them in
# a tunnel.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"
# shellcheck source=tests/netns/lib/two_agents.sh
. "$here/two_agents.sh"

REKEYS=2 RATE=200
# shellcheck source=tests/netns/lib/agree_load.sh
. "$here/agree_load.sh"

seals() { [ "$(status_a .peers[0].agreement.state) $(status_b .peers[0].agreement.state)" = "agreed agreed" ]; }

make_sites
try_netem
# Both ask, both at once; a network that is bad needs a second.
[ -z "$NO_NETEM" ] && rekey=1000 || rekey=400
export XDPSEC_AGREE="rekey=$rekey grace=1500"
for UNDERLAY in ${AGREE_REKEYS:+4} 6; do
	LOAD_A=A$UNDERLAY LOAD_B=B$UNDERLAY
	LOAD_A=${!LOAD_A} LOAD_B=${!LOAD_B}
	write_agreed_inline_configs
	ok "IPv$UNDERLAY: up" up || bail "not up"
	ok "IPv$UNDERLAY: keys" wait_for 5 seals || bail "no keys"
	rekeys_under_load
	[ "$UNDERLAY" = 4 ] || break
	ok "down" down
done
agents_die "$([ -n "${AGREE_REKEYS:-}" ] && echo 3 || echo 1)"
[ -z "${AGREE_REKEYS:-}" ] || TWO_PORT=5201 TWO_SOURCE=$A6 two_agents "$B6"
ok "down" down
ok "nothing is left" no_trace
done_testing
