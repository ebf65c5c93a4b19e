# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # read by bench/path/peer
#
# In clear, without offloads, with an XDP program at both ends that passes everything: what a veth does for any
# program, which is to copy each packet to where there is room in front of it. It is below the row of inline mode,
# and like it for UDP.

protocols=udp

peer_up() {
	from=$A4 to=$B4
	plain_wire && attach_pass "$SITE_A" && attach_pass "$SITE_B"
}

attach_pass() {
	in_ns "$1" ip link set dev eth0 xdpdrv object "$OUTPUT/pass.bpf.o" section xdp.frags
}

# Such a veth counts packets without their Ethernet header.
peer_frame() {
	echo $((IP4_HEADER + UDP_HEADER + $2))
}
