# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec between the two sites, as the tests configure it: what its modes share. With manual keys; or, where AGREED is set,
# the sites have agreed on their keys before anything is counted, and do not change them.
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

have_agreed() { [ "$(status_a .peers[0].agreement.state) $(status_b .peers[0].agreement.state)" = "agreed agreed" ]; }

xdpsec_start() {
	[ -z "${AGREED:-}" ] || export XDPSEC_AGREE="rekey=60000000 reject=65535"
	up || return 1
	[ -z "${AGREED:-}" ] || wait_for 60 have_agreed
}

xdpsec_up() {
	local XDP=native PORTS="4789, 7000"

	if [ -n "${AGREED:-}" ]; then write_agreed_inline_configs; else write_configs; fi
	xdpsec_start
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
