#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/path/report.py gives no figure for a path that is not what its row says, and bench/vmbench refuses what
# it cannot measure before it boots anything.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

bench=$(dirname "$0")/../../bench
WORK=$(mktemp -d) || exit 255
defer rm -rf "$WORK"

# 1000 packets of 142 bytes, sealed at A and opened at B, and 10 that came back. In a window of 500 of these the
# machine executed ten million instructions.
RUN='{"peer": "esp-tunnel", "protocol": "udp", "payload": 64, "run": 1, "frame": 142, "aggregates": false,
	"counts_bytes": null, "instructions": 10000000, "idle": 0, "tx_packets": 500, "tx_bytes": 71000,
	"rx_packets": 5, "rx_bytes": 500, "sent": 1000, "received": 1000, "damaged": 0,
	"before": {"wire_a": [7, 700, 5, 500, 0, 0], "wire_b": [5, 500, 7, 700, 0, 0], "peer": [7, 7, 5, 5], "drops": ""},
	"after": {"wire_a": [1007, 142700, 15, 1500, 0, 0], "wire_b": [15, 1500, 1007, 142700, 0, 0],
		"peer": [1007, 1007, 15, 15], "drops": ""}}'
LOOP='{"instructions": 200100000, "idle": 0, "expected": 200000000}'

# report FILTER...: of a file with one run for each filter, changed by it.
report() {
	local filter

	jq -n -c --argjson loop "${CALIBRATION:-$LOOP}" '{kernel: "6.12.1", calibration: [$loop, $loop]}' >"$WORK/raw"
	for filter in "$@"; do
		jq -c "$filter" <<<"$RUN" >>"$WORK/raw" || return 99
	done
	"$bench/path/report.py" "$WORK/raw" "$WORK/json"
}
# jq 1.7 prints 20000.0 as it is written, earlier ones as 20000.
path() { jq -r ".paths[0].$1 | if type == \"number\" then floor else . end" "$WORK/json"; }

# refused NAME FILTER REASON
refused() {
	refuses "$1: refused" report "$2"
	like "$1: the reason" "$TAP_OUTPUT" "refused: esp-tunnel, UDP, 64 bytes: $3"
	is "$1: no figure" "$(path instructions)" null
}

ok "a sound run has a figure" report . .
like "the figure is in the table" "$TAP_OUTPUT" $'\nesp-tunnel +20000\n'
is "instructions of a packet of the window" "$(path instructions)" 20000
is "no spread" "$(path spread)" 0
like "the report says what is counted" "$TAP_OUTPUT" 'What an instruction count is not: time'

ok "runs that differ by 1 %: a figure" report . '.instructions = 10100000'
unlike "runs that differ by 1 %: no mark" "$TAP_OUTPUT" '20100!'
ok "runs that differ by 5 %: a figure" report . '.instructions = 10500000'
like "runs that differ by 5 %: marked" "$TAP_OUTPUT" '! esp-tunnel, UDP, 64 bytes: from 20000 to 21000'
ok "large packets count as their segments" report '.aggregates = true | .tx_packets = 10 | .tx_bytes = 10 * 78 + 500 * 64'
is "large packets: the figure" "$(path instructions)" 20000

refused "lost between the sockets" '.received = 998' '1000 sent, 998 received, 0 of them damaged'
refused "damaged" '.damaged = 1' '1000 sent, 1000 received, 1 of them damaged'

refused "other packets than the row's" '.tx_bytes = 500 * 160' 'packets on the wire have 160.0 bytes, not 142'
refused "not sealed" '.after.peer = [7, 7, 15, 15]' 'A to B: 1000 packets on the wire, of which 0 were sealed'
refused "not opened" '.after.peer[1] = 900 | .after.drops = "auth_failed=107"' \
	'A to B: 1000 packets were sealed, 893 opened \(auth_failed=107\)'
refused "answers not sealed" '.after.wire_b[0] = 1005 | .after.wire_a[2] = 1005' 'B to A: 1000 packets on the wire, of which 10 were sealed'
refused "lost on the wire" '.after.wire_b[2] = 907' 'A to B: 1000 packets were sent on the wire and 900 came'
refused "dropped by a device" '.after.wire_a[5] = 2' '2 packets were dropped on the wire'
refused "an idle machine" '.idle = 5000000' 'the machine was idle for 50% of the time'
refused "a failed run" '{peer, protocol, payload, run, error: "failed: no more packets"}' 'failed: no more packets'

