#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What FastPath refuses, each with its own message, and what it warns of.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/lans.sh
. "$here/lans.sh"

only_with_fast

INTERFACE_LINES=$'FastPath = inside\nFastPathFirewall = none'

make_sites
make_lans
write_tunnel_configs

# refused NAME REGEX LINES...: with these lines in place of INTERFACE_LINES
refused() {
	local lines=$INTERFACE_LINES

	INTERFACE_LINES=$(printf '%s\n' "${@:3}")
	write_tunnel_configs
	fails "$1" "$2" xdpsec_a up "$WORK/$NAME_A.conf" --new-key
	INTERFACE_LINES=$lines
}

none="FastPathFirewall = none"
refused "no such device" "FastPath: nowhere0: no such device" "FastPath = nowhere0" "$none"
refused "the underlay's device" "FastPath: eth0: is Device" "FastPath = eth0" "$none"
refused "the tunnel device" "FastPath: xs0: is the tunnel device itself" "FastPath = xs0" "$none"
XDP=generic refused "generic XDP" "FastPath: Xdp = generic" "FastPath = inside" "$none"
if ip -n "$SITE_A" link add bridge0 type bridge 2>/dev/null; then
	refused "a bridge" "bridge0: not a network card or veth, but bridge" "FastPath = bridge0" "$none"
	ip -n "$SITE_A" link add port0 type veth peer name port1
	ip -n "$SITE_A" link set port0 master bridge0
	refused "a bridge's port" "port0: is a part of bridge0 .bridge.:" "FastPath = port0" "$none"
	ip -n "$SITE_A" link del bridge0
	ip -n "$SITE_A" link del port0
fi
if ip -n "$SITE_A" link add bond0 type bond 2>/dev/null; then
	ip -n "$SITE_A" link add port0 type veth peer name port1
	ip -n "$SITE_A" link set port0 master bond0
	refused "a bond's port" "port0: is a part of bond0 .bond.:" "FastPath = port0" "$none"
	ip -n "$SITE_A" link del bond0
	ip -n "$SITE_A" link del port0
else
	skip "a bond's port" "this kernel has no bond"
fi
# refused_kind TYPE [OPTIONS]: a device other0 that is no card, where the kernel has such
refused_kind() {
	if ! ip -n "$SITE_A" link add other0 "${@:2}" type "$@" 2>/dev/null; then
		skip "a device of kind $1" "this kernel has none"
		return
	fi
	refused "a device of kind $1" "FastPath: other0: not a network card or veth, but $1" "FastPath = inside, other0" "$none"
	ip -n "$SITE_A" link del other0
}
refused_kind dummy
refused_kind bond
refused "no Ethernet device" "FastPath: lo: not a network card or veth" "FastPath = lo" "$none"
if ip -n "$SITE_A" link add link inside name inside.5 type vlan id 5 2>/dev/null; then
	refused "a VLAN device" "FastPath: inside.5: not a network card or veth, but vlan" "FastPath = inside.5" "$none"
	ip -n "$SITE_A" link del inside.5
else
	skip "a VLAN device" "this kernel has none"
fi

# Somebody else's XDP program.
in_a ip link set inside xdpdrv object "$OUTPUT/pass.bpf.o" section xdp.frags || bail "no XDP program"
refused "another XDP program" "FastPath: inside: another XDP program is on it" "FastPath = inside" "$none"
ok "what it hints at" eval "$(sed -n 's/^hint: `\(ip .*\)` shows it/\1/p' <<<"$TAP_OUTPUT")"
like "shows it" "$TAP_OUTPUT" "inside.* prog/xdp "
write_tunnel_configs
fails "check says so, too" "FastPath: inside: another XDP program is on it" xdpsec_a check "$WORK/$NAME_A.conf" --new-key
in_a ip link set inside xdpdrv off

# A veth that has more queues for sending at its other end than for receiving has no native XDP.
if ip -n "$SITE_A" link add few0 numrxqueues 2 numtxqueues 1 type veth peer name many0 numrxqueues 1 numtxqueues 2 &&
	in_a ethtool -L few0 rx 1; then
	refused "too few queues" "FastPath: few0: cannot attach to XDP .native.: No space left" "FastPath = few0" "$none"
	like "with a hint" "$TAP_OUTPUT" "hint: a veth needs as many queues .*ethtool -L few0 rx N"
	hint=$(sed -n 's/^hint: .*`\(.*ethtool -L few0 rx\) N.*/\1 2/p' <<<"$TAP_OUTPUT")
	ip -n "$SITE_A" address add 192.0.2.129/26 dev few0
	ip -n "$SITE_A" link set few0 up
	ip -n "$SITE_A" link set many0 up
	write_tunnel_configs
	sed -i 's/^Device = .*/Device = few0/' "$WORK/$NAME_A.conf"
	fails "the underlay has too few" "FastPath: few0: its XDP is generic: the fast path needs native XDP" \
		xdpsec_a up "$WORK/$NAME_A.conf" --new-key
	sed -i 's/^Xdp = .*/Xdp = native/' "$WORK/$NAME_A.conf"
	fails "what it hints at says why" "few0: cannot attach to XDP .native.: No space left" \
		xdpsec_a up "$WORK/$NAME_A.conf" --new-key
	ok "the other hint: $hint" sh -c "$hint"
	ok "there are enough now" xdpsec_a up "$WORK/$NAME_A.conf" --new-key
	ok "down" xdpsec_a down "$NAME_A"
	rm "$WORK/state-a/"*
	ip -n "$SITE_A" link del few0
