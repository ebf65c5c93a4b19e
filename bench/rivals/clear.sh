# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# Nothing in between: routing, and what the generators of the load can do.

rival_available() { :; }
rival_keys() { :; }

rival_up() {
	ip address add "$INNER/32" dev lo && ip route add "$INNER_OTHER/32" via "$(next_hop)" src "$INNER" mtu "$MTU"
}

rival_down() {
	ip route del "$INNER_OTHER/32"
	ip address del "$INNER/32" dev lo
}

rival_settings() { echo "no cipher"; }
