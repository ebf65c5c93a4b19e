#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A hint is a command that helps: in each situation it is taken as it was printed, and then what was refused works.
# Hints about the owners of pins are in owner.t, those about lost pins in lost.t.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
write_configs
defer down_anyhow
mkdir "$WORK/bin"
ln -s "$XDPSEC" "$WORK/bin/xdpsec"

# take NAME: the commands of the last hint, without what stands around them
take() {
	sed -n 's/^hint: //p' <<<"$TAP_OUTPUT" | tail -n1 |
		sed -E 's/; in between,.*//; s/^[^`]*`([^`]*)`.*/\1/; s/.*(first|copy it there:) //; s/,? (and|or|which|without|takes) .*//' >"$WORK/hint"
	ok "$1: $(<"$WORK/hint")" env PATH="$WORK/bin:$PATH" bash -e "$WORK/hint"
}

# helps NAME MESSAGE CMD...: CMD is refused, and is not when the hint was taken
helps() {
	fails "$1" "$2" "${@:3}"
	take "$1"
	ok "$1: then it works" "${@:3}"
}

# ---- the configuration, its keys and the device ------------------------------------------------------

chmod 644 "$WORK/a-to-b.key"
fails "a key that others may read" "permissions 0644 are too open" up_plain --new-key
take "a key that others may read"
chown 12345 "$WORK/a-to-b.key"
fails "somebody else's key" "owned by user 12345" up_plain --new-key
take "somebody else's key"
rm "$WORK/a-to-b.key"
fails "a key that is missing" "a-to-b.key: No such file or directory.*hint: copy it from the other site" up_plain --new-key
take "a key that is missing"
is "a key that is missing: the new one is nobody else's to read" "$(stat -c %a "$WORK/a-to-b.key")" 600
mkdir "$WORK/open"
chmod 777 "$WORK/open"
cp "$WORK/a-to-b.key" "$WORK/open/"
keep
set_line TxKeyFile "$WORK/open/a-to-b.key"
fails "a key where others may write" "directory $WORK/open, owner" up_plain --new-key
take "a key where others may write"
ok "a key where others may write: then up" up_plain --new-key
ok "down" down_plain
restore
ok "up, with the key from there: another file of the same key" up_plain
ok "down" down_plain
chmod 666 "$CONF"
tap_run xdpsec_a check "$CONF"
like "a configuration that others may write to" "$TAP_OUTPUT" "warning: .*permissions 0666"
take "a configuration that others may write to"
is "a configuration that others may write to: then it is not said" "$(xdpsec_a check "$CONF" 2>&1 >/dev/null)" ""
ip -n "$SITE_A" link set dev eth0 mtu 1300
helps "an MTU that is too small" "MTU 1300 is too small" up_plain
ok "down" down_plain
set_mtu 1500
add_address "$SITE_A" eth0 "$A6/64" 2>/dev/null
set_line Device nosuch
fails "no such device" "no such device" up_plain
take "no such device"
like "no such device: lists those that there are" "$TAP_OUTPUT" "eth0"
restore
mkdir "$WORK/shared"
chmod 1777 "$WORK/shared"
fails "a state directory that is everybody's" "permissions 1777" \
	"$XDPSEC" -n "$SITE_A" --state-dir "$WORK/shared" up "$CONF" --new-key
is "a state directory that is everybody's: is said once" "$(grep -c '^hint: ' <<<"$TAP_OUTPUT")" 1
option=$(sed -n 's/^hint: .*: --state-dir //p' <<<"$TAP_OUTPUT")
make_key fresh
set_line TxKeyFile "$WORK/fresh.key"
ok "a state directory that is everybody's: one below it" \
	"$XDPSEC" -n "$SITE_A" --state-dir "$option" up "$CONF" --new-key
is "a state directory that is everybody's: stays so" "$(stat -c %a "$WORK/shared")" 1777

# ---- with the options that say where -----------------------------------------------------------------

