#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# XDP native and generic, MTU 1500 and 9000, both ciphers: frames from the smallest to the largest.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
for address in $B4 $B6; do
	start_echo "$SITE_B" $address 5201
done

for combination in "native 1500 aes-128-ocb" "generic 1500 aes-256-ocb" "native 9000 aes-256-ocb" \
	"generic 9000 aes-128-ocb"; do
	read -r XDP mtu CIPHER <<<"$combination"
	rm -f "$WORK"/*.key
	rm -rf "$WORK"/state-?
	write_configs
	ok "$combination: set the MTU" set_mtu "$mtu"
	ok "$combination: up" up || bail "not up"
	is "$combination: status tells the mode" "$(status_b .xdp)" "$XDP"
	is "$combination: the device has it" \
		"$(ip -n "$SITE_B" -j link show eth0 | jq -r '.[0].xdp.mode')" "$([ "$XDP" = native ] && echo 1 || echo 2)"

	for family in 4 6; do
		address=$B4 header=$IP4_HEADER
		[ $family = 4 ] || address=$B6 header=$IP6_HEADER
		largest=$((mtu - header - UDP_HEADER - OVERHEAD))
		capture_start wire b udp
		for size in 16 1400 $((largest / 2)) $((largest - 15)) $largest; do
			ok "$combination, IPv$family: $size bytes" \
				packets "$SITE_A" roundtrip $address 5201 --size "$size" --marker "$MARKER"
		done
		capture_stop wire
		refuses "$combination, IPv$family: nothing in clear" leaks wire "$MARKER"
		is "$combination, IPv$family: the largest fills the MTU" \
			"$(udp_of wire "map(.udp_length + $header) | max")" "$mtu"
		is "$combination, IPv$family: checksums" "$(udp_of wire 'map(.checksum) | unique')" '["ok"]'
	done
	is "$combination: no drops at A" "$(all_drops_a)" ""
	is "$combination: no drops at B" "$(all_drops_b)" ""
	ok "$combination: down" down
done
ok "nothing is left" no_trace
done_testing
