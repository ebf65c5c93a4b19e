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
refused "twice" "inside: named twice" "FastPath = inside, inside" "$none"
refused "a firewall of no kind" "neither flowtable nor none" "FastPath = inside" "FastPathFirewall = maybe"
XDP=generic refused "generic XDP" "FastPath: Xdp = generic" "FastPath = inside" "$none"
if ip -n "$SITE_A" link add bridge0 type bridge 2>/dev/null; then
	refused "a bridge" "bridge0: not a network card or veth, but bridge" "FastPath = bridge0" "$none"
	ip -n "$SITE_A" link add port0 type veth peer name port1
	ip -n "$SITE_A" link set port0 master bridge0
	refused "a bridge's port" "port0: is a part of bridge0 .bridge.:" "FastPath = port0" "$none"
	ip -n "$SITE_A" link del bridge0
	ip -n "$SITE_A" link del port0
fi
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

is "no drops at A" "$(all_drops_a | sed -E 's/ ?stray=[0-9]+//')" ""
is "no drops at B" "$(all_drops_b | sed -E 's/ ?stray=[0-9]+//')" ""
ok "down" down
refuses "nothing is left on the device" grep -q xdp <(ip -n "$SITE_A" link show dev inside)
ok "nothing is left" no_trace
done_testing
