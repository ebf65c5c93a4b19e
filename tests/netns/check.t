#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `check` says what `up` would say, and of what is up what `reload` would, without changing anything: in each situation
# both are asked.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
defer down_anyhow

# State that could change: pins, state, devices, routes.
traces() {
	find /sys/fs/bpf/xdpsec "$WORK/state-a" -printf '%p %s %T@\n' 2>/dev/null | sort
	# Not what the kernel adds by itself, in its own time.
	{
		ip -n "$SITE_A" -o link show
		ip -n "$SITE_A" -o address show
		ip -n "$SITE_A" route show table all
	} 2>/dev/null | sed 's/<[^>]*>//; s/ state [A-Z]*//' | grep -vE 'fe80|ff00|valid_lft [0-9]'
}

# both_say NAME REGEX OPTION...: check and up refuse with it
both_say() {
	local name=$1 regex=$2

	shift 2
	traces >"$WORK/before"
	fails "$name: check" "$regex" xdpsec_a check "$CONF" "$@"
	traces >"$WORK/after"
	is "$name: check changes nothing" "$(diff "$WORK/before" "$WORK/after")" ""
	fails "$name: up" "$regex" up_plain "$@"
}

# reload_says NAME REGEX OPTION...: check and reload refuse with it
reload_says() {
	local name=$1 regex=$2

	shift 2
	fails "$name: check" "$regex" xdpsec_a check "$CONF" "$@"
	fails "$name: reload" "$regex" reload_a "$@"
}

# ---- before it is up ---------------------------------------------------------------------------------

write_configs
keep
both_say "a key without state" "TxKeyFile.*the sequence numbers that this key has used are unknown.*hint: use --new-key"
ok "with --new-key: check" xdpsec_a check "$CONF" --new-key
refuses "with --new-key: check has not used it" test -e "$WORK/state-a/CACHEDIR.TAG"
ok "up" up_plain --new-key
ok "down" down_plain
ok "with state: check" xdpsec_a check "$CONF"
set_line Device nosuch0
make_key other
set_line TxKeyFile "$WORK/other.key"
both_say "no such device" "Device: nosuch0: no such device"
restore
# Both at once: what is wrong with the device says nothing of the key.
set_line Device nosuch0
set_line TxKeyFile "$WORK/other.key"
sed -i 's/^Cipher/Cypher/; s/^RxSpi = .*/RxSpi = 7/' "$CONF"
rm -f "$WORK/missing.key"
set_line RxKeyFile "$WORK/missing.key"
ok "all of it at once: check fails" sh -c '! "$@"' sh "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" check "$CONF"
for part in "Cypher: unknown key" "RxSpi: 7: SPIs below 256" "Device: nosuch0: no such device" \
	"RxKeyFile: $WORK/missing.key: No such file" "TxKeyFile: state file .*: the sequence numbers that this key has used are unknown"; do
	like "all of it at once: $part" "$TAP_OUTPUT" "$part"
done
restore
cp -a "$WORK/state-a" "$WORK/copy"
rm -r "$WORK/state-a"
mv "$WORK/copy" "$WORK/state-a"
both_say "state that is a copy" "is a copy.*hint: .*--moved-state"
ok "with --moved-state: check" xdpsec_a check "$CONF" --moved-state
ok "and up" up_plain --moved-state
ok "down" down_plain
chmod 775 "$WORK/state-a"
both_say "a state directory that others may write to" "permissions 0775: others could make sequence numbers repeat.*hint: "
chmod 700 "$WORK/state-a"


# A key or port that another instance uses.
ok "up" up_plain || bail "not up"
cp "$CONF" "$WORK/$ID-other.conf"
in_a ip link add eth1 type veth peer name far1
in_a ip link set dev eth1 up
sed -i 's/^Device = .*/Device = eth1/' "$WORK/$ID-other.conf"
fails "another instance's keys: check" "the same key as TxKeyFile of peer site-b of the instance $NAME_A" \
	xdpsec_a check "$WORK/$ID-other.conf"
