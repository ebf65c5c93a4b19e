# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Traffic that every tunnel over UDP must carry; sourced by the tests of these. The near ends keep all
# offloads on: TCP hands large packets with pending checksums to the tunnel device.

# tunnel_carries NAME INNER-MTU PORT [CHECKSUM]: what UDP checksums on the wire are to be ("ok", or "none")
tunnel_carries() {
	local name=$1 mtu=$2 port=$3 checksum=${4:-ok} size server sum
	local -a sizes=(0 1 15 16 17 56 500 1000 $((mtu - 29)) $((mtu - 28)))

	capture_start wire b "udp port $port"
	for size in "${sizes[@]}"; do
		ok "$name: ping with $size bytes" in_a ping -c1 -W5 -M "do" -s "$size" $TUNNEL_B4
	done
	ok "$name: ping over IPv6, the largest" in_a ping -c1 -W5 -M "do" -s $((mtu - 48)) $TUNNEL_B6
	refuses "$name: one byte more does not fit the tunnel device" in_a ping -c1 -W1 -M "do" -s $((mtu - 27)) $TUNNEL_B4

	# Text that any stretch of can be found in the capture, and a sum to compare.
	yes "$MARKER" | tr -d '\n' | head -c 4000000 >"$WORK/text"
	sum=$(sha256sum <"$WORK/text")
	start "$SITE_B" "$WORK/received" "$PACKETS" tcp-receive $TUNNEL_B4 8000
	server=$STARTED
	wait_for 5 listening "$SITE_B" 8000 tcp || bail "no TCP server"
	ok "$name: 4 MB of TCP" sh -c "exec nsenter --net=/run/netns/$SITE_A $PACKETS tcp-send $TUNNEL_B4 8000 <$WORK/text"
	wait_for 5 ended "$server"
	is "$name: the same bytes came out" "$(sha256sum <"$WORK/received")" "$sum"
	capture_stop wire
	refuses "$name: nothing of it in clear on the wire" leaks wire "$MARKER"
	is "$name: checksums on the wire are right" "$(udp_of wire 'map(.checksum) | unique')" "[\"$checksum\"]"
	is "$name: no sequence number twice" \
		"$(udp_of wire 'map([.spi, .sequence]) | (length - (unique | length))')" 0

	start "$SITE_B" "$WORK/iperf3" iperf3 -s -1 -B $TUNNEL_B4 -p 8001
	wait_for 5 listening "$SITE_B" 8001 tcp || bail "no iperf3 server"
	ok "$name: iperf3, 32 MB" in_a iperf3 -c $TUNNEL_B4 -p 8001 -n 32M -J
	is "$name: iperf3 has no error" "$(jq -r '.error // "none"' <<<"$TAP_OUTPUT")" none
	note "$name: $(jq -r '.end.sum_received.bits_per_second / 1e6 | floor' <<<"$TAP_OUTPUT") Mbit/s"

	start "$SITE_B" "$WORK/iperf3" iperf3 -s -1 -B $TUNNEL_B4 -p 8002
	wait_for 5 listening "$SITE_B" 8002 tcp || bail "no iperf3 server"
	ok "$name: iperf3 the other way" in_a iperf3 -c $TUNNEL_B4 -p 8002 -n 32M -R -J
	is "$name: iperf3 the other way has no error" "$(jq -r '.error // "none"' <<<"$TAP_OUTPUT")" none
}

# The drops that must not be there, whatever the TCP did: a reordered or lost packet is none of them.
no_tunnel_drops() {
	is "$1: no drops at A" "$(all_drops_a)" ""
	is "$1: no drops at B" "$(all_drops_b)" ""
}
