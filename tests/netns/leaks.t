#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ways on which plaintext could leave in clear although the flow is protected: ICMP errors that quote what was
# opened, a destination that somebody on the path has changed, fragment ids that come round again, and another
# program in front of seal. Each with a control, in which the search finds the text.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

TOOL=$(dirname "$0")/lib/leaks.py
# Packets of unprotected flows, beside those of protected ones.
CLEAR_MARKER=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')

tool() { in_ns "$1" "$TOOL" "${@:2}"; }

counts() {
	[ "$("drops_$1" "$2")" = "$3" ]
}

# Without `stray`: a router joins multicast groups on the hop device as well, and says so there.
drops_here() { all_drops_a | sed 's/ *stray=[0-9]*//'; }

rx_packets() { status_a '.peers[0].rx.packets'; }
rx_packets_are() { [ "$(rx_packets)" = "$1" ]; }

# Another address of B's for A, which no packet of B has.
OTHER_B4=198.51.100.9 OTHER_B6=2001:db8:b::9
with_other_addresses() { echo "Address = $OTHER_B4, $OTHER_B6" >>"$WORK/$NAME_A.conf"; }
reload_both() { xdpsec_a reload "$NAME_A" && xdpsec_b reload "$NAME_B"; }

make_sites
make_host
write_configs
with_other_addresses
mac_a=$(mac "$SITE_A" eth0) mac_router=$(mac "$MIDDLE" a)
# A would tell the middle of a better way, which is not what this is about.
in_a sh -c 'for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 >"$f"; done'

# ---- ICMP errors --------------------------------------------------------------------------------------

# provoked NAME MARKER PORT QUOTED: from A, from behind A, and from A as a router; each reaches the socket of B
# that sent the packet, and quotes so many bytes of its payload.
provoked() {
	local send=(tool "$SITE_B" provoke --marker "$2")

	is "$1: port unreachable, from A" "$("${send[@]}" $A4 "$3")" "ECONNREFUSED 3/3 $A4 $4"
	is "$1: port unreachable, from A, IPv6" "$("${send[@]}" $A6 "$3")" "ECONNREFUSED 1/4 $A6 $4"
	is "$1: port unreachable, from behind A" "$("${send[@]}" $HOST4 "$3")" "ECONNREFUSED 3/3 $HOST4 $4"
	is "$1: port unreachable, from behind A, IPv6" "$("${send[@]}" $HOST6 "$3")" "ECONNREFUSED 1/4 $HOST6 $4"
	is "$1: time exceeded, from A" "$("${send[@]}" --ttl 2 $HOST4 "$3")" "EHOSTUNREACH 11/0 $A4 $4"
	is "$1: time exceeded, from A, IPv6" "$("${send[@]}" --ttl 2 $HOST6 "$3")" "EHOSTUNREACH 3/0 $A6 $4"
}

errors_of() {
	"$TOOL" errors "$WORK/$1.pcap" | paste -sd,
}

