#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No key seals at two places, none serves two directions, and none comes back from a backup: what `up`, `reload` and
# `check` say of keys that were, or are, in use elsewhere.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

OTHER=$ID-o
OTHER_CONF=$WORK/$OTHER.conf
make_sites
write_configs
keep
defer down_anyhow
defer down_other
make_key c
make_key d
# A second underlay of site A.
ip -n "$SITE_A" link add eth1 type veth peer name far1 || bail "no veth"
ip -n "$SITE_A" link set dev eth1 up

down_other() { [ ! -e "/sys/fs/bpf/xdpsec/$OTHER" ] || xdpsec_a down "$OTHER"; }

# other_config TX-KEY RX-KEY [DEVICE]: a second instance, with these keys
other_config() {
	write_config "$OTHER" "${3:-eth1}" site-c 203.0.113.200/32 0x3001 "$WORK/$1.key" 0x3002 "$WORK/$2.key" >"$OTHER_CONF"
}
up_other() { xdpsec_a up "$OTHER_CONF" "$@"; }
check_other() { xdpsec_a check "$OTHER_CONF"; }

# keys_of CONF TX-KEY RX-KEY
keys_of() {
	sed -i -e "s|^TxKeyFile = .*|TxKeyFile = $WORK/$2.key|" -e "s|^RxKeyFile = .*|RxKeyFile = $WORK/$3.key|" "$1"
}
keys_in_use() { status_a '.peers[0] | "\(.tx.key) \(.rx.key)"'; }
send_5() { for _ in 1 2 3 4 5; do packets "$SITE_A" roundtrip $B4 5201 --size 100 || return 1; done; }
start_echo "$SITE_B" $B4 5201

# ---- one key, two directions -------------------------------------------------------------------------

ok "up" up_plain --new-key || bail "not up"
ok "up at B" up_b || bail "not up"
ok "a few packets" send_5
before=$(keys_in_use)
keys_of "$CONF" b-to-a a-to-b
fails "reload with the keys swapped, the other end on this machine" \
	"TxKeyFile: the same key as TxKeyFile of peer site-a of the instance $NAME_B, which is up" reload_a --new-key
ok "down at B" down_b
fails "reload with the keys swapped" "peer site-b: TxKeyFile: this key was used for receiving .*hint: make new keys for both sites" \
	reload_a --new-key
is "reload with the keys swapped: nothing has changed" "$(keys_in_use)" "$before"
restore
keys_of "$CONF" a-to-b c
ok "reload with another key to receive with" reload_a
keys_of "$CONF" b-to-a c
fails "reload with what it received with before" "TxKeyFile: this key was used for receiving" reload_a --new-key
keys_of "$CONF" d c
ok "reload with a key that is new" reload_a --new-key
keys_of "$CONF" d a-to-b
fails "reload with what it sealed with before" "RxKeyFile: this key was used for sealing .*hint: make new keys" reload_a
ok "down" down_plain
for site in a b; do
	sent=a-to-b received=b-to-a
	[ $site = a ] || sent=b-to-a received=a-to-b
	config="$WORK/$ID-$site.conf"
	write_configs
	keys_of "$config" $received $sent
	fails "up with the keys swapped, at $site" "TxKeyFile: this key was used for receiving" \
		"xdpsec_$site" up "$config" --new-key
	refuses "up with the keys swapped, at $site: no trace" test -e "/sys/fs/bpf/xdpsec/$ID-$site"
done
write_configs
ok "as they were: up" up_plain
ok "as they were: down" down_plain
other_config b-to-a c
fails "what another instance received with" "TxKeyFile: this key was used for receiving" up_other --new-key
other_config c a-to-b
fails "what another instance sealed with" "(Rx|Tx)KeyFile: this key was used for (sealing|receiving)" up_other --new-key
other_config a-to-b d
fails "a key to seal with, the other one known to seal" "RxKeyFile: this key was used for sealing" up_other
other_config a-to-b b-to-a
ok "both as before, in another instance" up_other
like "its numbers go on" "$(xdpsec_a status "$OTHER" -j | jq '.peers[0].tx.sequence')" "^[1-9]"
ok "down" xdpsec_a down "$OTHER"

# Killed before it could write anything down at the end.
make_key e
make_key f
keys_of "$CONF" e f
ok "up with new keys" up_plain --new-key
ip -n "$SITE_A" link set dev eth0 xdp off
rm -r "$INSTANCE" # what a reboot does
ip -n "$SITE_A" link del dev "$(ip -n "$SITE_A" -o link show 2>/dev/null | sed -n 's/^[0-9]*: \(xsh[0-9]*a\)@.*/\1/p')"
keys_of "$CONF" f e
fails "after a crash: what it received with" "TxKeyFile: this key was used for receiving" up_plain --new-key
restore