fails "another instance's keys: both of them" "RxKeyFile: the same key as" xdpsec_a check "$WORK/$ID-other.conf"
mkdir "$WORK/elsewhere"
cp "$CONF" "$WORK/elsewhere/$NAME_A.conf"
fails "another file of that name" "$NAME_A: is up already.*hint: it has another file, $CONF" \
	xdpsec_a check "$WORK/elsewhere/$NAME_A.conf"
in_a ip link del dev eth1

# ---- while it is up ----------------------------------------------------------------------------------

ok "what is up: check" xdpsec_a check "$CONF"
set_line Xdp generic
reload_says "another Xdp" "Xdp cannot be changed by reload.*hint: xdpsec .*down $NAME_A"
restore
set_line TxKeyFile "$WORK/other.key"
reload_says "a key without state" "TxKeyFile.*sequence numbers.*are unknown.*hint: use --new-key"
ok "with --new-key: check" xdpsec_a check "$CONF" --new-key
ok "with --new-key: reload" reload_a --new-key
restore
sed -i "s|^TxKeyFile = .*|TxKeyFile = $WORK/b-to-a.key|; s|^RxKeyFile = .*|RxKeyFile = $WORK/a-to-b.key|" "$CONF"
reload_says "keys swapped" "this key was used for receiving" --new-key
restore
ok "back: reload" reload_a
ok "down" down_plain

# ---- tunnels -----------------------------------------------------------------------------------------

write_tunnel_configs
keep
ok "a tunnel: check" xdpsec_a check "$CONF"
unlike "a tunnel: no warning of AllowedIPs" "$TAP_OUTPUT" "AllowedIPs"
ok "a tunnel: check has left nothing" no_trace_a
sed -i "s|^AllowedIPs = .*|&, $TUNNEL_A4/32|" "$CONF"
ok "AllowedIPs with this site's address: check" xdpsec_a check "$CONF"
like "AllowedIPs with this site's address: a warning" "$TAP_OUTPUT" \
	"warning: $CONF:[0-9]+: AllowedIPs: $TUNNEL_A4/32: is Address of this site: packets to it never go to peer site-b.*hint: "
restore
sed -i 's|^AllowedIPs = .*|&, 192.0.2.0/24, 2001:db8:a::/64|' "$CONF"
fails "a route that is there: check" "AllowedIPs: 192.0.2.0/24: a route to it through another device exists.*hint: " \
	xdpsec_a check "$CONF"
fails "a route that is there: up" "AllowedIPs: 192.0.2.0/24: a route to it through another device exists.*hint: " up_plain
ok "a route that is there: no trace" no_trace_a
restore
sed -i 's|^AllowedIPs = .*|&, 203.0.113.0/26, 2001:db8:77::/48|' "$CONF"
ip -n "$SITE_A" route add 203.0.113.0/26 via 192.0.2.254 metric 50
ok "a route of another metric is none: check" xdpsec_a check "$CONF"
ok "a route of another metric is none: up" up_plain
ok "a route of another metric is none: check while up" xdpsec_a check "$CONF"
ip -n "$SITE_A" route del 203.0.113.0/26 metric 50
unlike "a reserve by a gateway is no conflict" "$TAP_OUTPUT" "warning: .*AllowedIPs"

# The same network at both sites. By its metric the kernel decides which of the two it is.
ip -n "$SITE_A" link add lan type veth peer name lan-far
ip -n "$SITE_A" link set dev lan up
ip -n "$SITE_A" link set dev lan-far up
ip -n "$SITE_A" address add 203.0.113.1/26 dev lan metric 600
ok "the network of a device: check" xdpsec_a check "$CONF"
like "the network of a device: a warning" "$TAP_OUTPUT" "warning: .*AllowedIPs: 203.0.113.0/26: is the network of lan, too: .*hint: "
like "the network of a device: status" "$(status_a '.warnings|join("|")')" \
	"AllowedIPs: 203.0.113.0/26: lan is in that network, whose hosts cannot be reached"
