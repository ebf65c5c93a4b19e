#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pktgen.sh [OPTION...] DEVICE: the kernel's packet generator through the egress program of an instance that is up.
#
#	-i NAME     the instance, where more than one is on a device of that name
#	-d ADDRESS  destination, protected; default: the first of the first peer's single addresses
#	-p PORT     destination port, protected; default: the first of that peer's
#	-s SIZES    bytes of the frames, in clear, without CRC: "64 512 1400"
#	-c COUNT    packets of each size, from each thread: 100000
#	-f FLOWS    source ports, taken in turn: 16
#	-t THREADS  of pktgen, each on a CPU of its own: 1
#	-l SECONDS  a size ends after that, done or not: 60
#	-u          with a UDP checksum, which on most devices is left for them to compute: the way over the hop
#	-6          over IPv6
#	-m MAC      of the next hop; default: what the kernel knows or finds out
#	-j FILE     the results as JSON, too
#
# What it measures: how many packets a second one or more CPUs build, take through TC egress (the policy, sealing,
# all of dev_queue_xmit) and hand to the driver, or to the hop's queue with -u. A rate with -u is that of the queue
# if it overflows: see what was dropped. What it does not: sockets, routing and nftables, which pktgen goes past;
# the driver's and the wire's own speed unless they are the slowest part; opening, which is the other site's.
#
# THE PACKETS ARE REAL: they leave by the device, to the peer. Its counters are in `xdpsec status` there; its stack
# answers each with an ICMP error, at its limit of rate, if nobody listens on the port.
#
# Nothing of the device is changed, and pktgen has forgotten it afterwards, also after Ctrl-C. Exit status: 0, and
# every packet was sealed or is counted under the name of a reason; 1 an error, or a packet is missing; 2 usage.
set -uo pipefail

export PATH=$PATH:/usr/sbin:/sbin
here=$(dirname "$(realpath "$0")")
OVERHEAD=32 ETHERNET=14
PGCTRL=/proc/net/pktgen/pgctrl

XDPSEC=${XDPSEC:-$(realpath -m "$here/../.output/xdpsec")}
[ -x "$XDPSEC" ] || XDPSEC=$(command -v xdpsec)

help() {
	sed -n '4,/^# What it/p' "$0" | sed '/^# What it/d; s/^# \{0,1\}//'
	exit 0
}
usage() {
	echo "pktgen: $1" >&2
	echo "hint: ${0##*/} -h lists the options" >&2
	exit 2
}
die() {
	echo "pktgen: $1" >&2
	[ $# -lt 2 ] || echo "hint: $2" >&2
	exit 1
}

# ---- what is asked for ---------------------------------------------------------------------------------

instance='' destination='' port='' sizes='' count=100000 flows=16 threads=1 limit=60 checksum='' family=4 mac='' json=''

# number NAME VALUE LOWEST HIGHEST
number() {
	[[ $2 =~ ^[0-9]{1,10}$ ]] || usage "$1: '$2' is not a number"
	[ "$((10#$2))" -ge "$3" ] && [ "$((10#$2))" -le "$4" ] || usage "$1: $2 is not from $3 to $4"
}

read_options() {
	while getopts :i:d:p:s:c:f:t:l:u6m:j:h option; do
		case $option in
		i) instance=$OPTARG ;;
		d) destination=$OPTARG ;;
		p) port=$OPTARG ;;
		s) sizes=$OPTARG ;;
		c) count=$OPTARG ;;
		f) flows=$OPTARG ;;
		t) threads=$OPTARG ;;
		l) limit=$OPTARG ;;
		u) checksum=1 ;;
		6) family=6 ;;
		m) mac=$OPTARG ;;
		j) json=$OPTARG ;;
		h) help ;;
		:) usage "-$OPTARG takes a value" ;;
		*) usage "-$OPTARG is not an option" ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -eq 1 ] || usage "one DEVICE, please"
	device=$1
	number "-c" "$count" 1 4000000000
	number "-f" "$flows" 1 16383
	number "-t" "$threads" 1 "$(nproc)"
	number "-l" "$limit" 1 86400
	[ -z "$port" ] || number "-p" "$port" 1 65535
	[ -z "$mac" ] || [[ $mac =~ ^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$ ]] || usage "-m: '$mac' is not a MAC address"
	case $destination in
	'') ;;
	*:*) [ "$family" = 6 ] || usage "-d: $destination needs -6" ;;
	*.*) [ "$family" = 4 ] || usage "-d: $destination is not an IPv6 address" ;;
	*) usage "-d: '$destination' is not an address" ;;
	esac
}

