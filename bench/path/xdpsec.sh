# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # read by bench/path/peer
#
# XDPsec between the two sites, as the tests configure it: what its modes share.

xdpsec_up() {
	XDP=native PORTS="4789, 7000" write_configs && up
}

# A veth with XDP at its far end counts packets without their Ethernet header.
xdpsec_frame() {
	echo "$1"
}

peer_counts() {
	local a b

	a=$(status_a '"\(.peers[0].tx.packets) \(.peers[0].rx.packets)"') || return 1
	b=$(status_b '"\(.peers[0].tx.packets) \(.peers[0].rx.packets)"') || return 1
	read -r sealed_a opened_a <<<"$a"
	read -r sealed_b opened_b <<<"$b"
	drops="$(all_drops_a) $(all_drops_b)"
}
