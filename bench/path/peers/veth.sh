# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # read by bench/path/peer
#
# In clear, and the devices do what they can: TCP hands packets over that are never cut into segments.

protocols="tcp udp ping"
aggregates=1

peer_up() {
	from=$A4 to=$B4
}

peer_frame() {
	echo $((ETHERNET_HEADER + IP4_HEADER + $(transport_header "$1") + $2))
}
