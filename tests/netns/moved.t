#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `down` when the devices of an instance have other names, other aliases or are in other namespaces than it made them
# with: it takes them down, and leaves those of others alone.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
write_configs
defer down_anyhow
UP+=(--new-key)
OTHER=$ID-o ANOTHER=$ID-c
make_namespace "$OTHER"
make_namespace "$ANOTHER"
# renew NAMESPACE: an empty one of that name
renew() { ip netns del "$1" && ip netns add "$1"; }

index() { ip -n "$SITE_A" -j link show dev eth0 | jq '.[0].ifindex'; }
# has DEVICE [NAMESPACE]
has() { ip -n "${2:-$SITE_A}" link show dev "$1" >/dev/null 2>&1; }
empty() { [ "$(ip -n "$OTHER" -o link show | grep -cvE ': (lo|tunl0|gre0|gretap0|erspan0|sit0|ip_vti0|ip6_vti0|ip6tnl0|ip6gre0)[:@]')" = 0 ]; }
pair() { ip -n "$SITE_A" link set dev "$@"; }

# after NAME CMD...: up, CMD changes something, down takes all of it away, and the next up works
after() {
	local name="$mode: $1"

	renew "$OTHER"
	ok "$name: up" up_plain || bail "not up"
	ok "$name: $2" "${@:2}"
	ok "$name: down" down_plain
	ok "$name: down: no trace" no_trace_a
	ok "$name: down: nor elsewhere" empty
	ok "$name: the next up" up_plain
	is "$name: the next up works" "$(status_a "\"\\(.attached) \\(.warnings)\"")" "true []"
	ok "$name: and down" down_plain
	ok "$name: and down: no trace" no_trace_a
}

both_moved() { pair "$NEAR" netns "$OTHER" && pair "$FAR" netns "$OTHER"; }
both_moved_and_renamed() {
	pair "$NEAR" down && pair "$FAR" down && pair "$NEAR" name some && pair "$FAR" name thing && pair some netns "$OTHER" &&
		pair thing netns "$OTHER" && ip -n "$OTHER" link set dev some alias "" && ip -n "$OTHER" link set dev thing alias ""
}
near_moved_and_renamed() { pair "$NEAR" netns "$OTHER" && ip -n "$OTHER" link set dev "$NEAR" name some; }
renamed() { pair "$1" down && pair "$1" name some && pair some up; }
# another namespace has devices of those names and with that alias, which are not the instance's
same_elsewhere() {
	ip -n "$OTHER" link add "$NEAR" type veth peer name "$FAR" && ip -n "$OTHER" link set dev "$NEAR" alias "xdpsec $NAME_A"
}

for mode in inline tunnel; do
	NEAR=xsh$(index)a FAR=xsh$(index)b
	if [ $mode = tunnel ]; then
		write_tunnel_configs
		NEAR=xs0 FAR=xst$(index)
	fi
	after "the near end has another name" renamed "$NEAR"
	after "the far end has another name" renamed "$FAR"
	after "another alias" pair "$NEAR" alias somebody
	after "another alias of the far end" pair "$FAR" alias somebody
	after "the near end is elsewhere" pair "$NEAR" netns "$OTHER"
	after "the near end is elsewhere, by another name" near_moved_and_renamed
	after "the far end is elsewhere" pair "$FAR" netns "$OTHER"
	after "both are elsewhere" both_moved
	after "both are elsewhere, by other names" both_moved_and_renamed

	renew "$OTHER"
	ok "$mode: devices of others: up" up_plain
	ok "$mode: devices of others" same_elsewhere
	ok "$mode: devices of others: down" down_plain
	ok "$mode: devices of others stay" has "$NEAR" "$OTHER"
	ok "$mode: devices of others: up again" up_plain
	ok "$mode: devices of others: the pair is deleted by somebody" ip -n "$SITE_A" link del dev "$NEAR"
	ok "$mode: devices of others: and another one has its name" \
		ip -n "$SITE_A" link add "$NEAR" type veth peer name spare
	ok "$mode: devices of others: down again" down_plain
	ok "$mode: devices of others: that one stays" has "$NEAR"
	ok "$mode: devices of others: and these" has "$NEAR" "$OTHER"
	ip -n "$SITE_A" link del dev "$NEAR"
	ok "$mode: devices of others: no trace" no_trace_a