check_machine() {
	local tool

	[ "$(id -u)" -eq 0 ] || die "needs root, for pktgen and the pinned maps" "sudo $0 ..."
	for tool in ip jq ethtool ping; do
		command -v $tool >/dev/null || die "$tool is missing" "sudo make deps, or apt-get install iproute2 jq ethtool iputils-ping"
	done
	[ -x "$XDPSEC" ] || die "no xdpsec: neither built nor installed" "make"
	[ -z "$json" ] || : 2>/dev/null >>"$json" || die "$json: cannot be written"
	[ -e "$PGCTRL" ] || die "this kernel has no pktgen, or it is not loaded" \
		"modprobe pktgen (CONFIG_NET_PKTGEN; it is part of Debian's kernel packages)"
}

# The devices that pktgen has in this network namespace.
in_pktgen() {
	local file

	for file in /proc/net/pktgen/*; do
		case ${file##*/} in
		pgctrl | kpktgend_*) ;;
		*) echo "${file##*/}" ;;
		esac
	done
}

check_device() {
	local busy largest size smallest

	link=$(ip -d -j link show dev "$device" 2>/dev/null) || die "$device: no such device in this network namespace"
	[ "$(jq -r '.[0].link_type' <<<"$link")" = ether ] || die "$device: not an Ethernet device"
	jq -e '.[0].flags | index("UP")' <<<"$link" >/dev/null ||
		die "$device: is down, and pktgen takes only devices that are up" "ip link set dev $device up"
	busy=$(in_pktgen | tr '\n' ' ')
	[ -z "$busy" ] || die "pktgen is in use, for ${busy% }" "echo reset >$PGCTRL, if nobody needs it"
	[ -e "/proc/net/pktgen/kpktgend_$((threads - 1))" ] ||
		die "pktgen has no thread for CPU $((threads - 1))" "fewer of them: -t"

	# pktgen puts 16 bytes of its own behind the headers.
	smallest=$((ETHERNET + 20 + 8 + 16)) largest=$(($(jq '.[0].mtu' <<<"$link") + ETHERNET - OVERHEAD))
	[ $family = 4 ] || smallest=$((ETHERNET + 40 + 8 + 16))
	[ -n "$sizes" ] || sizes="$((smallest > 64 ? smallest : 64)) 512 1400"
	for size in $sizes; do
		number "-s" "$size" 0 99999
		[ "$size" -ge $smallest ] || die "-s: frames of pktgen with IPv$family have $smallest bytes at least, not $size"
		[ "$size" -le "$largest" ] || die "-s: a frame of $size bytes, and $OVERHEAD more, is too long for the MTU of $device" \
			"$largest bytes at most"
	done
}

# ---- the instance, and where to ------------------------------------------------------------------------

# Its exit status is 1 for a warning as well: what it prints says whether there is an instance.
status() { "$XDPSEC" status "$instance" -j; }

