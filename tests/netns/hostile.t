#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Someone in the middle: what is tampered with, forged, replayed or in clear is dropped under its own
# counter, and nothing of it reaches a socket.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
write_configs
# Another peer of B, whose address the middle can put on a packet.
make_key c-to-b
make_key b-to-c
write_config unused unused site-c "192.0.2.3/32" 0x2002 "$WORK/b-to-c.key" 0x2001 "$WORK/c-to-b.key" |
	sed -n '/\[Peer\]/,$p' >>"$WORK/$NAME_B.conf"
ok "up" up || bail "not up"
start_sink "$SITE_B" $B4 5201 "$WORK/sink" --marker "$MARKER"
mac_b=$(mac "$SITE_B" eth0)

drops_grew() {
	[ "$(drops_b "$1")" -gt "$2" ]
}

# dropped NAME REASON INJECT-OPTIONS...: from the middle to B, a frame of the capture changed so
dropped() {
	local name=$1 reason=$2 before received want

	shift 2
	before=$(all_drops_b) received=$(udp_received "$SITE_B")
	want=$(($(drops_b "$reason") + 1))
	ok "$name: inject" packets "$MIDDLE" inject b "$WORK/good.pcap" --mac "$mac_b" "$@"
	wait_for 5 drops_grew "$reason" $((want - 1))
	is "$name: $reason counts it, and nothing else does" "$(all_drops_b)" \
		"$(tr ' ' '\n' <<<"$before" | grep -v "^$reason=\|^$" | cat - <(echo "$reason=$want") | sort | paste -sd' ')"
	is "$name: nothing is delivered" "$(udp_received "$SITE_B")" "$received"
}

capture_start good b "udp port 5201"
ok "a good packet" packets "$SITE_A" send $B4 5201 --size 100 --marker "$MARKER"
delivered_one() { [ "$(status_b '.peers[0].rx.packets')" = 1 ]; }
ok "is opened" wait_for 5 delivered_one
capture_stop good

dropped "replayed" replayed
dropped "one bit of the ciphertext" auth_failed --xor 40:0x01
dropped "the last byte" auth_failed --xor 131:0x80
dropped "one bit of the tag" auth_failed --xor 16:0x01
dropped "the last bit of the tag" auth_failed --xor 31:0x80
dropped "a sequence number that was never used" auth_failed --xor 15:0x40
dropped "a sequence number far ahead" auth_failed --xor 8:0x40
dropped "another next header" wrong_next_header --xor 4:0x01
dropped "another version" malformed --xor 5:0x02
dropped "reserved bits" malformed --xor 7:0x01
dropped "an unknown SPI" unknown_spi --spi 0x9999
dropped "an SPI that is reserved" unknown_spi --spi 17
dropped "the SPI of another peer" wrong_peer --spi 0x2001
dropped "the address of another peer" wrong_peer --source 192.0.2.3
dropped "the last byte is missing" auth_failed --truncate 131
dropped "no ciphertext" auth_failed --truncate 32
dropped "one byte too short for a header" malformed --truncate 31
dropped "only an SPI" malformed --truncate 4
dropped "clear text" plaintext --payload "hello"
dropped "long clear text" plaintext --payload "a long line of text, longer than header and tag are together"
dropped "nothing at all" plaintext --truncate 0
dropped "with a priority tag in front, replayed" replayed --vlan 0

# After all that, the window has not moved: the next good packet is taken.
ok "a good packet after all that" packets "$SITE_A" send $B4 5201 --first 1 --size 100 --marker "$MARKER"
delivered_two() { [ "$(status_b '.peers[0].rx.packets')" = 2 ]; }
ok "is opened too" wait_for 5 delivered_two

# Packets that the middle holds back and brings in another order: each is taken once.
ok "hold packets back" set_middle_drop 5202
start_sink "$SITE_B" $B4 5202 "$WORK/late" --expect 6 --marker "$MARKER"
late=$SINK
capture_start good a "udp port 5202"
ok "six packets" packets "$SITE_A" send $B4 5202 --count 6 --size 300 --marker "$MARKER"
capture_stop good
for index in 3 0 4 2 1; do
	ok "bring number $index" packets "$MIDDLE" inject b "$WORK/good.pcap" --mac "$mac_b" --index $index
done
# A tag with VLAN 0 carries a priority and nothing else (IEEE 802.1Q): the stack takes it off.
ok "bring number 5 with a priority tag" packets "$MIDDLE" inject b "$WORK/good.pcap" --mac "$mac_b" --index 5 --vlan 0
ok "all six arrive" wait_for 5 ended "$late"
is "whole" "$(jq -c . "$WORK/late")" '{"packets":6,"different":6,"damaged":0}'
for index in 0 2 4; do
	dropped "number $index once more" replayed --index $index
done

# The same SPI with another key.
ok "A down" down_a
make_key a-to-b
ok "A up with another key" xdpsec_a up "$WORK/$NAME_A.conf" --new-key || bail "not up"
defer down_a
before=$(drops_b auth_failed) received=$(udp_received "$SITE_B")
ok "send with another key" packets "$SITE_A" send $B4 5201 --count 3 --size 100 --marker "$MARKER"
ok "another key: auth_failed" wait_for 5 drops_grew auth_failed $((before + 2))
is "another key: exactly three" "$(drops_b auth_failed)" $((before + 3))
is "another key: the peer's counter has them too" "$(status_b '.peers[0].drops.auth_failed > 0')" true
is "another key: nothing is delivered" "$(udp_received "$SITE_B")" "$received"

# A site without XDPsec sends in clear.
ok "A down again" down_a
before=$(drops_b plaintext)
ok "send in clear" packets "$SITE_A" send $B4 5201 --count 3 --size 100 --marker "$MARKER"
ok "in clear: plaintext" wait_for 5 drops_grew plaintext $((before + 2))
is "in clear: exactly three" "$(drops_b plaintext)" $((before + 3))
is "in clear: nothing is delivered" "$(udp_received "$SITE_B")" "$received"

stop "$SINK"
ok "down" down
ok "nothing is left" no_trace
done_testing
