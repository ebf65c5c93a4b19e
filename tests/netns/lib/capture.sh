# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Captures of what the wire had, and what is looked for in them. Part of lib.sh.

# capture_start NAME WHERE [FILTER]: to $WORK/NAME.pcap, what passes a or b of the middle, or, as site-b, what
# comes out of XDP on B's eth0. CAPTURE_LENGTH: the bytes of each that are kept.
declare -A CAPTURE_PID CAPTURE_DEVICE

capture_start() {
	local filter=${3:-} namespace=$MIDDLE device=$2

	# An earlier capture of that name must not look like this one.
	rm -f "$WORK/$1.pcap" "$WORK/$1.tcpdump.err"
	case $2 in
	site-a) namespace=$SITE_A device=eth0 ;;
	site-b) namespace=$SITE_B device=eth0 ;;
	esac
	# The ring has slots of the snapshot length: with the largest, 64 MB are no more than 256 packets.
	start "$namespace" "$WORK/$1.tcpdump" tcpdump -i "$device" -s "${CAPTURE_LENGTH:-9216}" -U --immediate-mode -B 131072 -n \
		-w "$WORK/$1.pcap" "${filter:+($filter) or ether proto 0x88b5}"
	CAPTURE_PID[$1]=$STARTED CAPTURE_DEVICE[$1]=${2#site-}
	wait_for 10 grep -q 'listening on' "$WORK/$1.tcpdump.err" || bail "tcpdump does not listen"
}

capture_has_sentinel() {
	grep -qaF "$2" "$WORK/$1.pcap"
}

# A last frame of our own, through the same queue, tells that all before it have been written.
capture_stop() {
	local sentinel="end of capture $RANDOM$RANDOM"

	packets "$MIDDLE" sentinel "${CAPTURE_DEVICE[$1]}" "$sentinel"
	wait_for 10 capture_has_sentinel "$1" "$sentinel" || bail "the capture does not end"
	stop "${CAPTURE_PID[$1]}"
	if grep -qE '^[1-9][0-9]* packets? dropped by kernel' "$WORK/$1.tcpdump.err"; then
		bail "the capture lost packets"
	fi
}

# leaks NAME MARKER [WINDOW]: any WINDOW (8) bytes of the marker in the capture?
leaks() {
	"$PACKETS" search "$WORK/$1.pcap" "$2" --window "${3:-8}"
}

# One line of JSON per UDP packet of a capture; the filter gets an array of them.
udp_of() {
	"$PACKETS" inspect "$WORK/$1.pcap" ${3:+--port "$3"} | jq -s -c -r "$2"
}
