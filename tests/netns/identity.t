#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An interface index is no identity: it belongs to one network namespace, and is given to another device when the
# first one is gone. Whatever gets an index that the instance once knew, nothing of a protected flow leaves in clear.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

CONTAINER=$ID-c INNER=$ID-i OTHER=$ID-o

index_of() { ip -n "$1" -j link show dev "$2" | jq '.[0].ifindex'; }
# The hop's ends are named after the device's index.
hop_end() { ip -n "$SITE_A" -j link | jq -r ".[] | select(.ifname | test(\"^xsh.*$1\$\")) | .ifname"; }
sent() { status_a '.peers[0].tx.packets'; }
counted() { [ "$(drops_a "$1")" -gt "${2:-0}" ]; }
send_marked() { packets "$1" send "$2" "$3" --size 200 --marker "$MARKER"; }

# uplink_with_index NAME INDEX PEER-NAMESPACE: somebody else's device in site A, with that index.
uplink_with_index() {
	ip -n "$SITE_A" link add "$1" index "$2" type veth peer name eth0 netns "$3" || return 1
	ip -n "$SITE_A" link set dev "$1" up
	ip -n "$3" link set dev lo up
	ip -n "$3" link set dev eth0 up
}

make_sites
make_namespace "$CONTAINER"
make_namespace "$INNER"
make_namespace "$OTHER"
write_configs
start_echo "$SITE_B" $B4 5300

capture_start control a udp
send_marked "$SITE_A" $B4 5201
capture_stop control
ok "down: the search finds the text" leaks control "$MARKER"

# ---- a container on top of the protected device, whose inner device has the index of the hop's far end ----

# from_container KIND [OPTIONS...]
from_container() {
	local kind=$1 near far

	if ! ip -n "$SITE_A" link add guest link eth0 type "$@" 2>/dev/null; then
		skip "$kind: packets of a container" "the kernel has no $kind"
		return
	fi
	ip -n "$SITE_A" link set dev guest netns "$CONTAINER"
	far=$(index_of "$SITE_A" "$(hop_end b)") near=$(index_of "$SITE_A" "$(hop_end a)")
	add_address "$CONTAINER" guest 192.0.2.3/24
	ip -n "$CONTAINER" route add default via 192.0.2.254
	enable_routing "$CONTAINER"
	for index in "$far" "$near" $((far + 100)); do
		ip -n "$CONTAINER" link add inside index "$index" type veth peer name eth0 netns "$INNER" ||
			bail "no device of index $index"
		add_address "$CONTAINER" inside 203.0.113.126/25
		add_address "$INNER" eth0 203.0.113.7/25
		ip -n "$INNER" route add default via 203.0.113.126
		capture_start "$kind" a udp
		before=$(sent)
		for _ in 1 2 3; do
			send_marked "$INNER" $B4 5201
		done
		capture_stop "$kind"
		refuses "$kind, inner device of index $index: nothing in clear" leaks "$kind" "$MARKER"
		[ "$kind" != macvlan ] ||
			is "$kind, inner device of index $index: sealed" "$(sent)" $((before + 3))
		ip -n "$CONTAINER" link del inside
	done
	ip -n "$CONTAINER" link del guest
}

ok "up" up || bail "not up"
from_container macvlan mode bridge
from_container ipvlan mode l2
from_container vlan id 100

# ---- the hop is deleted, and others get its indexes ------------------------------------------------------

near=$(index_of "$SITE_A" "$(hop_end a)") far=$(index_of "$SITE_A" "$(hop_end b)")
ip -n "$SITE_A" link del "$(hop_end a)"
ok "near: a device of its index" uplink_with_index stolen "$near" "$OTHER"
start "$OTHER" "$WORK/stolen" tcpdump -i eth0 -U --immediate-mode -n -w "$WORK/stolen.pcap"
stolen=$STARTED
wait_for 10 grep -q 'listening on' "$WORK/stolen.err" || bail "tcpdump does not listen"
send_marked "$SITE_A" $B4 5201
ok "near: what cannot be finished is dropped as no_hop" counted no_hop
ok "near: a control frame is seen there" packets "$SITE_A" sentinel stolen "end of the control"
ok "near: and captured" wait_for 10 grep -qaF "end of the control" "$WORK/stolen.pcap"
stop "$stolen"
refuses "near: nothing in clear out of the other device" leaks stolen "$MARKER"
like "near: status says that the hop is gone" "$(xdpsec_a status "$NAME_A")" 'warning: the hop device xsh.* is gone'
ip -n "$SITE_A" link del stolen

