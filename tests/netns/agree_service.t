#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xdpsec-agree@ as systemd runs it: an instance has its agent wherever its peers are written, and none where all keys are
# manual.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"

PLACE=/etc/xdpsec CONFIG=/etc/xdpsec/site-a.conf
at_a() { in_machine "$SITE_A" "$@"; }
agent() { at_a systemctl show -P "$1" xdpsec-agree@site-a; }
agent_is() { [ "$(agent ActiveState)" = "$1" ]; }
reaches_b() { in_a ping -c1 -W1 $TUNNEL_B4; }
# put FILE: standard input becomes that file of the machine, for root alone.
put() { at_a sh -c 'umask 077 && mkdir -p "${1%/*}" && cat >"$1"' sh "$1"; }

make_sites
ok "a machine" make_machine "$SITE_A" || bail "no machine"
boot_machine "$SITE_A" || skip_all "$NO_SYSTEMD"
agreed_keys
write_agreed_configs
up_b || bail "B is not up"
put $PLACE/a.private <"$WORK/a.private"
sed -i "s|$WORK/a.private|$PLACE/a.private|" "$WORK/$NAME_A.conf"

# ---- where the peers are -----------------------------------------------------------------------------

put $CONFIG <"$WORK/$NAME_A.conf"
ok "a peer in the file: start" at_a systemctl start xdpsec@site-a
ok "its agent runs" wait_for 10 agent_is active
ok "B can be reached" wait_for 10 reaches_b
ok "stop" at_a systemctl stop xdpsec@site-a
ok "its agent has ended" wait_for 10 agent_is inactive

sed '/^\[Peer\]/,$d; s|^Device|Include = peers.d/*.conf\n&|' "$WORK/$NAME_A.conf" | put $CONFIG
sed -n '/^\[Peer\]/,$p' "$WORK/$NAME_A.conf" | put $PLACE/peers.d/site-b.conf
ok "all peers in files of Include: start" at_a systemctl start xdpsec@site-a
ok "all peers in files of Include: its agent runs" wait_for 10 agent_is active
ok "all peers in files of Include: B can be reached" wait_for 10 reaches_b
ok "stop again" at_a systemctl stop xdpsec@site-a

at_a rm $PLACE/peers.d/site-b.conf
ok "no peer yet: start" at_a systemctl start xdpsec@site-a
ok "no peer yet: its agent runs" wait_for 10 agent_is active
sed -n '/^\[Peer\]/,$p' "$WORK/$NAME_A.conf" | put $PLACE/peers.d/site-b.conf
ok "the first peer comes: reload" at_a xdpsec reload site-a
ok "the first peer comes: B can be reached" wait_for 10 reaches_b
ok "stop once more" at_a systemctl stop xdpsec@site-a

# ---- manual keys -------------------------------------------------------------------------------------

make_keys
write_tunnel_configs
put $CONFIG <"$WORK/$NAME_A.conf"
ok "manual keys: the first start is by hand" at_a xdpsec up $CONFIG --new-key
ok "manual keys: start" at_a systemctl start xdpsec@site-a
ok "manual keys: there is no agent" wait_for 5 agent_is inactive
ok "manual keys: nor has one failed" [ "$(agent Result)" != exit-code ]

# ---- the preshared key of another program ----------------------------------------------------------------

down_b
at_a systemctl stop xdpsec@site-a
"$XDPSEC" genpsk | (umask 077 && cat >"$WORK/psk")
PEER_LINES_A="PresharedKeyFile = /var/lib/rosenpass/psk" PEER_LINES_B="PresharedKeyFile = $WORK/psk" write_agreed_configs
sed "s|$WORK/a.private|$PLACE/a.private|" "$WORK/$NAME_A.conf" | put $CONFIG
put /var/lib/rosenpass/psk <"$WORK/psk"
at_a sh -c 'chown -R 12345:12345 /var/lib/rosenpass && chmod 0750 /var/lib/rosenpass'
ok "preshared key of another owner: up at B" up_b
ok "preshared key of another owner: start" at_a systemctl start xdpsec@site-a
ok "preshared key of another owner: its agent runs" wait_for 10 agent_is active
ok "preshared key of another owner: B can be reached" wait_for 10 reaches_b
ok "preshared key of another owner: reload" at_a systemctl reload xdpsec@site-a
ok "end" at_a systemctl stop xdpsec@site-a
down_b
done_testing
