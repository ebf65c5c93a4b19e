# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XFRM, ESP in transport mode with AES-128-GCM: nothing is tunnelled.
# shellcheck source=bench/path/esp.sh
. "$path/esp.sh"

protocols="tcp udp ping" esp_mode=transport

peer_up() {
	from=$A4 to=$B4
	esp_up $A4 $B4 $A4/32 $B4/32
}

peer_frame() {
	local inner=$(($(transport_header "$1") + $2))

	echo $((ETHERNET_HEADER + IP4_HEADER + $(esp_message $inner)))
}
