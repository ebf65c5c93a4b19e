#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Include: a peer is added by a file and `reload`, and removed likewise, while others have traffic.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/sites.sh
. "$here/sites.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

CONF=$WORK/$NAME_A.conf PEERS=$WORK/peers.d
peers() { status_a '[.peers[].name] | join(" ")'; }
agreed() { [ "$(status_a '.peers[] | select(.name == "site-b").agreement.state')" = agreed ]; }
reload_a() { xdpsec_a reload "$NAME_A"; }

make_sites
agreed_keys
write_agreed_configs
mkdir -m 700 "$PEERS"
# What is behind the first [Peer] becomes a file of its own.
sed -n '/^\[Peer\]/,$p' "$CONF" >"$WORK/site-b.conf"
sed -i '/^\[Peer\]/,$d; s|^Device|Include = peers.d/*.conf\n&|' "$CONF"

ok "check without any peer" xdpsec_a check "$CONF"
like "says that nothing is included" "$TAP_OUTPUT" \
	"warning: $CONF:2: Include: $PEERS/[*][.]conf: no file matches it"$'\n'"hint: .*\`xdpsec -n $SITE_A reload $NAME_A\`"
ok "up without any peer" up_a || bail "not up"
is "there is none" "$(peers)" ""
ok "B is up" up_b || bail "B is not up"

cp "$WORK/site-b.conf" "$PEERS/10-site-b.conf"
ok "check with a file" xdpsec_a check "$CONF"
like "says which peer is from it" "$TAP_OUTPUT" "$CONF: valid: .* 1 peer, 2 prefixes"$'\n'"$PEERS/10-site-b.conf: included: site-b$"
is "check: the same in JSON" "$(xdpsec_a check -j "$CONF" 2>/dev/null | jq -c '[.valid, [.peers[] | .name, .file, .line], .errors]')" \
	"[true,[\"site-b\",\"$PEERS/10-site-b.conf\",1],[]]"
ok "a first peer" reload_a
is "it is there" "$(peers)" "site-b"
ok "keys are agreed on" wait_for 10 agreed
ok "traffic" wait_for 5 in_a ping -c 1 -W 1 "$TUNNEL_B4"

start "$SITE_A" "$WORK/ping" ping -i 0.01 "$TUNNEL_B4"
ping=$STARTED
{
	printf '[Peer]\nName = site-c\nPublicKey = %s\nAllowedIPs = 203.0.113.200/32\n' "$("$XDPSEC" genkey | "$XDPSEC" pubkey)"
	printf '[Peer]\nName = site-d\nPublicKey = %s\nAllowedIPs = 203.0.113.201/32\n' "$("$XDPSEC" genkey | "$XDPSEC" pubkey)"
} >"$PEERS/05-others.conf"
ok "check with another file" xdpsec_a check "$CONF"
like "says which peers are from it" "$TAP_OUTPUT" "$PEERS/05-others.conf: included: site-c, site-d"$'\n'"$PEERS/10-site-b.conf: included: site-b$"
ok "two more peers, while there is traffic" reload_a
is "all are there" "$(peers | tr ' ' '\n' | sort | paste -sd' ')" "site-b site-c site-d"
ok "a route leads to one" [ -n "$(ip -n "$SITE_A" route show 203.0.113.200 dev xs0)" ]
printf '[Peer]\nName = broken\n' >"$PEERS/99-broken.conf"
fails "a file with a mistake" "$PEERS/99-broken.conf:1: \\[Peer\\]: AllowedIPs is missing" reload_a
is "a file with a mistake: nothing has changed" "$(peers | wc -w)" 3
rm "$PEERS/99-broken.conf" "$PEERS/05-others.conf"
ok "their file is removed, while there is traffic" reload_a
is "they are gone" "$(peers)" "site-b"
is "and their routes" "$(ip -n "$SITE_A" route show 203.0.113.200 dev xs0)" ""
kill -INT "$ping"
wait_for 3 grep -q 'packet loss' "$WORK/ping" || true
stop "$ping"
like "no packet of the others was lost" "$(grep 'packet loss' "$WORK/ping")" '^[0-9]{2,} packets transmitted, .* 0% packet loss'
rm "$PEERS/10-site-b.conf"
ok "the last peer's file is removed" reload_a
is "no peer is left" "$(peers)" ""
refuses "its traffic is not sent in clear" in_a ping -c 1 -W 0.3 "$TUNNEL_B4"
ok "down" down
ok "nothing is left" no_trace
done_testing
