#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The underlay is a VLAN, or one inside another, on the protected device.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

has_vlan() {
	ip -n "$MIDDLE" link add link a name probe type vlan id 5 2>/dev/null && ip -n "$MIDDLE" link del probe
}

make_sites
has_vlan || skip_all "the kernel has no 8021q"
write_configs
start_echo "$SITE_B" 0.0.0.0 5201

# tagged NAME OUTER-PROTOCOL [INNER]: 192.0.2.1 and 198.51.100.1 move to the tagged device, and the way there
tagged() {
	local namespace device

	for namespace in "$SITE_A:eth0" "$MIDDLE:a" "$MIDDLE:b" "$SITE_B:eth0"; do
		device=${namespace#*:} namespace=${namespace%:*}
		ip -n "$namespace" link add link "$device" name "$device.5" type vlan id 5 protocol "$1"
		ip -n "$namespace" link set dev "$device.5" up
		[ -z "${2:-}" ] || {
			ip -n "$namespace" link add link "$device.5" name "$device.7" type vlan id 7
			ip -n "$namespace" link set dev "$device.7" up
		}
	done
	local inner=${2:-5}
	ip -n "$SITE_A" address flush dev eth0
	ip -n "$SITE_B" address flush dev eth0
	ip -n "$MIDDLE" address flush dev a
	ip -n "$MIDDLE" address flush dev b
	add_address "$SITE_A" "eth0.$inner" $A4/24
	add_address "$SITE_B" "eth0.$inner" $B4/24
	add_address "$MIDDLE" "a.$inner" 192.0.2.254/24
	add_address "$MIDDLE" "b.$inner" 198.51.100.254/24
	ip -n "$SITE_A" route replace default via 192.0.2.254
	ip -n "$SITE_B" route replace default via 198.51.100.254
}

untagged() {
	local namespace device

	for namespace in "$SITE_A:eth0" "$MIDDLE:a" "$MIDDLE:b" "$SITE_B:eth0"; do
		device=${namespace#*:} namespace=${namespace%:*}
		ip -n "$namespace" link del dev "$device.5"
	done
}

for combination in "802.1Q" "802.1Q 7" "802.1ad 7"; do
	read -r outer inner <<<"$combination"
	tagged "$outer" "$inner"
	ok "$combination: a way" wait_for 5 in_a ping -c1 -W1 $B4
	ok "$combination: up" up || bail "not up"
	for offload in on off; do
		in_a ethtool -K eth0 txvlan $offload rxvlan $offload >/dev/null 2>&1
		in_b ethtool -K eth0 txvlan $offload rxvlan $offload >/dev/null 2>&1
		capture_start wire b
		ok "$combination, tags offloaded: $offload: an answer" \
			packets "$SITE_A" roundtrip $B4 5201 --size 300 --marker "$MARKER"
		capture_stop wire
		refuses "$combination, tags offloaded: $offload: nothing in clear" leaks wire "$MARKER"
	done
	is "$combination: no drops at A" "$(all_drops_a)" ""
	is "$combination: no drops at B" "$(all_drops_b)" ""
	ok "$combination: down" down
	untagged
done
done_testing