ok "a gateway, which has no short segments" report '.peer = "xdpsec@nic6"'
unlike "a gateway: no column for short segments" "$TAP_OUTPUT" 'TCP 76'
like "a gateway: its row" "$TAP_OUTPUT" 'xdpsec@nic6 +20000'
ok "a ping" report '.protocol = "ping" | .payload = 56'
like "a ping: its column" "$TAP_OUTPUT" $'PING 56\nesp-tunnel +20000\n'
refuses "a ping without an answer" report '.protocol = "ping" | .payload = 56 | .received = 999'
like "a ping without an answer: the reason" "$TAP_OUTPUT" 'PING, 56 bytes: 1000 sent, 999 received'
refuses "TCP that sent again" report '.protocol = "tcp" | .payload = 512 | .frame = 142 | .retransmits = 3'
like "TCP that sent again: the reason" "$TAP_OUTPUT" 'TCP sent 3 segments again'
refuses "one bad run of two" report . '.received = 0'
is "one bad run of two: no figure" "$(path instructions)" null
refuses "a peer that cannot be set up" report '{peer: "wireguard", error: "cannot be set up"}'
like "a peer that cannot be set up: the reason" "$TAP_OUTPUT" 'refused: wireguard: cannot be set up'

ok "the data plane alone" report . '{core: [{cipher: "aes", mode: "inline", payload: 64,
		bare_encrypt: {nanoseconds: 1}, bare_decrypt: {nanoseconds: 2}, seal: {nanoseconds: 3},
		seal_checksummed: {nanoseconds: 4}, open: {nanoseconds: 5}, open_checksummed: {nanoseconds: 6}},
	{cipher: "aes", mode: "tunnel", payload: 64, bare_encrypt: {nanoseconds: 1}, bare_decrypt: {nanoseconds: 2},
		seal: {nanoseconds: 7}, open: {nanoseconds: 8}}]}'
like "the data plane alone: inline" "$TAP_OUTPUT" $'\nseal, aes +3\n.*open_checksummed, aes +6\n'
like "the data plane alone: a tunnel has no UDP checksum" "$TAP_OUTPUT" $'\ntunnel_seal, aes +7\ntunnel_open, aes +8\n'
unlike "the data plane alone: one size has no cost of a block" "$TAP_OUTPUT" 'A block beyond'
ok "two sizes of the data plane" report . '{core: [[512, 100, 500], [1408, 1220, 3020]] | map(
	{cipher: "aes", mode: "inline", payload: .[0], bare_encrypt: {nanoseconds: .[1]}, bare_decrypt: {nanoseconds: .[1]},
		seal: {nanoseconds: .[2]}, seal_checksummed: {nanoseconds: .[2]}, open: {nanoseconds: .[2]},
		open_checksummed: {nanoseconds: (.[2] + .[0])}})}'
like "what a block costs: (3020 - 500 - 1120) / 56, and 16 more where each byte costs one" "$TAP_OUTPUT" \
	$'\nA block beyond the bare cipher, aes: seal 25.0, seal_checksummed 25.0, open 25.0, open_checksummed 41.0\n'
unlike "the larger size has no column" "$TAP_OUTPUT" '3020'

ok "a profile" report . '{peer, payload, profile: [{share: 0.25, function: "kernel_fpu_begin_mask"}]}'
like "a profile: functions, in instructions a packet" "$TAP_OUTPUT" ' 5000  kernel_fpu_begin_mask'

CALIBRATION='{"instructions": 340000000, "idle": 0, "expected": 200000000}'
refuses "a clock that counts something else" report .
like "a clock that counts something else: the reason" "$TAP_OUTPUT" "the machine's clock does not count instructions"
CALIBRATION=

refuses "an unknown peer" "$bench/vmbench" -o "$WORK" carrier-pigeon
like "an unknown peer: which there are" "$TAP_OUTPUT" 'carrier-pigeon: no such peer.*hint: peers are esp-transport'
refuses "an unknown gateway" "$bench/vmbench" -o "$WORK" carrier-pigeon@nic
like "an unknown gateway: which there are" "$TAP_OUTPUT" 'carrier-pigeon@nic: no such gateway.*gateways, .* are esp-tunnel forward'
refuses "a gateway with unknown offloads" "$bench/vmbench" -o "$WORK" xdpsec@some
like "a gateway with unknown offloads: the reason" "$TAP_OUTPUT" 'xdpsec@some: no such gateway'
refuses "a gateway as a peer" "$bench/vmbench" -o "$WORK" xdp-forward
like "a gateway as a peer: the reason" "$TAP_OUTPUT" 'xdp-forward: no such peer'
refuses "unknown offloads" env OFFLOADS=most "$bench/vmbench" -g -o "$WORK"
like "unknown offloads: the reason" "$TAP_OUTPUT" 'forward@most: no such gateway'
refuses "an unknown version of IP" env FAMILIES=5 "$bench/vmbench" -g -o "$WORK"
like "an unknown version of IP: the reason" "$TAP_OUTPUT" 'forward@nic5: no such gateway'
refuses "no number of runs" "$bench/vmbench" -o "$WORK" -r 0 veth
like "no number of runs: the reason" "$TAP_OUTPUT" '-r 0: not a number from 1 to 9'
done_testing
