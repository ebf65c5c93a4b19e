# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# In clear: the gateways forward.

[ "$lan" != on ] || aggregates=1

peer_up() {
	plain_routes
}

peer_frame() {
	echo $((wire_header + IP_HEADER + $(transport_header "$1") + $2))
}
