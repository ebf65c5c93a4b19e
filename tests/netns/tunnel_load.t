#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tunnel mode under load: many streams, a large file, and a reload while packets flow. What is sent arrives, all of
# it, and nothing else.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/load_tests.sh
. "$here/load_tests.sh"

make_sites
write_tunnel_configs
ok "up" up || bail "not up"

# An emulated machine does a tenth in the same time.
seconds=10 mebibytes=$((256 / WAIT_FACTOR))
start "$SITE_B" "$WORK/iperf3" iperf3 -s -1 -B $TUNNEL_B4 -p 8001
wait_for 5 listening "$SITE_B" 8001 tcp || bail "no iperf3 server"
ok "iperf3, 4 streams for $seconds s" in_a iperf3 -c $TUNNEL_B4 -p 8001 -P 4 -t $seconds -J
result=$TAP_OUTPUT
is "iperf3 has no error" "$(jq -r '.error // "none"' <<<"$result")" none
ok "all streams carried something" jq -e '[.end.streams[].receiver.bytes > 100000] | all' <<<"$result"
note "$(jq -r '.end.sum_received.bits_per_second / 1e6 | floor' <<<"$result") Mbit/s"

head -c $((mebibytes << 20)) /dev/urandom >"$WORK/file"
start "$SITE_B" "$WORK/hash" sh -c "$PACKETS tcp-receive $TUNNEL_B4 8002 | sha256sum"
receiver=$STARTED
wait_for 5 listening "$SITE_B" 8002 tcp || bail "no receiver"
ok "a file of $mebibytes MiB" sh -c "exec nsenter --net=/run/netns/$SITE_A $PACKETS tcp-send $TUNNEL_B4 8002 --timeout 300 <$WORK/file"
ok "the receiver ends" wait_for 20 ended "$receiver"
is "the same hash" "$(cat "$WORK/hash")" "$(sha256sum <"$WORK/file")"
rm "$WORK/file"

opened=$(peer_opened) sealed=$(status_a '.peers[0].tx.packets')
load_flows $TUNNEL_B4 $TUNNEL_B6
is "A sealed them all" "$(status_a '.peers[0].tx.packets')" $((sealed + 16000))
is "B opened them all" "$(peer_opened)" $((opened + 16000))
is "no drops at A" "$(all_drops_a)" ""
is "no drops at B" "$(all_drops_b)" ""

# Another peer comes and goes at both ends while the first one's packets flow.
make_key 3
make_key 4
load_variants write_tunnel_config unused unused site-c "192.0.2.200:7253" "198.18.0.0/15" \
	0x3001 "$WORK/3.key" 0x3002 "$WORK/4.key"
load_reloads $TUNNEL_B4
ok "down" down
ok "nothing is left" no_trace
done_testing