# With the usual state directory these keys would be without state; and then somebody would say that they are new.
set_line Xdp generic
fails "what reload cannot change" "Xdp cannot be changed" "$XDPSEC" -n "$SITE_A" reload "$NAME_A"
like "what reload cannot change: what is in between" "$TAP_OUTPUT" "in between, its flows leave in clear"
before=$(status_a '.peers[0].tx.sequence')
take "what reload cannot change"
is "what reload cannot change: it has" "$(status_a .xdp)" generic
ok "what reload cannot change: the numbers go on" [ "$(status_a '.peers[0].tx.sequence')" -ge "$before" ]
fails "up twice" "is up already" up_plain
take "up twice"
mkdir "$WORK/twin"
cp "$CONF" "$WORK/twin/$NAME_A.conf"
fails "another file of that name" "is up already.*hint: it has another file, $CONF" \
	"$XDPSEC" -n "$SITE_A" --state-dir "$option" up "$WORK/twin/$NAME_A.conf"
fails "reload from elsewhere" "another network namespace" "$XDPSEC" reload "$NAME_A"
take "reload from elsewhere"
fails "up from elsewhere" "another network namespace" xdpsec_b up "$CONF"
take "up from elsewhere"
refuses "a file for a name" "$XDPSEC" -n "$SITE_A" down "$CONF"
take "a file for a name"
ok "a file for a name: it is down" no_trace_a
restore

# Its namespace has no name, and is found by a process in it.
make_namespace "$ID-nameless"
ip -n "$ID-nameless" link add eth0 type veth peer name far
start "$ID-nameless" "$WORK/holder" sleep 600
HOLDER=$STARTED
named() { [ "$(readlink /proc/"$HOLDER"/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
ok "a process in a namespace" wait_for 5 named
ok "up there" "$XDPSEC" -n "/proc/$HOLDER/ns/net" --state-dir "$WORK/state-a" up "$CONF"
umount "/run/netns/$ID-nameless" && rm "/run/netns/$ID-nameless"
fails "reload from elsewhere, of a namespace without a name" "another network namespace.*hint: xdpsec -n /proc/" \
	"$XDPSEC" reload "$NAME_A"
take "reload from elsewhere, of a namespace without a name"
fails "down from elsewhere, of a namespace without a name" "another network namespace" "$XDPSEC" down "$NAME_A"
take "down from elsewhere, of a namespace without a name"
ok "it is down" no_trace_a
ip netns add "$ID-nameless" # for the cleanup

# ---- routes ------------------------------------------------------------------------------------------

write_tunnel_configs
for prefix in 192.0.2.0/24 2001:db8:99::/64; do
	ip -n "$SITE_A" route add 2001:db8:99::/64 via 2001:db8:a::fe 2>/dev/null
	sed -i "s|^AllowedIPs = .*|&, $prefix|" "$CONF"
	fails "a route that is there, $prefix" "$prefix: a route to it through another device exists" up_plain
	take "a route that is there, $prefix"
	like "a route that is there, $prefix: which one" "$TAP_OUTPUT" "^$prefix .*dev eth0"
	write_tunnel_configs
done
ip -n "$SITE_A" link add xs0 type veth peer name spare
fails "a device of that name" "Name: xs0" up_plain
take "a device of that name"
like "a device of that name: what it is" "$TAP_OUTPUT" "veth"
ip -n "$SITE_A" link del dev xs0
ok "a tunnel: up" up_plain
ip -n "$SITE_A" link del dev xs0
fails "a tunnel whose device is gone" "the tunnel device xs0 is gone" reload_a
unlike "a tunnel whose device is gone: nothing passes in clear" "$TAP_OUTPUT" "in clear"
take "a tunnel whose device is gone"
is "a tunnel whose device is gone: it is back" "$(status_a '.attached')" true
ok "down" down_plain

# ---- by hand -----------------------------------------------------------------------------------------

write_configs
ok "by hand: up" up_plain --no-attach
in_a tc qdisc add dev eth0 clsact
in_a tc filter add dev eth0 egress pref 7 bpf direct-action object-pinned "$INSTANCE/programs/seal"
tap_run down_plain
like "by hand: down: still attached" "$TAP_OUTPUT" "1 program attached by hand"
take "by hand: what is attached"
pref=$(sed -n 's/.*pref \([0-9]*\) bpf .*/\1/p' <<<"$TAP_OUTPUT" | head -n1)
ok "by hand: removed" in_a tc filter del dev eth0 egress pref "$pref"
in_a tc qdisc del dev eth0 clsact
ok "nothing is left" no_trace_a
done_testing