done

# The protected device, with its programs.
for mode in inline tunnel; do
	[ $mode = inline ] && write_configs || write_tunnel_configs
	renew "$OTHER"
	renew "$ANOTHER"
	ip -n "$ANOTHER" link add eth0 type veth peer name far
	up_c() { "$XDPSEC" -n "$ANOTHER" --state-dir "$WORK/state-a" up "$CONF"; }
	ok "$mode: another machine: up" up_c || bail "not up"
	ok "$mode: the device is elsewhere" ip -n "$ANOTHER" link set dev eth0 netns "$OTHER"
	ok "$mode: the device is elsewhere: down" "$XDPSEC" -n "$ANOTHER" down "$NAME_A"
	is "$mode: the device is elsewhere: no program is on it" "$(ip -n "$OTHER" -d link show dev eth0 | grep -c prog/xdp)" 0
	is "$mode: the device is elsewhere: nor at TC" "$(in_ns "$OTHER" bpftool net show dev eth0 | grep -c tcx)" 0
	is "$mode: the device is elsewhere: no pair" "$(ip -n "$ANOTHER" -o link show | grep -c ": xs")" 0
	ok "$mode: it comes back" ip -n "$OTHER" link set dev eth0 netns "$ANOTHER"
	ok "$mode: and up" up_c
	ok "$mode: it has another name" sh -c "ip -n $ANOTHER link set dev eth0 down; ip -n $ANOTHER link set dev eth0 name lan0"
	status_c() { "$XDPSEC" -n "$ANOTHER" status "$NAME_A"; }
	like "$mode: it has another name: status says both" "$(status_c)" \
		"device: lan0,.*warning: eth0 is now called lan0: Device = lan0 in $CONF, then xdpsec reload"
	fails "$mode: it has another name: reload says it" "$CONF:[0-9]+: Device: eth0 is now called lan0.*hint: Device = lan0" \
		"$XDPSEC" -n "$ANOTHER" reload "$NAME_A"
	fails "$mode: it has another name: so does check" "Device: eth0 is now called lan0" "$XDPSEC" -n "$ANOTHER" check "$CONF"
	is "$mode: it has another name: and nothing else" "$("$XDPSEC" -n "$ANOTHER" check -j "$CONF" | jq '.errors | length')" 1
	ip -n "$ANOTHER" link add eth0 type veth peer name beyond0
	is "$mode: another device has the old name: nor then" \
		"$("$XDPSEC" -n "$ANOTHER" check -j "$CONF" | jq -c '[.errors[].text]')" '["Device: eth0 is now called lan0"]'
	sed -i 's/^Device = eth0/Device = lan0/' "$CONF"
	ok "$mode: it has another name: reload with that" "$XDPSEC" -n "$ANOTHER" reload "$NAME_A"
	unlike "$mode: it has another name: nothing to say any more" "$(status_c)" "is now called"
	ok "$mode: another device has the old name: reload" "$XDPSEC" -n "$ANOTHER" reload "$NAME_A"
	sed -i 's/^Device = lan0/Device = eth0/' "$CONF"
	fails "$mode: another device has the old name: it is not the instance's" "Device cannot be changed by reload .it is lan0" \
		"$XDPSEC" -n "$ANOTHER" reload "$NAME_A"
	ok "$mode: it has another name: down" "$XDPSEC" -n "$ANOTHER" down "$NAME_A"
	is "$mode: it has another name: no program is on it" "$(ip -n "$ANOTHER" -d link show dev lan0 | grep -c prog/xdp)" 0
done
done_testing
