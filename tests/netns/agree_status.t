#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `status` says of the key agreement: of keys in use, of a peer that does not answer, and of an agent that is gone.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/sites.sh
. "$here/sites.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

has_state() { [ "$(status_a .peers[0].agreement.state)" = "$1" ]; }
says() { grep -qE "$1" <<<"$(xdpsec_a status "$NAME_A")"; }

make_sites
agreed_keys
write_agreed_configs

# Nobody answers A.
ok "A is up" up_a
ok "it asks" wait_for 5 has_state asking
ok "and says so, with the attempts" wait_for 10 says 'state: asking \(attempt [2-9]'
ok "no handshake yet" says 'latest handshake: never'
is "nor in JSON" "$(status_a '.peers[0].agreement | [.handshake, .age, .expires, .suite, .role] | tostring')" "[null,null,null,null,null]"
ok "after some attempts that is a warning" wait_for 40 says 'warning: site-b: no answer to [0-9]+ attempts'

ok "B is up" up_b
ok "keys are agreed on" wait_for 10 has_state agreed
# The maps are at once what they are; the agent writes its file every second.
ok "which the agent's file says as well" wait_for 5 says 'key agreement: initiations_sent [0-9]+, .*handshakes 1'
xdpsec_a status "$NAME_A" >"$WORK/said"
like "the public key of A" "$(sed -n '1,/^peer/p' "$WORK/said")" "public key: $(sed 's/+/[+]/g' "$WORK/a.public")"
like "that of B" "$(sed -n '/^peer/,$p' "$WORK/said")" "public key: $(sed 's/+/[+]/g' "$WORK/b.public")"
like "how long ago, and by whom" "$(<"$WORK/said")" 'latest handshake: [0-9]+ seconds? ago, by (us|the peer)'
like "age, suite and expiry" "$(<"$WORK/said")" 'key age: [0-9]+ seconds?.*suite: aes-128-ocb.*expires in: 8 minutes, [0-9]+ second'
like "the agent" "$(<"$WORK/said")" 'agent: process [0-9]+, user (xdpsec|nobody), log: (syslog|/run/xdpsec/.*[.]log)'
is "JSON: both ends name the same initiator" \
	"$(for site in a b; do status_$site '.peers[0].agreement.role'; done | sort | paste -sd' ')" "initiator responder"
is "JSON: nothing is refused" "$(status_a '.peers[0].agreement | [.refused, .attempts] | tostring')" "[null,0]"
ok "JSON: the time of the handshake" \
	[ "$(status_a '.peers[0].agreement.handshake | now - . < 60')" = true ]
ok "nothing is wrong" xdpsec_a status "$NAME_A"
for secret in a b; do
	unlike "no private key of $secret is shown" "$(xdpsec_a status "$NAME_A"; xdpsec_a status "$NAME_A" -j)" "$(sed 's/+/[+]/g' "$WORK/$secret.private")"
done

agent=$(status_a .agent.pid)
kill -KILL "$agent"
is_dead() { [ "$(status_a .agent.running)" = false ]; }
ok "the agent is gone" wait_for 5 is_dead
refuses "which status says by its exit code" xdpsec_a status "$NAME_A"
ok "and by a warning" says 'warning: no agent is running: no new keys are agreed on'
ok "the keys in use are shown all the same" says 'state: agreed'

# A peer that is left alone, with keys that are valid for so many seconds.
ok "down" down
export XDPSEC_AGREE="rekey=60000 grace=2000 reject=6"
TUNNEL_ADDRESSES_A=$TUNNEL_A4/25 TUNNEL_ADDRESSES_B=$TUNNEL_B4/25 ALLOWED_A=$TUNNEL_B4/32 ALLOWED_B=$TUNNEL_A4/32 \
	INTERFACE_LINES='Idle = silent' write_agreed_configs
ok "up, with Idle = silent" up
# Routers are not asked for.
for site in a b; do
	in_$site sysctl -qw net.ipv6.conf.xs0.disable_ipv6=1
done
has_traffic() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
ok "traffic brings a key" wait_for 10 has_traffic
is_expired() { [ "$(status_a '.peers[0].agreement.state')" = expired ]; }
ok "silence lets it expire" wait_for 20 is_expired
ok "which is no fault" xdpsec_a status "$NAME_A"
is "and no warning" "$(status_a '.warnings | length')" 0
kill -KILL "$(status_a .agent.pid)"
ok "without an agent" wait_for 5 is_dead
ok "it is one" says 'warning: site-b: its key has expired, and no other was agreed on'
unset XDPSEC_AGREE
done_testing