else
	skip "too few queues" "they cannot be set"
fi

# An instance of inline mode, whose packets the fast path would bypass.
inline_config() {
	write_configs
	sed "s/^Device = .*/Device = $1/; s/^Name = $NAME_A/&-i/" "$WORK/$NAME_A.conf" >"$WORK/$ID-i.conf"
}
inline_up() { xdpsec_a up "$WORK/$ID-i.conf" --new-key; }
inline_down() { xdpsec_a down "$ID-i"; }
for device in inside eth0; do
	inline_config $device
	ok "inline mode on $device" inline_up
	refused "with inline mode on $device" "$ID-i|$device: an instance of inline mode seals" "FastPath = inside" "$none"
	ok "inline mode ends" inline_down
done

if [ ! -e /sys/module/nf_flow_table_inet ] && ! modprobe -q nf_flow_table_inet; then
	refused "no flowtable in the kernel" "cannot look up flows of a flowtable.*" "FastPath = inside"
	like "with a hint" "$TAP_OUTPUT" "FastPathFirewall = none"
fi
ok "nothing is left of them" no_trace_a

# ---- a veth whose other end is not a card --------------------------------------------------------------

write_tunnel_configs
ok "up, with hosts that receive without NAPI" up
like "which is warned of" "$TAP_OUTPUT" "inside takes no redirected frames"
like "status warns as well" "$(xdpsec_a status "$NAME_A")" "warning: fast path: inside takes no redirected frames"
start_echo "$HOST_B" $HOST_B4 7000
echo=$STARTED
ok "packets take the ordinary way" echoed 3 $HOST_B4
is "none took the fast path" "$(fast_counts)" "0 0 0 0"
stop "$echo"
make_cards
in_ns "$HOST" ping -c1 -W5 $HOST_B4 >/dev/null
in_ns "$HOST_B" ping -c1 -W5 $HOST4 >/dev/null
refuses "with cards no warning is left" grep -q "warning: fast" <(xdpsec_a status "$NAME_A")

# ---- beside an instance that is up ---------------------------------------------------------------------

inline_config eth0
fails "inline mode on the underlay" "$NAME_A has a fast path, which would bypass $ID-i on eth0" inline_up
inline_config inside
fails "inline mode on the device of FastPath" \
	"Device: inside: is in FastPath of $NAME_A, whose XDP program.*hint: .*xdpsec -n $SITE_A down $NAME_A" inline_up
ok "nothing is left of it" test ! -e "/sys/fs/bpf/xdpsec/$ID-i"
write_tunnel_configs
make_key other-tx
make_key other-rx
sed "s/xs0/xs1/; s/7253/7254/; s/0x100/0x200/; s/a-to-b/other-tx/; s/b-to-a/other-rx/; s/^Address = .*/Address = 203.0.113.254\/32/
	s/^AllowedIPs = .*/AllowedIPs = 198.18.0.128\/25/" "$WORK/$NAME_A.conf" >"$WORK/$ID-i.conf"
fails "a second tunnel with the same FastPath" "FastPath: inside: is in FastPath of $NAME_A, whose XDP program" inline_up
ok "nothing is left of that" test ! -e "/sys/fs/bpf/xdpsec/$ID-i"
fails "check says so, too" "FastPath: inside: is in FastPath of $NAME_A" xdpsec_a check "$WORK/$ID-i.conf" --new-key
sed -i 's/^Device = .*/Device = inside/; /^FastPath/d' "$WORK/$ID-i.conf"
fails "a tunnel over the device of FastPath" "Device: inside: is in FastPath of $NAME_A" inline_up
ok "which can be there first" down_a
ok "a tunnel over it" inline_up
fails "then no FastPath has it" "FastPath: inside: is Device of $ID-i, whose XDP program.*down $ID-i" \
	xdpsec_a up "$WORK/$NAME_A.conf"
ok "it ends" inline_down
ok "and FastPath can have it" up_a

fast_ends
done_testing
