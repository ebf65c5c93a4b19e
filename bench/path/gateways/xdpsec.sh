# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# XDPsec, tunnel mode, its ordinary way.
# shellcheck source=bench/path/xdpsec.sh
. "$path/xdpsec.sh"

# More lines of [Interface], for rows that are built on this one.
interface_lines=''

peer_up() {
	local a=$TUNNEL_A4 b=$TUNNEL_B4 length=25

	[ "$family" = 4 ] || a=$TUNNEL_A6 b=$TUNNEL_B6 length=64
	XDP=native INTERFACE_LINES="MTU = 1500"$'\n'"$interface_lines" UNDERLAY=$family \
		TUNNEL_ADDRESSES_A="$a/$length" TUNNEL_ADDRESSES_B="$b/$length" \
		ALLOWED_A="$NET_B, $b/$HOST_LENGTH" ALLOWED_B="$NET_A, $a/$HOST_LENGTH" write_tunnel_configs && up || return 1
	# A veth with XDP at its far end counts packets without their Ethernet header.
	wire_header=0
}

peer_frame() {
	local overhead=IP${family}_OVERHEAD

	echo $((wire_header + overhead + IP_HEADER + $(transport_header "$1") + $2))
}
