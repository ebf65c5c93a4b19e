# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer and bench/path/gateway
#
# How a row is measured: traffic from one end to the other, with what was counted before and after it. To be sourced by
# what lays the path out, bench/path/peer or bench/path/gateway, which say in
#
#	label			how the row is called
#	SENDER, RECEIVER	the namespaces of both ends; from and to are their addresses
#	SITE_A, SITE_B		the namespaces of both sites, with the wire, eth0, between them
#
# and define set_segments. A file in peers/ or gateways/ says which protocols it carries and defines
#
#	peer_up			set it up
#	peer_frame PROTOCOL PAYLOAD
#				the length of a data packet on the wire
#	peer_counts		unless it is in clear: set sealed_a, opened_b, sealed_b, opened_a to the packets
#				so far, or, where counts_bytes is set to how much is around each on the wire, bytes;
#				and drops to those that it has names for

# shellcheck source=tests/netns/lib/lib.sh
. "$path/../../tests/netns/lib/lib.sh"
# The library counts tests; none are run here.
TAP_PLAN=0

METER=$OUTPUT/bench/path/meter
B4=192.0.2.2 B6=2001:db8:a::2
TCP_HEADER=32 # with timestamps
ICMP_HEADER=8
# Linux sends no segments of less than 88 bytes, options included, whatever the other end asks for.
SMALLEST_SEGMENT=76
PORT=7000

protocols='' modules='' aggregates='' counts_bytes=''
from='' to='' sealed_a='' opened_b='' sealed_b='' opened_a='' drops=''
recorder=()
peer_counts() { :; }

transport_header() {
	case $1 in
	tcp) echo $TCP_HEADER ;;
	udp) echo $UDP_HEADER ;;
	ping) echo $ICMP_HEADER ;;
	esac
}

load_modules() {
	local module

	for module in $modules; do
		modprobe -q "$module" || bail "$label: the kernel has no module $module"
	done
}

# quiet NAMESPACE: no packets that nobody asked for, and sockets that do not hold what queues on the way cannot.
quiet() {
	in_ns "$1" sh -c '
		echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
		echo 4096 16384 524288 >/proc/sys/net/ipv4/tcp_wmem
		echo 0 0 >/proc/sys/net/ipv4/ping_group_range'
}

# without_offloads NAMESPACE DEVICE on|off: nothing is left to the device; with GRO, or without
without_offloads() {
	in_ns "$1" ethtool -K "$2" tx off rx off sg off tso off gso off gro "$3" >/dev/null
}

# A burst that the stack cuts into segments is no longer than the queues on the way, which hold 128 packets
# (WireGuard's) or 256 (that of XDP on a veth).
limit_bursts() {
	local site device

	for site in "$@"; do
		for device in eth0 lan0 wg0 t0 xs0; do
			ip -n "$site" link set dev "$device" gso_max_segs 64 2>/dev/null || true
		done
	done
}

# device_to NAMESPACE ADDRESS
device_to() {
	ip -n "$1" -o route get "$2" | sed -n 's/.* dev \([^ ]*\) .*/\1/p'
}

# tx packets, tx bytes, rx packets, rx bytes, rx dropped, tx dropped. (sysfs would be another namespace's.)
wire_counts() {
	in_ns "$1" awk '$1 == "eth0:" { print $11, $10, $3, $2, $5, $13 }' /proc/net/dev
}

# How many packets a figure is made of: some hundred million instructions. UDP costs the same in every burst;
# of TCP the bursts differ, and the window begins and ends where the clock says.
UDP_PACKETS=3000 PING_PACKETS=2000 TCP_PACKETS=6000 TCP_PACKETS_IN_CLEAR=${TCP_PACKETS_IN_CLEAR:-30000}

run_udp() {
	"${recorder[@]}" "$METER" udp "$SENDER" "$RECEIVER" "$SITE_A" eth0 "$to" $PORT "$1" 1024 $UDP_PACKETS >"$WORK/run"
}

run_ping() {
	"$METER" ping "$SENDER" "$SITE_A" eth0 "$to" "$1" 256 $PING_PACKETS >"$WORK/run"
}

# iperf3 goes on for longer than what is counted of it: when it ends, what the socket holds has not been sent.
run_tcp() {
	local packets=$TCP_PACKETS server client status=0

	[ -n "$sealed_a" ] || packets=$TCP_PACKETS_IN_CLEAR
	[ -z "$aggregates" ] || packets=$((packets * 8))

	start "$RECEIVER" "$WORK/server" iperf3 -s -1 -B "$to" -p $((PORT + 1)) -i 0
	server=$STARTED
	wait_for 20 listening "$RECEIVER" $((PORT + 1)) tcp || return 1
	start "$SENDER" "$WORK/client" iperf3 -c "$to" -p $((PORT + 1)) -i 0 -n $((packets * 2 * $1 + (1 << 19))) -J
	client=$STARTED
	[ -z "$aggregates" ] || packets=$((packets / 64))
	watch_tcp "$packets" || status=1
	[ "$status" = 0 ] || jq -r '"iperf3: \(.error // "no error")"' "$WORK/client" >&2
	stop "$client"
	stop "$server"
	return $status
}

