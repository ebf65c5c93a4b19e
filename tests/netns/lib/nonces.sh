# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# All packets that leave site A are recorded, whatever happens to its instance. No sequence number may occur twice under
# one key. To be sourced after lifecycle.sh.

NONCE_PORT=5201
NONCE_SIZE=64

# record_nonces: from here on, on the wire; nothing of it gets any further
record_nonces() {
	set_middle_drop $NONCE_PORT
	capture_start nonces a "udp dst port $NONCE_PORT and src host $A4"
}

# send_some N
send_some() { packets "$SITE_A" send $B4 $NONCE_PORT --size $NONCE_SIZE --count "$1" --marker "$MARKER"; }

# judge_nonces KEY=SPI[,SPI...]...: ends the recording. What came of it is in $WORK/nonces.
# shellcheck disable=SC2154 # set by lib.sh
judge_nonces() {
	capture_stop nonces
	"$here/nonces.py" "$WORK/nonces.pcap" "$@" >"$WORK/nonces"
	cat "$WORK/nonces"
}

nonces() { jq -r "$1" "$WORK/nonces"; }

# finds_twice KEY=SPI[,SPI...]...: the control: in what was recorded a number that is used again is found
# shellcheck disable=SC2154
finds_twice() {
	"$here/nonces.py" --spoil "$WORK/nonces.pcap" "$WORK/spoilt.pcap" &&
		[ "$("$here/nonces.py" "$WORK/spoilt.pcap" "$@" | jq '.twice | length')" = 1 ]
}