ICMP="icmp or icmp6"
WHOLE="3/3 400,1/4 400,3/3 400,1/4 400,11/0 400,3/0 400"
CUT=${WHOLE// 400/ 0}

capture_start errors-clear a "$ICMP"
provoked "down" "$MARKER" 5201 400
capture_stop errors-clear
is "down: they quote the payload" "$(errors_of errors-clear)" "$WHOLE"
ok "down: and the search finds it" leaks errors-clear "$MARKER"

# For what follows: packets of B, to a host behind A, that did not arrive. Once in clear, once sealed.
set_middle_drop 5202
# hold NAME
hold() {
	capture_start "$1" b "udp dst port 5202"
	packets "$SITE_B" send $HOST4 5202 --size 400 --marker "$MARKER"
	packets "$SITE_B" send $HOST6 5202 --size 400 --marker "$MARKER"
	capture_stop "$1"
	in_ns "$MIDDLE" tcpdump -r "$WORK/$1.pcap" -w "$WORK/$1-4.pcap" ip 2>/dev/null
	in_ns "$MIDDLE" tcpdump -r "$WORK/$1.pcap" -w "$WORK/$1-6.pcap" ip6 2>/dev/null
}
ok "down: hold packets back" hold held-clear

ok "up" up || bail "not up"
capture_start errors a
provoked "up" "$MARKER" 5201 0
capture_stop errors
is "up: no byte of the payload is quoted" "$(errors_of errors)" "$CUT"
refuses "up: no byte of it is on the wire" leaks errors "$MARKER"
is "up: what was sent was sealed" "$(rx_packets)" 6
is "up: and nothing was dropped" "$(drops_here)$(all_drops_b)" ""

capture_start errors-other a "$ICMP"
provoked "up, another port" "$CLEAR_MARKER" 5300 400
capture_stop errors-other
is "up, another port: quoted as before" "$(errors_of errors-other)" "$WHOLE"

is "traceroute through protected ports" \
	"$(in_b traceroute -n -q1 -w2 -m4 -p 5203 $HOST4 | awk 'NR > 1 { print $2 }' | paste -sd' ')" \
	"198.51.100.254 $A4 $HOST4"

# Options are not authenticated: somebody on the path can put them in.
capture_start errors-options a
for address in $A4 $A6; do
	ok "to $address with options" packets "$SITE_B" send $address 5201 --size 400 --marker "$MARKER" --options
done
ok "quotes with options and extension headers: dropped as quoted" wait_for 5 counts a quoted 2
capture_stop errors-options
is "and no error gets out" "$(errors_of errors-options)" ""
refuses "and nothing of the payload" leaks errors-options "$MARKER"
is "and nothing else is counted" "$(drops_here)" "quoted=2"

# ---- another destination ------------------------------------------------------------------------------

start_echo "$HOST" $HOST4 5201
start_echo "$HOST" $HOST6 5201
received=$(rx_packets)
ok "what is opened is forwarded to behind another device" packets "$SITE_B" roundtrip $HOST4 5201 --marker "$MARKER"
ok "and over IPv6" packets "$SITE_B" roundtrip $HOST6 5201 --marker "$MARKER"
ok "it has been sealed" [ "$(rx_packets)" -gt "$received" ]

# What the tag binds, changed on the way: a destination behind the router on A's own link or on that link (both would
# have A send the plaintext back), another host behind A, another source of the peer's, and both ports.
# rerouted FAMILY OPTION...: the packet that was held back, to A
rerouted() { tool "$MIDDLE" reroute a "$WORK/$HELD-$1.pcap" 5202 "${@:2}" --mac "$mac_a"; }
ports="--from-port=40001 --to-port=5203"
# shellcheck disable=SC2034 # used by their names
changes4="--destination=198.51.100.254 --destination=192.0.2.254 --destination=$A4 --destination=203.0.113.2
	--source=$OTHER_B4 $ports"
# shellcheck disable=SC2034
changes6="--destination=2001:db8:b::fe --destination=2001:db8:a::fe --destination=$A6 --destination=2001:db8:c::2
	--source=$OTHER_B6 $ports"

HELD=held
ok "hold packets back" hold held
refuses "they are sealed" leaks held "$MARKER"
received=$(rx_packets) forged=0
capture_start rerouted a
for family in 4 6; do
	changes=changes$family
	for change in ${!changes}; do
		rerouted $family "$change"
		ok "IPv$family, $change: auth_failed" wait_for 5 counts a auth_failed $((++forged))
	done
done
capture_stop rerouted
refuses "nothing of them comes out in clear" leaks rerouted "$MARKER"
is "they were not opened" "$(rx_packets)" "$received"
is "and nothing else is counted" "$(drops_here)" "auth_failed=14 quoted=2"
is "the peer's counter has them" "$(status_a '.peers[0].drops.auth_failed')" 14

# Nothing of that has moved the window: the packets themselves are taken.
for family in 4 6; do
	rerouted $family
	ok "IPv$family: as it was sent: opened" wait_for 5 rx_packets_are $((++received))
done

# Where nothing is bound, a packet that would go back is not opened all the same.
HELD=unbound
BIND=none write_configs
with_other_addresses
ok "Bind = none" reload_both
ok "hold packets back" hold unbound
targets4="198.51.100.254 192.0.2.254" targets6="2001:db8:b::fe 2001:db8:a::fe"
received=$(rx_packets) misrouted=0
capture_start rerouted-unbound a
for family in 4 6; do
	targets=targets$family
	for target in ${!targets}; do
		rerouted $family --destination "$target"
		ok "Bind = none, to $target: misrouted" wait_for 5 counts a misrouted $((++misrouted))
	done
done
capture_stop rerouted-unbound
refuses "nothing of them comes out in clear" leaks rerouted-unbound "$MARKER"
is "they were not opened" "$(rx_packets)" "$received"
is "and nothing else is counted" "$(drops_here)" "auth_failed=14 misrouted=4 quoted=2"
for family in 4 6; do
	rerouted $family
	ok "Bind = none, IPv$family: as it was sent: opened" wait_for 5 rx_packets_are $((++received))
done
write_configs
with_other_addresses
ok "Bind as before" reload_both

# ---- fragments ----------------------------------------------------------------------------------------

# The host behind A sends a datagram of an unprotected flow and one of a protected flow, with one id.
reuse_id() {
	tool "$HOST" fragments "$1" "$2" "$3" "5300:$CLEAR_MARKER:both" "5201:$MARKER:$4"
}
# The note of the first fragment lasts a second; until then this passes.
note_has_ended() {
	local before

	before=$(drops_a fragment)
	tool "$HOST" fragments "$1" "$2" "$3" "5300:$CLEAR_MARKER:last"
	[ "$(drops_a fragment)" -gt "$before" ]
}

fragments=$(drops_a fragment)
for ends in "$HOST4 $B4" "$HOST6 $B6"; do
	read -r from to <<<"$ends"
	capture_start fragments a
	ok "$from: the same id twice" reuse_id "$from" "$to" 4660 both
	ok "$from: the fragments of the second are dropped" wait_for 5 counts a fragment $((fragments += 2))
	capture_stop fragments
	refuses "$from: nothing of it leaves" leaks fragments "$MARKER"
	ok "$from: the first leaves whole" leaks fragments "$CLEAR_MARKER"
	is "$from: in two fragments" "$(tcpdump -n -r "$WORK/fragments.pcap" "src host $from" 2>/dev/null | wc -l)" 2

	tool "$HOST" fragments "$from" "$to" 4661 "5300:$CLEAR_MARKER:both" "5300:$CLEAR_MARKER:last"
	is "$from: a later fragment passes at first" "$(drops_a fragment)" $fragments
	ok "$from: and no longer after a while" wait_for 5 note_has_ended "$from" "$to" 4661
	fragments=$(drops_a fragment)
done

ok "down" down

# ---- the same without protection ----------------------------------------------------------------------

capture_start control-rerouted a "ether src $mac_a and ether dst $mac_router"
for family in 4 6; do
	target=targets$family
	tool "$MIDDLE" reroute a "$WORK/held-clear-$family.pcap" 5202 --destination "${!target%% *}" --mac "$mac_a"
done
capture_stop control-rerouted
is "control: A forwards to another destination, out of the same device" \
	"$(udp_of control-rerouted 'map(.destination) | join(" ")')" "${targets4%% *} ${targets6%% *}"
ok "control: the search finds it" leaks control-rerouted "$MARKER"

capture_start control-fragments a
reuse_id $HOST4 $B4 4662 last
capture_stop control-fragments
ok "control: the search finds a later fragment" leaks control-fragments "$MARKER"

# ---- another program at TC egress ---------------------------------------------------------------------

# put_program OPTIONS...: it lives as long as its process, PROGRAM.
put_program() {
	start "$SITE_A" "$WORK/program" "$TOOL" tcx eth0 "$@"
	PROGRAM=$STARTED
	wait_for 5 grep -q attached "$WORK/program"
}

# sent NAME: what leaves A for a protected port
sent() {
	capture_start "$1" a "udp dst port 5204"
	packets "$SITE_A" send $B4 5204 --size 400 --marker "$MARKER"
	packets "$SITE_A" send $B6 5204 --size 400 --marker "$MARKER"
	capture_stop "$1"
}

ok "a program that returns TC_ACT_OK at TC egress" put_program || diag "$(<"$WORK/program.err")"
ok "up after it" up || bail "not up"
ok "send" sent behind
refuses "nothing in clear" leaks behind "$MARKER"
is "both are sealed" "$(udp_of behind 'map(.spi) | join(" ")')" "4097 4097"
is "and opened" "$(status_b '.peers[0].rx.packets')" 2
stop "$PROGRAM"

# The control, and a gap that docs/architecture.md names: who puts a program in front later, decides.
ok "the same program, put in front after up" put_program --before
ok "send again" sent front
ok "the program ended the row: the search finds it" leaks front "$MARKER"
is "B does not take it" "$(all_drops_b)" "plaintext=2"
stop "$PROGRAM"

ok "send without it" sent alone
refuses "nothing in clear without it" leaks alone "$MARKER"
ok "down again" down
ok "nothing is left" no_trace
done_testing
