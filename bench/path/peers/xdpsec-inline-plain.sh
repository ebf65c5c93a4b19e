# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec, inline, over a wire without offloads: a socket makes its checksum itself, while it copies, and its packets
# do not take the hop. ESP's are without a pending checksum on any wire, as the route says what ESP adds
# (__ip_append_data(), exthdrlen).
# shellcheck source=bench/path/peers/xdpsec-inline.sh
. "$path/peers/xdpsec-inline.sh"

peer_up() {
	from=$A4 to=$B4
	plain_wire && xdpsec_up
}