# ---- one key, two instances --------------------------------------------------------------------------

ok "up" up_plain || bail "not up"
other_config d b-to-a
shared="$OTHER.conf:[0-9]+: RxKeyFile: the same key as RxKeyFile of peer site-b of the instance $NAME_A, which is up: packets that one has accepted could be replayed to the other"
fails "one key to receive with" "$shared.*hint: .*xdpsec genkey.*down $NAME_A" up_other --new-key
fails "check says it, too" "$shared" check_other
rm -rf "$WORK/state-o"
fails "also with another state directory" "$shared" \
	"$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-o" up "$OTHER_CONF" --new-key
other_config d b-to-a eth0
make_namespace "$ID-elsewhere"
ip -n "$ID-elsewhere" link add eth0 type veth peer name far
fails "also in another namespace" "$shared" \
	"$XDPSEC" -n "$ID-elsewhere" --state-dir "$WORK/state-o" up "$OTHER_CONF" --new-key
make_key g
other_config a-to-b g
fails "one key to seal with" "TxKeyFile: the same key as TxKeyFile of peer site-b of the instance $NAME_A, which is up: sequence numbers would be used twice" \
	up_other --new-key
other_config b-to-a g
fails "one key to seal and to receive with, in one namespace" \
	"TxKeyFile: the same key as RxKeyFile of peer site-b of the instance $NAME_A, which is up: sequence numbers would be used twice" \
	"$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-o" up "$OTHER_CONF" --new-key
ok "nothing of these is left" sh -c "! ls /sys/fs/bpf/xdpsec | grep '$OTHER'"
ok "the two ends of a tunnel on one machine" up_b
ok "and they reach each other" send_5
ok "down" down_b
make_key h
other_config g h
ok "keys of its own" up_other --new-key
other_config g b-to-a
fails "reload with the other's key" "$shared" xdpsec_a reload "$OTHER"
like "reload with the other's key: its own stays" "$(xdpsec_a status "$OTHER" -j | jq '.peers | length')" "^1$"
ok "down" down_plain
ok "when the other is down, it may have it" xdpsec_a reload "$OTHER"
fails "and then the first may not" "RxKeyFile: the same key as RxKeyFile of peer site-c of the instance $OTHER" up_plain
# An instance that was killed half-way may still be attached, and open packets.
mv "/sys/fs/bpf/xdpsec/$OTHER" "/sys/fs/bpf/xdpsec/_$OTHER"
fails "nor when the other was killed half-way" "of the instance $OTHER.*hint: .*down $OTHER" up_plain
ok "as the hint says" xdpsec_a down "$OTHER"
ok "up" up_plain
ok "down" down_plain

# ---- backups -----------------------------------------------------------------------------------------

restore
ok "up at B" up_b
ok "up" up_plain
ok "a few packets" send_5
ok "down" down_plain
cp -a "$WORK/state-a" "$WORK/backup"
ok "up after a backup" up_plain
ok "a few packets more" send_5
ok "down" down_plain
rm -r "$WORK/state-a"
cp -a "$WORK/backup" "$WORK/state-a"
fails "up after the backup came back" "peer site-b: TxKeyFile: state file .* is a copy.*hint: make new keys for both sites .*--moved-state only if" \
	up_plain
fails "--new-key does not help" "is a copy" up_plain --new-key
refuses "no trace" test -e "$INSTANCE" -o -e "$LEFTOVER"
like "the backup has the tag that keeps it from backups" "$(head -n1 "$WORK/backup/CACHEDIR.TAG")" "^Signature: 8a477f597d28d172"
# The hint's first way.
make_key new-a-to-b
make_key new-b-to-a
keys_of "$CONF" new-a-to-b new-b-to-a
keys_of "$WORK/$NAME_B.conf" new-b-to-a new-a-to-b
ok "new keys at A" up_plain --new-key
ok "new keys at B" xdpsec_b reload "$NAME_B" --new-key
ok "work" send_5
ok "down" down_plain

# The second: the directory moves, and the copy that stays behind is not used.
cp -a "$WORK/state-a" "$WORK/moved"
rm -r "$WORK/state-a"
mv "$WORK/moved" "$WORK/state-a"
fails "moved: up" "is a copy" up_plain
ok "moved: up with --moved-state" up_plain --moved-state
ok "moved: the numbers go on" [ "$(status_a '.peers[0].tx.sequence')" -gt 0 ]
ok "moved: packets" send_5
ok "moved: down" down_plain
ok "moved: it is at home now" up_plain
ok "a reload that takes nothing from there" reload_a
ok "down" down
ip -n "$SITE_A" link del dev eth1
ok "nothing is left" no_trace
done_testing
