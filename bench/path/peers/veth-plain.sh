# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # read by bench/path/peer
#
# In clear, without offloads: the stack makes every segment and its checksum, as for a plain network card.

protocols="tcp udp ping"

peer_up() {
	from=$A4 to=$B4
	plain_wire
}

peer_frame() {
	echo $((ETHERNET_HEADER + IP4_HEADER + $(transport_header "$1") + $2))
}
