#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An agent whose underlay is in a VRF: its socket is in it as well, at the start, and after the device has moved and a
# reload.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

TABLE=10
reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
# bound_to: the device that the agent's socket is bound to
bound_to() { in_a ss -Hulnp "sport = :7253" | sed -n 's/.*[%]\([a-z]*\):7253.*/\1/p'; }
into_vrf() {
	ip -n "$SITE_A" link set dev eth0 master red && ip -n "$SITE_A" route replace default via 192.0.2.254 table $TABLE
}

make_sites
if ! has_link_type vrf table $TABLE; then
	skip "an agent in a VRF" "this kernel has no VRF"
	done_testing
	exit
fi
ip -n "$SITE_A" link add red type vrf table $TABLE
ip -n "$SITE_A" link set dev red up
write_agreed_configs
ok "out of it: up" up_a
ok "out of it: up at B" up_b
ok "out of it: keys" wait_for 10 reaches_b
is "out of it: the agent's socket is bound to no device" "$(bound_to)" ""
ok "into it" into_vrf
ok "into it: reload" xdpsec_a reload "$NAME_A"
is "into it: so is the agent's socket" "$(bound_to)" red
ok "into it: new keys" xdpsec_a rekey "$NAME_A"
ok "into it: all goes on" wait_for 10 reaches_b
ok "down" down

ok "in it from the start: up" up_a
is "in it from the start: the agent's socket, too" "$(bound_to)" red
ok "in it from the start: up at B" up_b
ok "in it from the start: keys" wait_for 10 reaches_b

# ---- who else has the port -------------------------------------------------------------------------------

# take_port [DEVICE]: a process has the agent's port, bound to that device
take_port() {
	start "$SITE_A" "$WORK/socket" python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if len(sys.argv) > 1:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
s.bind(("", 7253)); time.sleep(1000)' "$@"
	wait_for 5 has_port "$STARTED"
}
has_port() { in_a ss -Hulnp "sport = :7253" | grep -q "pid=$1,"; }

ip -n "$SITE_A" link add blue type vrf table $((TABLE + 1))
ip -n "$SITE_A" link set dev blue up
kill -9 "$(agent_a)"
ok "the agent is gone" wait_for 5 no_agent "$NAME_A"
ok "a process has the port in another VRF" take_port blue
ok "which is none of the agent's business" xdpsec_a agree --background "$NAME_A"
stop "$STARTED"
kill -9 "$(agent_a)"
ok "the agent is gone" wait_for 5 no_agent "$NAME_A"
# The kernel lets none of two have a port that is bound to a device and to none (udp_lib_lport_inuse()).
ok "a process has the port in no VRF" take_port
fails "which has it in each" "process $STARTED .python3. has it" xdpsec_a agree --background "$NAME_A"
stop "$STARTED"
ok "it ends: the agent starts" xdpsec_a agree --background "$NAME_A"
ok "down" down
ip -n "$SITE_A" link del dev blue
ip -n "$SITE_A" link del dev red
ok "nothing is left" no_trace
done_testing
