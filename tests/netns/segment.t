#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A sender that hands the kernel many datagrams at once (UDP_SEGMENT), and one whose device computes no
# checksums: packets that are not what will be on the wire when TC sees them.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
write_configs
ok "up" up || bail "not up"

for offload in on off; do
	ok "tx $offload on the outer device" in_a ethtool -K eth0 tx $offload
	for family in 4 6; do
		address=$B4
		[ $family = 4 ] || address=$B6

		for segment in 500 103; do
			name="IPv$family, tx $offload, segments of $segment"
			start_sink "$SITE_B" $address 5201 "$WORK/sink" --expect 200 --marker "$MARKER"
			capture_start wire b udp
			ok "$name: send" packets "$SITE_A" send $address 5201 --count 20 --size $((10 * segment)) \
				--segment $segment --marker "$MARKER" --rate 200
			ok "$name: all 200 datagrams arrive" wait_for 10 ended "$SINK"
			capture_stop wire
			is "$name: each whole, each once" "$(jq -c . "$WORK/sink")" \
				'{"packets":200,"different":200,"damaged":0}'
			refuses "$name: nothing in clear" leaks wire "$MARKER"
			is "$name: each sealed by itself" \
				"$(udp_of wire '[(map(.sequence) | unique | length), (map(.udp_length) | unique)]' 5201)" \
				"[200,[$((UDP_HEADER + OVERHEAD + segment))]]"
			is "$name: checksums" "$(udp_of wire 'map(.checksum) | unique' 5201)" '["ok"]'
			stop "$SINK"
		done

		# One datagram: its checksum is pending with tx on, complete with tx off.
		[ $offload = off ] || start_echo "$SITE_B" $address $((5202 + family))
		capture_start wire b udp
		ok "IPv$family, tx $offload: a plain datagram" packets "$SITE_A" roundtrip $address $((5202 + family)) \
			--size 300 --marker "$MARKER"
		capture_stop wire
		refuses "IPv$family, tx $offload: not in clear" leaks wire "$MARKER"
		is "IPv$family, tx $offload: its checksum" "$(udp_of wire 'map(.checksum) | unique')" '["ok"]'
	done
done
is "no drops at A" "$(all_drops_a)" ""
is "no drops at B" "$(all_drops_b)" ""
ok "down" down
ok "nothing is left" no_trace
done_testing