watch_tcp() {
	in_a "$METER" watch eth0 $(($1 / 2)) "$1" >"$WORK/run" || return 1
	wait_for 600 ended "$client" >&2 && wait_for 600 ended "$server" >&2 || return 1
	jq -e '.error == null' "$WORK/client" >/dev/null || return 1
	jq -c --slurpfile client "$WORK/client" \
		'. + {retransmits: $client[0].end.sum_sent.retransmits}' "$WORK/run" >"$WORK/run.tcp" &&
		mv "$WORK/run.tcp" "$WORK/run"
}

# counts: of the wire's both ends and of the peer, since it was set up.
counts() {
	local a b

	a=$(wire_counts "$SITE_A") b=$(wire_counts "$SITE_B")
	peer_counts || return 1
	jq -n -c --arg a "$a" --arg b "$b" --arg drops "$drops" \
		--arg counts "$sealed_a $opened_b $sealed_b $opened_a" '
		def numbers: [scan("[0-9]+") | tonumber];
		{wire_a: ($a | numbers), wire_b: ($b | numbers), peer: ($counts | numbers),
			drops: ($drops | gsub("^ +| +$"; ""))}'
}

measure() {
	local protocol=$1 payload=$2 run=$3 before after

	[ "$protocol" != tcp ] || set_segments "$payload" || return 1
	before=$(counts) || return 1
	"run_$protocol" "$payload" || return 1
	after=$(counts) || return 1
	jq -c --arg peer "$label" --arg protocol "$protocol" --argjson payload "$payload" --argjson run "$run" \
		--argjson frame "$(peer_frame "$protocol" "$payload")" --arg bytes "$counts_bytes" \
		--arg aggregates "$aggregates" --argjson before "$before" --argjson after "$after" '
		{peer: $peer, protocol: $protocol, payload: $payload, run: $run, frame: $frame,
			aggregates: ($aggregates != ""), counts_bytes: ($bytes | if . == "" then null else tonumber end),
			before: $before, after: $after} + .' "$WORK/run"
}

# profile PAYLOAD: where the instructions of UDP go, function by function, in one more run. A timer that goes off
# every so many instructions takes the samples; what runs with interrupts off counts for who turns them on.
profile() {
	recorder=(perf record -q -e cpu-clock -c 10000 -a -o "$WORK/perf" --)
	run_udp "$1" 2>"$WORK/error" || return 1
	recorder=()
	# How many samples, whose, where. perf itself and the end of the machine's idleness are no part of it.
	perf report -i "$WORK/perf" --stdio --no-children --sort comm,symbol -F sample,comm,symbol -t '|' \
		2>"$WORK/error" | awk -F'|' '/^ *[0-9]/ && $2 !~ /^ *(perf|swapper)/ {
			sub(/^ *\[.\] */, "", $3); sub(/ *- *- *$/, "", $3); sub(/ *$/, "", $3); print $1 + 0 "\t" $3 }' |
		jq -R -n -c --arg peer "$label" --argjson payload "$1" \
			'[inputs | split("\t") | {samples: (.[0] | tonumber), function: .[1]}] |
			(map(.samples) | add) as $all | group_by(.function) |
			map({share: ((map(.samples) | add) / $all), function: .[0].function}) |
			{$peer, $payload, profile: sort_by(-.share)}'
}

# measure_row RUNS TCP-SIZES: each protocol and size, RUNS times
measure_row() {
	local protocol payload sizes run

	for protocol in ${PROTOCOLS:-$protocols}; do
		case $protocol in
		udp) sizes=${PAYLOADS:-64 512 1380} ;;
		tcp) sizes=${PAYLOADS:-$2} ;;
		ping) sizes=56 ;;
		esac
		for payload in $sizes; do
			for ((run = 1; run <= $1; run++)); do
				measure "$protocol" "$payload" "$run" 2>"$WORK/error" || {
					jq -n -c --arg peer "$label" --arg protocol "$protocol" --argjson payload "$payload" \
						--argjson run "$run" --rawfile error "$WORK/error" \
						'{$peer, $protocol, $payload, $run, error: ("failed: " + ($error | rtrimstr("\n")))}'
				}
			done
			[ -z "${PROFILE:-}" ] || [ "$protocol" != udp ] || profile "$payload" ||
				bail "$label: no profile: $(<"$WORK/error")"
		done
	done
}
