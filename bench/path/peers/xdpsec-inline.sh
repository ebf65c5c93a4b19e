# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec, inline: plain UDP between the two sites, whose payload is sealed.
# shellcheck source=bench/path/xdpsec.sh
. "$path/xdpsec.sh"

protocols=udp

peer_up() {
	from=$A4 to=$B4
	xdpsec_up
}

peer_frame() {
	xdpsec_frame $((IP4_OVERHEAD + $2))
}
