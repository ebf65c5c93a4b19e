# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Programs that manage all network devices of site A, such as NetworkManager, beside an instance. To be sourced after
# lib.sh.

# The index of a device of site A.
index() { ip -n "$SITE_A" -j link show dev "$1" | jq '.[0].ifindex'; }

# up_in_mode inline|tunnel: site A; DEVICES are those that `up` makes there.
up_in_mode() {
	if [ "$1" = inline ]; then
		write_configs
		DEVICES=(xsh"$(index eth0)"a xsh"$(index eth0)"b)
	else
		write_tunnel_configs
		# shellcheck disable=SC2034 # used by the tests
		DEVICES=(xs0 xst"$(index eth0)")
	fi
	ok "$1: up" up_a || bail "not up"
}

# down_in_mode inline|tunnel: site A works, and leaves nothing
down_in_mode() {
	is "$1: it works" "$(status_a '"\(.attached) \(.warnings | length)"')" "true 0"
	ok "$1: down" down_a
	ok "$1: no trace" no_trace_a
}