find_instance() {
	local all names

	if [ -z "$instance" ]; then
		all=$("$XDPSEC" status -j)
		[ -n "$all" ] || exit 1
		names=$(jq -r --arg device "$device" '.[] | select(.device == $device) | .name' <<<"$all")
		[ -n "$names" ] || die "no instance of xdpsec is up on $device: nothing would be sealed" "xdpsec up FILE"
		[ "$(wc -l <<<"$names")" -eq 1 ] ||
			die "several instances are on a device called $device: $(paste -sd' ' <<<"$names")" "-i NAME"
		instance=$names
	fi
	before=$(status)
	jq -e '.device' <<<"$before" >/dev/null 2>&1 || exit 1
	[ "$(jq -r .device <<<"$before")" = "$device" ] ||
		die "$instance protects $(jq -r .device <<<"$before"), not $device"
	jq -e '.by_hand or .attached' <<<"$before" >/dev/null ||
		die "$instance is not attached to $device: packets would leave in clear" "xdpsec status $instance"
}

# The first peer that has an address of that family, and its first port.
find_destination() {
	local choice

	if [ -z "$destination" ]; then
		destination=$(jq -r --arg v6 $family '[.peers[].protects[].prefix | select(contains(":") == ($v6 == "6"))
			| select(endswith("/32") and (contains(":") | not) or endswith("/128")) | split("/")[0]][0] // ""' <<<"$before")
		[ -n "$destination" ] ||
			die "$instance protects no single IPv$family address" "-d ADDRESS names one in a protected prefix$([ $family = 6 ] || echo ', -6 is for IPv6')"
	fi
	choice=$(jq -r --arg a "$destination" '.peers as $peers
		| [$peers[] | select(any(.protects[].prefix; split("/")[0] == $a))] + $peers | .[0]
		| "\(.protects[0].ports | split(",")[0] | split("-")[0] | ltrimstr(" "))"' <<<"$before")
	[ -n "$port" ] || port=$choice
	# The discard service.
	[ "$port" != all ] || port=9
}

neighbour() {
	ip -j neigh show to "$1" dev "$device" | jq -r '[.[].lladdr // empty][0] // ""'
}

find_way() {
	local route hop

	route=$(ip -j route get "$destination" 2>/dev/null) || die "$destination: no route to it"
	[ "$(jq -r '.[0].dev' <<<"$route")" = "$device" ] ||
		die "$destination: the route to it is by $(jq -r '.[0].dev' <<<"$route"), not $device"
	source=$(jq -r '.[0].prefsrc' <<<"$route")
	hop=$(jq -r '.[0] | .gateway // .dst' <<<"$route")
	[ -z "$mac" ] || return 0
	mac=$(neighbour "$hop")
	if [ -z "$mac" ]; then
		# Whatever the answer, the kernel asks for the neighbour first.
		ping -n -c 1 -W 2 -I "$device" "$hop" >/dev/null 2>&1
		mac=$(neighbour "$hop")
	fi
	[ -n "$mac" ] || die "$hop: the next hop does not tell its MAC address" "-m MAC"
}

# ---- pktgen --------------------------------------------------------------------------------------------

runner='' added=''

# tell FILE COMMAND: what pktgen has to say about a refusal is in the same file.
tell() {
	local why

	{ echo "$2" >"/proc/net/pktgen/$1"; } 2>/dev/null && return
	why=$(sed -n 's/^Result: *//p' "/proc/net/pktgen/$1" | tail -n 1)
	die "pktgen refuses '$2' for $1${why:+: $why}" "${3:-see dmesg}"
}

clean_up() {
	local status=$?

	trap '' INT TERM HUP
	trap - EXIT
	if [ -n "$runner" ]; then
		kill "$runner" 2>/dev/null
		wait "$runner" 2>/dev/null
	fi
	if [ -n "$added" ]; then
		echo stop >$PGCTRL
		for ((thread = 0; thread < threads; thread++)); do
			echo rem_device_all >/proc/net/pktgen/kpktgend_$thread
		done
		# A thread does it in its own time.
		for ((turn = 0; turn < 200; turn++)); do
			[ -n "$(in_pktgen)" ] || break
			read -r -t 0.05 <> <(:)
		done
		[ -z "$(in_pktgen)" ] || echo "pktgen: $device is still in pktgen; echo reset >$PGCTRL" >&2
	fi
	exit "$status"
}

add_devices() {
	local thread name

	added=1
	for ((thread = 0; thread < threads; thread++)); do
		name=$device@$thread
		tell kpktgend_$thread "add_device $name" "the device must be up and be one of Ethernet"
		# Not shared with pktgen: what is sealed is changed in place. pktgen's own reference would make the kernel
		# stop at that (skbuff.c, pskb_expand_head).
		tell "$name" "flag !SHARED" "this kernel's pktgen keeps a hold on its packets (Linux 6.7 and later need not)"
		tell "$name" "xmit_mode queue_xmit"
		tell "$name" "delay 0"
		tell "$name" "dst_mac $mac"
		if [ $family = 6 ]; then
			tell "$name" "dst6 $destination"
			tell "$name" "src6 $source"
		else
			tell "$name" "dst_min $destination"
			tell "$name" "dst_max $destination"
			tell "$name" "src_min $source"
			tell "$name" "src_max $source"
		fi
		tell "$name" "udp_dst_min $port"
		tell "$name" "udp_dst_max $port"
		# Dynamic ports (RFC 6335), which seldom are protected ones themselves. The end is not one of them.
		tell "$name" "udp_src_min 49152"
		tell "$name" "udp_src_max $((49152 + flows))"
		[ -z "$checksum" ] || tell "$name" "flag UDPCSUM"
	done
}

# The sum over the threads' files of the number that the awk program prints.
over_threads() {
	local thread

	for ((thread = 0; thread < threads; thread++)); do
		awk "$1" "/proc/net/pktgen/$device@$thread"
	done | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# ---- one size ------------------------------------------------------------------------------------------

device_counters() { ip -s -j link show dev "$device" | jq -c '.[0].stats64.tx | {packets, dropped, errors}'; }

# The difference between two readings of status and of the device's counters.
difference() {
	jq -n -c --argjson a "$1" --argjson b "$2" --argjson da "$3" --argjson db "$4" '
		def total(f): [.peers[].tx | f] | add;
		{sealed: (($b | total(.packets)) - ($a | total(.packets))),
		 sealed_bytes: (($b | total(.bytes)) - ($a | total(.bytes))),
		 drops: ([$b.drops | to_entries[] | {key, value: (.value - $a.drops[.key])} | select(.value > 0)] | from_entries),
		 hop: {packets: (($b.hop.tx_packets // 0) - ($a.hop.tx_packets // 0)),
		       dropped: (($b.hop.tx_dropped // 0) - ($a.hop.tx_dropped // 0))},
		 device: {packets: ($db.packets - $da.packets), dropped: ($db.dropped - $da.dropped),
		          errors: ($db.errors - $da.errors)}}
		| .counted = .sealed + ([.drops[]] | add // 0) + .hop.dropped'
}

# run SIZE COUNT: sets result
run() {
	local thread counters first generated sent refused microseconds stopped=false turn deadline

	for ((thread = 0; thread < threads; thread++)); do
		tell "$device@$thread" "pkt_size $1"
		tell "$device@$thread" "count $2"
	done
	first=$(status) counters=$(device_counters)
	# Until all are sent; a signal ends it. In the background, as the shell sees no Ctrl-C otherwise.
	timeout "$limit" sh -c "echo start >$PGCTRL" &
	runner=$!
	wait "$runner" || stopped=true
	runner=''
	# The threads finish their last packet.
	for ((turn = 0; turn < 200; turn++)); do
		grep -q '^Running: *[^ ]' /proc/net/pktgen/kpktgend_* || break
		read -r -t 0.05 <> <(:)
	done
	sent=$(over_threads '$1 == "pkts-sofar:" { print $2 }')
	refused=$(over_threads '$1 == "pkts-sofar:" { print $4 }')
	microseconds=$(for ((thread = 0; thread < threads; thread++)); do
		sed -n 's/^Result: OK: \([0-9]*\).*/\1/p' "/proc/net/pktgen/$device@$thread"
	done | sort -n | tail -n 1)
	generated=$((sent + refused))
	# With -u, the last are still on their way through the hop.
	deadline=$((SECONDS + 3))
	while :; do
		result=$(difference "$first" "$(status)" "$counters" "$(device_counters)")
		[ "$(jq .counted <<<"$result")" -lt "$generated" ] && [ $SECONDS -lt $deadline ] || break
		read -r -t 0.05 <> <(:)
	done
	result=$(jq -c --argjson size "$1" --argjson generated "$generated" --argjson refused "$refused" \
		--argjson us "${microseconds:-0}" --argjson stopped "$stopped" '
		{size: $size, generated: $generated, refused: $refused, stopped: $stopped, seconds: ($us / 1e6),
		 packets_per_second: (if $us > 0 then ($generated * 1e6 / $us | floor) else 0 end)} + .
		| .missing = ([.generated - .counted, 0] | max)' <<<"$result")
}

print_run() {
	jq -r '[.size, .generated, .sealed, .hop.packets, ([.generated - .sealed, 0] | max), .packets_per_second,
		(.packets_per_second * .size * 8 / 1e6 | floor)] | @tsv' <<<"$result" |
		awk '{ printf "%7d %10d %10d %10d %9d %11d %8d\n", $1, $2, $3, $4, $5, $6, $7 }'
	jq -r '([.drops | to_entries[] | "\(.key) \(.value)"] + [(.hop | select(.dropped > 0) | "hop device \(.dropped)"),
		(.device | select(.dropped > 0) | "after sealing, by the device: \(.dropped)"),
		(.device | select(.errors > 0) | "errors of the device: \(.errors)")])
		| if length > 0 then "        dropped: " + join(", ") else empty end' <<<"$result"
	! jq -e .stopped <<<"$result" >/dev/null || echo "        stopped after $limit s, before all were sent"
}

# ---- all -----------------------------------------------------------------------------------------------

read_options "$@"
check_machine
check_device
find_instance
find_destination
find_way
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
add_devices

jq -r --arg device "$device" --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
	--arg release "$(uname -r)" --arg driver "$(ethtool -i "$device" 2>/dev/null | sed -n 's/^driver: //p')" '
	"Linux \($release), \($cpu); \($device): driver \($driver)",
	"\(.name): \(.peers[0].cipher) by \(.peers[0].tx.driver)"' <<<"$before"
echo "to $destination port $port by $mac, from $source, $flows source ports; threads: $threads;" \
	"UDP checksum: $([ -n "$checksum" ] && echo yes || echo no)"

# One packet tells whether the flow is protected, before there are many in clear.
run "${sizes%% *}" 1
[ "$(jq .counted <<<"$result")" -ge "$threads" ] ||
	die "a packet to $destination port $port was not sealed: it is not what $instance protects" "-d and -p; xdpsec status $instance"

echo "  frame  generated     sealed   by a hop   dropped   packets/s   Mbit/s"
results=()
for size in $sizes; do
	run "$size" "$count"
	print_run
	results+=("$result")
done
after=$(ip -d -j link show dev "$device")
unchanged=true
[ "$link" = "$after" ] || unchanged=false
all=$(printf '%s\n' "${results[@]}" | jq -s -c --arg device "$device" --arg instance "$instance" \
	--arg destination "$destination" --argjson port "$port" --argjson flows "$flows" --argjson threads "$threads" \
	--argjson checksum "${checksum:-0}" --argjson unchanged $unchanged --argjson before "$before" '
	{device: $device, instance: $instance, destination: $destination, port: $port, flows: $flows, threads: $threads,
	 udp_checksum: ($checksum == 1), cipher: $before.peers[0].cipher, driver: $before.peers[0].tx.driver,
	 device_unchanged: $unchanged, runs: .}')
[ -z "$json" ] || jq . <<<"$all" >"$json"
$unchanged && echo "$device: left as it was found" || echo "$device: was changed meanwhile by somebody (ip -d link)"
missing=$(jq '[.runs[].missing] | add' <<<"$all")
[ "$missing" -eq 0 ] || die "$missing packets were neither sealed nor counted as dropped"