ok "far: a device of its index" uplink_with_index stolen "$far" "$OTHER"
enable_routing "$SITE_A"
add_address "$SITE_A" stolen 203.0.113.126/25
add_address "$OTHER" eth0 203.0.113.8/25
ip -n "$OTHER" route add default via 203.0.113.126
capture_start far a udp
before=$(sent)
send_marked "$OTHER" $B4 5201
capture_stop far
refuses "far: nothing that came in by the other device leaves in clear" leaks far "$MARKER"
ip -n "$SITE_A" link del stolen
ok "down" down
ok "nothing is left" no_trace

# ---- the protected device moves to another namespace --------------------------------------------------------

ok "up again" up || bail "not up"
ip -n "$SITE_A" link set dev eth0 netns "$OTHER" || bail "cannot move eth0"
add_address "$OTHER" eth0 "$A4/24"
ip -n "$OTHER" route add default via 192.0.2.254
# The index that the instance sends to is that of another device here.
ip -n "$OTHER" link add stolen index "$near" type veth peer name far index "$far" 2>/dev/null
capture_start moved a udp
send_marked "$OTHER" $B4 5201
capture_stop moved
refuses "moved: nothing in clear" leaks moved "$MARKER"
ok "moved: dropped as displaced" counted displaced
before=$(drops_a displaced)
send_marked "$SITE_B" $A4 5201
ok "moved: what arrives sealed, too" wait_for 5 counted displaced "$before"
ok "moved: what is not protected passes" packets "$OTHER" roundtrip $B4 5300 --size 100
like "moved: status says so" "$(xdpsec_a status "$NAME_A")" \
	'warning: the device eth0 was deleted, or moved to another network namespace.* passes them in clear'
ip -n "$OTHER" link del stolen 2>/dev/null
ip -n "$OTHER" link set dev eth0 netns "$SITE_A"
add_address "$SITE_A" eth0 "$A4/24" "$A6/64"
ip -n "$SITE_A" route add default via 192.0.2.254
ip -n "$SITE_A" route add default via 2001:db8:a::fe
ok "moved back: down" down
ok "nothing is left" no_trace

# ---- tunnel mode: the tunnel device is deleted, and others get its indexes --------------------------------------

write_tunnel_configs
ok "tunnel: up" up || bail "not up"
ok "tunnel: it carries" in_a ping -c1 -W10 $TUNNEL_B4
near=$(index_of "$SITE_A" xs0)
far=$(ip -n "$SITE_A" -j link show type veth | jq '.[] | select(.ifname | test("^xst")) | .ifindex')
ip -n "$SITE_A" link del xs0
ok "tunnel: a device of the far end's index" uplink_with_index stolen "$far" "$OTHER"
start "$OTHER" "$WORK/opened" tcpdump -i eth0 -U --immediate-mode -n -w "$WORK/opened.pcap"
stolen=$STARTED
wait_for 10 grep -q 'listening on' "$WORK/opened.err" || bail "tcpdump does not listen"
packets "$SITE_B" send $TUNNEL_A4 5201 --size 200 --marker "$MARKER"
ok "tunnel: what was opened is dropped as no_device" wait_for 5 counted no_device
ok "tunnel: a control frame is seen there" packets "$SITE_A" sentinel stolen "end of the control"
ok "tunnel: and captured" wait_for 10 grep -qaF "end of the control" "$WORK/opened.pcap"
stop "$stolen"
refuses "tunnel: nothing of it goes out of the other device" leaks opened "$MARKER"
ip -n "$SITE_A" link del stolen
ok "tunnel: down" down
ok "nothing is left" no_trace
done_testing
