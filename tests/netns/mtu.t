#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A packet that does not fit after growing: dropped, counted, and its sender is told the MTU that would.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
make_host
write_configs
ok "up" up || bail "not up"
usable=$((1500 - OVERHEAD))

# route_mtu NAMESPACE ADDRESS: what the kernel knows of the path
route_mtu() {
	ip -n "$1" route get "$2" | sed -n 's/.* mtu \([0-9]*\).*/\1/p'
}

learned() {
	[ "$(route_mtu "$1" "$2")" = "$3" ]
}

# A forwarded packet is answered by site A's own stack where that has learned the MTU before.
forget() {
	local namespace

	for namespace in "$SITE_A" "$HOST"; do
		ip -n "$namespace" route flush cache
		ip -n "$namespace" -6 route flush cache
	done
}

for sender in "$SITE_A" "$HOST"; do
	name=local
	[ "$sender" = "$SITE_A" ] || name=forwarded
	for family in 4 6; do
		address=$B4 header=$IP4_HEADER
		[ $family = 4 ] || address=$B6 header=$IP6_HEADER
		largest=$((usable - header - UDP_HEADER))
		forget
		start_sink "$SITE_B" $address 5201 "$WORK/sink" --expect 1 --marker "$MARKER"

		before=$(drops_a too_big)
		capture_start wire a udp
		ok "$name, IPv$family: one byte too much" packets "$sender" send $address 5201 \
			--size $((largest + 1)) --dont-fragment --marker "$MARKER"
		ok "$name, IPv$family: the kernel learns MTU $usable" wait_for 5 learned "$sender" $address $usable
		capture_stop wire
		is "$name, IPv$family: too_big counts it" "$(drops_a too_big)" $((before + 1))
		is "$name, IPv$family: nothing leaves" "$(udp_of wire length 5201)" 0

		ok "$name, IPv$family: once more" packets "$sender" send $address 5201 \
			--size $((largest + 1)) --dont-fragment --marker "$MARKER"
		is "$name, IPv$family: the socket says EMSGSIZE and the MTU" "$(jq -c . <<<"$TAP_OUTPUT")" \
			"{\"sent\":0,\"refused\":1,\"mtu\":$usable}"
		is "$name, IPv$family: it did not come as far as the device" "$(drops_a too_big)" $((before + 1))

		ok "$name, IPv$family: what fits" packets "$sender" send $address 5201 \
			--size $largest --dont-fragment --marker "$MARKER"
		ok "$name, IPv$family: arrives" wait_for 5 ended "$SINK"
		is "$name, IPv$family: whole" "$(jq -c . "$WORK/sink")" '{"packets":1,"different":1,"damaged":0}'
	done
done

# The answer is an answer: right checksum, the right MTU, about the packet that was sent.
forget
start "$HOST" "$WORK/icmp" tcpdump -i eth0 -U --immediate-mode -n -vv -w "$WORK/icmp.pcap" \
	"icmp[icmptype] == icmp-unreach or (icmp6 and ip6[40] == 2)"
tcpdump=$STARTED
wait_for 10 grep -q 'listening on' "$WORK/icmp.err"
packets "$HOST" send $B4 5201 --size 1460 --dont-fragment >/dev/null
packets "$HOST" send $B6 5201 --size 1440 --dont-fragment >/dev/null
both_answers() {
	[ "$(tcpdump -n -r "$WORK/icmp.pcap" 2>/dev/null | grep -c "mtu $usable")" = 2 ]
}
ok "both families answer with MTU $usable" wait_for 5 both_answers
stop $tcpdump
is "no bad checksum in the answers" \
	"$(tcpdump -n -vv -r "$WORK/icmp.pcap" 2>/dev/null | grep -c 'bad icmp cksum\|wrong icmp cksum\|bad cksum')" 0
note "$(tcpdump -n -r "$WORK/icmp.pcap" 2>/dev/null)"