ip -n "$SITE_A" address del 203.0.113.1/26 dev lan
ip -n "$SITE_A" address add 203.0.113.1/26 dev lan
like "of the same metric: status" "$(status_a '.warnings|join("|")')" "203.0.113.0/26: lan has a route to it of the same metric"
ip -n "$SITE_A" address del 203.0.113.1/26 dev lan
is "it has gone: status" "$(status_a '.warnings|length')" 0
ip -n "$SITE_A" address add 2001:db8:77::1/48 dev lan nodad
ok "a network of IPv6: check" xdpsec_a check "$CONF"
like "a network of IPv6: a warning" "$TAP_OUTPUT" "warning: .*2001:db8:77::/48: the route to it through lan has a lower metric: packets leave by that, in clear"
like "a network of IPv6: status" "$(status_a '.warnings|join("|")')" \
	"2001:db8:77::/48: lan has a route to it of a lower metric: packets leave by that, in clear: ip -6 route show"
like "a network of IPv6: diagnose" "$(xdpsec_a diagnose "$NAME_A" 2>&1)" "other networks: AllowedIPs: 2001:db8:77::/48: lan .*hint: ip .* -6 route show 2001:db8:77::/48"
ip -n "$SITE_A" link del dev lan
is "no network any more: status" "$(status_a '.warnings|length')" 0
set_line Address "$TUNNEL_A4/26"
set_line ListenPort 4501
sed -i '/^Mode/a Table = off' "$CONF"
tap_run xdpsec_a check "$CONF"
like "a tunnel: what reload cannot change: Address" "$TAP_OUTPUT" "Address of .Interface. cannot be changed by reload"
like "a tunnel: what reload cannot change: ListenPort" "$TAP_OUTPUT" "ListenPort cannot be changed by reload"
like "a tunnel: what reload cannot change: Table" "$TAP_OUTPUT" "Table cannot be changed by reload"
restore
sed -i 's|^AllowedIPs = .*|&, 203.0.113.64/26|' "$CONF"
ip -n "$SITE_A" route add 203.0.113.64/26 via 192.0.2.254
reload_says "a prefix whose route is there" "AllowedIPs: 203.0.113.64/26: a route to it through another device exists"
ip -n "$SITE_A" route del 203.0.113.64/26
ok "without it: check" xdpsec_a check "$CONF"
ok "without it: reload" reload_a
ok "down" down_plain
ip -n "$SITE_A" link add xs0 type veth peer name spare
both_say "a device of the tunnel's name" "Name: xs0: a network device of that name exists"
ip -n "$SITE_A" link del xs0
restore

# ---- a name alone ------------------------------------------------------------------------------------

# A directory of its own, as the test must not change /etc/xdpsec.
in_etc() {
	# shellcheck disable=SC2016
	in_a unshare -m sh -c 'mkdir -p /etc/xdpsec && mount -t tmpfs -o mode=0700 none /etc/xdpsec && cp "$1"/* /etc/xdpsec/ &&
		shift && "$@"' sh "$WORK/etc" "$@"
}
mkdir "$WORK/etc"
cp "$CONF" "$WORK/etc/$NAME_A.conf"
[ -d /etc/xdpsec ] || { mkdir /etc/xdpsec && defer rmdir /etc/xdpsec; }
ok "a name alone: check" in_etc "$XDPSEC" --state-dir "$WORK/state-a" check "$NAME_A"
like "a name alone: is the file in /etc/xdpsec" "$TAP_OUTPUT" "^/etc/xdpsec/$NAME_A.conf: valid"
ok "a name alone: up" in_etc "$XDPSEC" --state-dir "$WORK/state-a" up "$NAME_A"
is "a name alone: its path" "$(status_a .name)" "$NAME_A"
ok "a name alone: reload" in_etc "$XDPSEC" reload "$NAME_A"
ok "a name alone: down" down_plain
fails "a file of that name here is not meant" "/etc/xdpsec/$NAME_A.conf: No such file.*hint: .*[.]/$NAME_A.conf" \
	env -C "$WORK" "$XDPSEC" -n "$SITE_A" up "$NAME_A"
ok "but with its suffix" env -C "$WORK" "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" check "$NAME_A.conf"
ok "nothing is left" no_trace_a
done_testing
