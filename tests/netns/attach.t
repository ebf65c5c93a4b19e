#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Attached by hand: `xdpsec up --no-attach` fills the maps and prints the commands, and xdp-loader, ip and tc
# attach the same programs. The commands that are run here are those that were printed.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/by_hand.sh
. "$here/by_hand.sh"

make_sites
write_configs
start_echo "$SITE_B" $B4 5201
start_echo "$SITE_B" $B6 5201

# The object file that libxdp loads, what is pinned, and the object files that iproute2 loads.
for way in "xdp-loader load:tc filter .*object-pinned" "ip link set .* pinned:tc filter .*object-pinned" \
	"TC_BPF_MNT=[^ ]* ip link .* obj:TC_BPF_MNT=[^ ]* tc filter .* obj"; do
	ingress=${way%%:*} egress=${way#*:}
	ok "$ingress: up --no-attach at A" up_by_hand a || bail "not up"
	if [[ $ingress == xdp-loader* ]] && ! dispatcher_takes_ours; then
		skip "$ingress" "this libxdp's dispatcher takes no program that changes packets"
		ok "$ingress: down at A" down_a
		continue
	fi
	ok "$ingress: up --no-attach at B" up_by_hand b || bail "not up"
	is "$ingress: status says that no XDP program is attached" "$(status_a .xdp)" none

	for site in "$SITE_A" "$SITE_B"; do
		ok "$ingress: ingress of ${site##*-}" run_printed "$site" "^$ingress "
		ok "$ingress: qdisc of ${site##*-}" run_printed "$site" '^tc qdisc '
		ok "$ingress: egress of ${site##*-}" run_printed "$site" "^$egress "
	done
	capture_start wire b udp
	ok "$ingress: an answer" packets "$SITE_A" roundtrip $B4 5201 --size 600 --marker "$MARKER"
	ok "$ingress: an answer over IPv6" packets "$SITE_A" roundtrip $B6 5201 --size 600 --marker "$MARKER"
	capture_stop wire
	refuses "$ingress: nothing in clear" leaks wire "$MARKER"
	is "$ingress: what A sealed B opened" "$(status_b '.peers[0].rx.packets')" "$(status_a '.peers[0].tx.packets')"
	is "$ingress: no drops at A" "$(all_drops_a)" ""
	is "$ingress: no drops at B" "$(all_drops_b)" ""

	ok "$ingress: down" down
	# The user removes programs attached by hand. Until then they fail closed.
	capture_start after a "udp port 5201"
	refuses "$ingress: down, still attached: no answer" \
		packets "$SITE_A" roundtrip $B4 5201 --timeout 1 --marker "$MARKER"
	capture_stop after
	refuses "$ingress: down, still attached: nothing in clear" leaks after "$MARKER"
	for site in "$SITE_A" "$SITE_B"; do
		case $ingress in
		xdp-loader*) ok "$ingress: unload" in_ns "$site" xdp-loader unload -a eth0 ;;
		*) ok "$ingress: xdp off" in_ns "$site" ip link set dev eth0 xdp off ;;
		esac
		ok "$ingress: remove the filter" in_ns "$site" tc qdisc del dev eth0 clsact
	done
	ok "$ingress: nothing is left" no_trace
	ok "$ingress: an answer in clear" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"
done
done_testing