# A smaller MTU further on: the router there tells its own, which is that of the sealed packet.
ok "MTU 1400 behind the router" ip -n "$MIDDLE" link set dev b mtu 1400
forget
for family in 4 6; do
	address=$B4 header=$IP4_HEADER
	[ $family = 4 ] || address=$B6 header=$IP6_HEADER
	largest=$((1400 - OVERHEAD - header - UDP_HEADER))
	start_sink "$SITE_B" $address 5201 "$WORK/sink" --expect 1 --marker "$MARKER"
	packets "$SITE_A" send $address 5201 --size $((largest + 1)) --dont-fragment --marker "$MARKER" >/dev/null
	ok "path, IPv$family: the kernel learns MTU $((1400 - OVERHEAD))" \
		wait_for 3 learned "$SITE_A" $address $((1400 - OVERHEAD))
	ok "path, IPv$family: what fits" packets "$SITE_A" send $address 5201 \
		--size $largest --dont-fragment --marker "$MARKER"
	ok "path, IPv$family: arrives" wait_for 5 ended "$SINK"
done

# ---- forged ----------------------------------------------------------------------------------------

# forge MTU OPTIONS PROTOCOL FRAGMENT HEX: from the middle, which site A has sent nothing to: "fragmentation needed", with so
# many bytes of options, about an IPv4 packet to site B with that protocol, fragment offset and flags, and start
forge() {
	in_middle python3 - $A4 $B4 "$@" <<'PYTHON'
import socket, struct, sys

a, b = (socket.inet_aton(address) for address in sys.argv[1:3])
mtu, options, protocol, fragment = (int(number, 0) for number in sys.argv[3:7])

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    return ~(total % 0xffff) & 0xffff

def header(source, destination, protocol, length, options=0, fragment=0):
    start = struct.pack("!BBHHHBBH", 0x45 + options // 4, 0, 20 + options + length, 1, fragment, 64, protocol, 0)
    whole = start + source + destination + b"\1" * options
    return whole[:10] + struct.pack("!H", checksum(whole)) + whole[12:]

icmp = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + header(a, b, protocol, 1400, 0, fragment) + bytes.fromhex(sys.argv[7])
icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
out.sendto(header(socket.inet_aton("203.0.113.254"), a, 1, len(icmp), options) + icmp, (sys.argv[1], 0))
PYTHON
}

unproven() { [ "$(drops_a unproven)" = "$1" ]; }
# Any socket that the stack finds by the quoted ports will do.
for port in 5201 5900; do
	start_sink "$SITE_A" 0.0.0.0 $port "$WORK/socket$port" --expect 1 --marker "$MARKER"
done
while read -r about options protocol fragment quote; do
	forget
	before=$(drops_a unproven)
	ok "forged, $about: sent" forge 1279 "$options" "$protocol" "$fragment" "$quote"
	ok "forged, $about: not believed" wait_for 5 unproven $((before + 1))
	is "forged, $about: the kernel has learned nothing" "$(route_mtu "$SITE_A" $B4)" ""
	ok "forged, $about, with a larger MTU: sent" forge 1280 "$options" "$protocol" "$fragment" "$quote"
	ok "forged, $about, with a larger MTU: the kernel learns it" wait_for 5 learned "$SITE_A" $B4 1280
done <<QUOTES
protected 0 17 0 1451145105780000
unprotected 0 17 0 170c170c05780000
echo-reply 0 1 0 0000000000010001
first-fragment 0 17 0x2000 1451145105780000
later-fragment 0 17 1 1451145105780000
options-in-front 8 17 0 1451145105780000
QUOTES
forget
ok "down" down

# Generic XDP sees packets later than a driver does, and must leave our own answer alone too.
ok "generic XDP: MTU 1500 behind the router" ip -n "$MIDDLE" link set dev b mtu 1500
XDP=generic write_configs
ok "generic XDP: up" up || bail "not up"
for address in $B4 $B6; do
	forget
	packets "$SITE_A" send $address 5201 --size 1445 --dont-fragment >/dev/null
	ok "generic XDP, $address: the kernel learns MTU $usable" wait_for 5 learned "$SITE_A" $address $usable
done
ok "generic XDP: down" down
ok "nothing is left" no_trace
done_testing
