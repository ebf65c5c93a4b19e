#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plain UDP, IPv4 and IPv6: what is on the wire, and what arrives.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
write_configs
for address in $B4 $B6; do
	start_echo "$SITE_B" $address 5201
	start_echo "$SITE_B" $address 5300
done

# The control for every search below: in clear, the same search finds the marker.
capture_start clear b udp
ok "in clear: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"
capture_stop clear
ok "in clear: the capture shows the payload" leaks clear "$MARKER"

ok "up at A" up_a || bail "not up"
ok "up at B" up_b || bail "not up"

for family in 4 6; do
	address=$B4 header=$IP4_HEADER
	[ $family = 4 ] || address=$B6 header=$IP6_HEADER
	largest=$((1500 - header - UDP_HEADER - OVERHEAD))

	ok "IPv$family: all lengths" packets "$SITE_A" lengths $address 5201 --most $largest
	for size in 8 15 16 17 31 32 33 100 1000 $((largest - 1)) $largest; do
		capture_start "sealed-$family-$size" b udp
		ok "IPv$family, $size bytes: an equal answer" \
			packets "$SITE_A" roundtrip $address 5201 --size "$size" --marker "$MARKER"
		capture_stop "sealed-$family-$size"
		refuses "IPv$family, $size bytes: nothing of it on the wire" leaks "sealed-$family-$size" "$MARKER"
		is "IPv$family, $size bytes: the UDP length grows by $OVERHEAD, both ways" \
			"$(udp_of "sealed-$family-$size" 'map(.udp_length) | unique')" \
			"[$((UDP_HEADER + OVERHEAD + size))]"
		is "IPv$family, $size bytes: checksums and lengths are right" \
			"$(udp_of "sealed-$family-$size" 'map([.checksum, .lengths_ok, .header_ok]) | unique')" \
			'[["ok",true,true]]'
		is "IPv$family, $size bytes: the SPIs of both directions" \
			"$(udp_of "sealed-$family-$size" 'map(.spi) | unique')" "[$((0x1001)),$((0x1002))]"
	done
done

# tcpdump computes checksums with code that is not ours.
is "tcpdump finds no bad checksum" \
	"$(tcpdump -vv -n -r "$WORK/sealed-4-100.pcap" 2>/dev/null | grep -c 'bad.*cksum')" 0
ok "tcpdump finds right ones" sh -c "tcpdump -vv -n -r $WORK/sealed-4-100.pcap 2>/dev/null | grep -q 'udp sum ok'"

# The IP header keeps the sender's values: EF and ECT(1), a TTL that shows one hop, at both ends of XDP.
for family in 4 6; do
	address=$B4
	[ $family = 4 ] || address=$B6
	start_sink "$SITE_B" $address 5202 "$WORK/sink-$family" --expect 1 --marker "$MARKER"
	capture_start "wire-$family" b "udp"
	capture_start "opened-$family" site-b "udp"
	packets "$SITE_A" send $address 5202 --ttl 77 --tos 0xb9 --size 200 --marker "$MARKER" >/dev/null
	ok "IPv$family: a single datagram arrives" wait_for 5 ended "$SINK"
	capture_stop "wire-$family"
	capture_stop "opened-$family"
	is "IPv$family: TTL, DSCP and ECN on the wire" \
		"$(udp_of "wire-$family" 'map([.ttl, .tos]) | unique' 5202)" "[[76,$((0xb9))]]"
	is "IPv$family: TTL, DSCP and ECN after opening" \
		"$(udp_of "opened-$family" 'map([.ttl, .tos]) | unique' 5202)" "[[76,$((0xb9))]]"
	is "IPv$family: lengths and checksums after opening" \
		"$(udp_of "opened-$family" 'map([.udp_length, .checksum, .lengths_ok, .header_ok]) | unique' 5202)" \
		"[[$((UDP_HEADER + 200)),\"ok\",true,true]]"
	ok "IPv$family: the payload is there after opening" leaks "opened-$family" "$MARKER"
done

# IPv4 options, an IPv6 extension header: the UDP header is further back.
for family in 4 6; do
	address=$B4
	[ $family = 4 ] || address=$B6
	start_sink "$SITE_B" $address 5203 "$WORK/sink-options-$family" --expect 1 --marker "$MARKER"
	capture_start "options-$family" b "ip or ip6"
	packets "$SITE_A" send $address 5203 --options --size 200 --marker "$MARKER" >/dev/null
	ok "IPv$family with options: arrives" wait_for 5 ended "$SINK"
	capture_stop "options-$family"
	is "IPv$family with options: whole" "$(jq -c . "$WORK/sink-options-$family")" \
		'{"packets":1,"different":1,"damaged":0}'
	refuses "IPv$family with options: not in clear" leaks "options-$family" "$MARKER"
	is "IPv$family with options: length and checksum on the wire" \
		"$(udp_of "options-$family" 'map([.udp_length, .checksum, .lengths_ok, .header_ok]) | unique' 5203)" \
		"[[$((UDP_HEADER + OVERHEAD + 200)),\"ok\",true,true]]"
done

# Another port is none of our business.
capture_start other b udp
ok "another port: an answer" packets "$SITE_A" roundtrip $B4 5300 --marker "$MARKER"
ok "another port, IPv6: an answer" packets "$SITE_A" roundtrip $B6 5300 --marker "$MARKER"
capture_stop other
ok "another port: in clear, as before" leaks other "$MARKER"
is "another port: the length is the sender's" "$(udp_of other 'map(.udp_length) | unique')" "[$((UDP_HEADER + 100))]"

is "what A sealed B opened" "$(status_b '.peers[0].rx.packets')" "$(status_a '.peers[0].tx.packets')"
is "what B sealed A opened" "$(status_a '.peers[0].rx.packets')" "$(status_b '.peers[0].tx.packets')"
is "in bytes of payload too" "$(status_b '.peers[0].rx.bytes')" "$(status_a '.peers[0].tx.bytes')"
is "no drops at A" "$(all_drops_a)" ""
is "no drops at B" "$(all_drops_b)" ""

ok "down" down
ok "nothing is left" no_trace
capture_start after b udp
ok "after down: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"
capture_stop after
ok "after down: in clear" leaks after "$MARKER"
done_testing
