#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Attached by hand: `xdpsec up --no-attach` fills the maps and prints the commands, and xdp-loader, ip and tc
# attach the same programs. The commands that are run here are those that were printed.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

make_sites
write_configs
start_echo "$SITE_B" $B4 5201
start_echo "$SITE_B" $B6 5201

# run_printed SITE PATTERN: the printed commands that match. The objects are where they were built, not yet
# where `make install` puts them.
run_printed() {
	local command

	grep -E "$2" "$WORK/printed-$1" >"$WORK/commands" || { echo "no such command was printed"; return 1; }
	while read -r command; do
		command=$(sed -E "s|[^ ]*/(open\|seal)\.bpf\.o|$OUTPUT/\1.bpf.o|" <<<"$command")
		echo "$command"
		# shellcheck disable=SC2086 # words; some begin with a variable for env
		in_ns "$1" env $command || return 1
	done <"$WORK/commands"
}

# Not that of libxdp before 1.5.5, on a kernel that compares what both do.
dispatcher_takes_ours() {
	tap_run run_printed "$SITE_A" "^xdp-loader load "
	[ "$TAP_STATUS" -ne 0 ] || in_a xdp-loader unload -a eth0 >"$WORK/unload" 2>&1
	[[ $TAP_OUTPUT != *"Extension program changes packet data"* ]]
}

# The object file that libxdp loads, what is pinned, and the object files that iproute2 loads.
for way in "xdp-loader load:tc filter .*object-pinned" "ip link set .* pinned:tc filter .*object-pinned" \
	"TC_BPF_MNT=[^ ]* ip link .* obj:TC_BPF_MNT=[^ ]* tc filter .* obj"; do
	ingress=${way%%:*} egress=${way#*:}
	ok "$ingress: up --no-attach at A" up_a --no-attach || bail "not up"
	printf '%s\n' "$TAP_OUTPUT" >"$WORK/printed-$SITE_A"
	if [[ $ingress == xdp-loader* ]] && ! dispatcher_takes_ours; then
		skip "$ingress" "this libxdp's dispatcher takes no program that changes packets"
		ok "$ingress: down at A" down_a
		continue
	fi
	ok "$ingress: up --no-attach at B" up_b --no-attach || bail "not up"
	printf '%s\n' "$TAP_OUTPUT" >"$WORK/printed-$SITE_B"
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
	# What somebody attached by hand is theirs to remove, and fails closed until then.
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
