#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# IP fragments: those of a protected flow are dropped on both sides, those of other flows pass.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
make_host
write_configs
for address in $B4 $B6; do
	start_echo "$SITE_B" $address 5201
	start_echo "$SITE_B" $address 5300
done

capture_start clear b "udp port 5201"
ok "in clear" packets "$SITE_A" send $B4 5201 --size 1000 --marker "$MARKER"
capture_stop clear
ok "up" up || bail "not up"

# A host behind the site sends all of its fragments; the site's own stack stops at the first that is dropped
# (net/ipv4/ip_output.c, ip_do_fragment).
for sender in "$SITE_A" "$HOST"; do
	name=local expected=1
	[ "$sender" = "$SITE_A" ] || name=forwarded expected=3
	for family in 4 6; do
		address=$B4
		[ $family = 4 ] || address=$B6
		before=$(drops_a fragment)
		capture_start wire a
		refuses "$name, IPv$family: 3000 bytes on a protected port: no answer" \
			packets "$sender" roundtrip $address 5201 --size 3000 --once --marker "$MARKER"
		capture_stop wire
		refuses "$name, IPv$family: nothing of them on the wire" leaks wire "$MARKER"
		is "$name, IPv$family: the fragments are counted" "$(drops_a fragment)" $((before + expected))

		ok "$name, IPv$family: 3000 bytes on another port: an answer" \
			packets "$sender" roundtrip $address 5300 --size 3000 --marker "$MARKER"
		is "$name, IPv$family: none of these is counted" "$(drops_a fragment)" $((before + expected))
		is "$name, IPv$family: nor at B" "$(drops_b fragment)" 0
	done
done
ok "large pings are not UDP" in_a ping -c1 -W10 -s 4000 $B4
ok "nor are those over IPv6" in_a ping -c1 -W10 -s 4000 $B6

# From the middle, as an attacker would who hopes that the stack reassembles behind XDP.
received=$(udp_received "$SITE_B")
fragments_are() { [ "$(drops_b fragment)" = "$1" ]; }
ok "two fragments of a protected flow" packets "$MIDDLE" inject b "$WORK/clear.pcap" --fragment 256
ok "both are counted" wait_for 5 fragments_are 2
ok "a first fragment with less than the UDP header" packets "$MIDDLE" inject b "$WORK/clear.pcap" --fragment 8
ok "both are counted too" wait_for 5 fragments_are 4
ok "a later fragment alone" packets "$MIDDLE" inject b "$WORK/clear.pcap" --fragment 256 --only-last
ok "is counted" wait_for 5 fragments_are 5
is "nothing is delivered" "$(udp_received "$SITE_B")" "$received"
is "and nothing else is counted" "$(all_drops_b)" "fragment=5"
ok "down" down
done_testing
