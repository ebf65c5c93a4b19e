# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks behind both sites, whose hosts talk through the tunnel only.
#
#	HOST eth0 --- inside SITE_A === xs0, over MIDDLE === SITE_B inside --- eth0 HOST_B
#	203.0.113.1, 2001:db8:c::1                              198.18.0.1 (RFC 2544), 2001:db8:d::1

HOST_B=$ID-i
HOST_B4=198.18.0.1 HOST_B6=2001:db8:d::1

# The tests of the fast path take minutes: what `make check` runs of them is fast.t, the others want FAST=1.
only_with_fast() {
	[ -n "${FAST:-}" ] || skip_all "FAST=1 runs it (make fast)"
}

# The routes of make_host lead through the middle, in clear; here everything goes through the tunnel.
make_lans() {
	make_host
	ip -n "$MIDDLE" route del 203.0.113.0/25
	ip -n "$MIDDLE" route del 2001:db8:c::/64
	make_namespace "$HOST_B"
	ip -n "$SITE_B" link add inside type veth peer name eth0 netns "$HOST_B"
	enable_routing "$SITE_B"
	add_address "$SITE_B" inside 198.18.0.126/25 2001:db8:d::fe/64
	add_address "$HOST_B" eth0 $HOST_B4/25 $HOST_B6/64
	ip -n "$HOST_B" route add default via 198.18.0.126
	ip -n "$HOST_B" route add default via 2001:db8:d::fe
	# shellcheck disable=SC2034 # used by write_tunnel_configs
	ALLOWED_A="$TUNNEL_B4/32, $TUNNEL_B6/128, 198.18.0.0/25, 2001:db8:d::/64"
	# shellcheck disable=SC2034
	ALLOWED_B="$TUNNEL_A4/32, $TUNNEL_A6/128, 203.0.113.0/25, 2001:db8:c::/64"
}

# transfer NAME FROM TO ADDRESS BYTES
transfer() {
	local server

	head -c "$5" /dev/urandom >"$WORK/sent"
	start "$3" "$WORK/received" "$PACKETS" tcp-receive "$4" 8000
	server=$STARTED
	wait_for 5 listening "$3" 8000 tcp || bail "no TCP server"
	ok "$1: TCP" sh -c "exec nsenter --net=/run/netns/$2 $PACKETS tcp-send $4 8000 --timeout 120 <$WORK/sent"
	wait_for 10 ended "$server"
	stop "$server"
	is "$1: the same bytes" "$(sha256sum <"$WORK/received")" "$(sha256sum <"$WORK/sent")"
}

# What network cards do: whole packets with checksums, and receiving by NAPI, which takes redirected frames.
make_cards() {
	local end

	for end in "$HOST eth0" "$HOST_B eth0" "$MIDDLE a" "$MIDDLE b"; do
		in_ns "${end% *}" ethtool -K "${end#* }" tx off txvlan off gro on >/dev/null
	done
}

# make_gateways: both sites with such networks, and a fast path without a firewall; not up yet
make_gateways() {
	make_sites
	make_lans
	make_cards
	# shellcheck disable=SC2034 # used by write_tunnel_configs
	INTERFACE_LINES=$'FastPath = inside\nFastPathFirewall = none'
	write_tunnel_configs
}

# meet_neighbours: both gateways know the neighbours of this way, as the fast path needs it
meet_neighbours() {
	in_ns "$HOST" ping -c1 -W5 $HOST_B4 >/dev/null
	in_ns "$HOST" ping -c1 -W5 $HOST_B6 >/dev/null
}

# gateways_up: both, with neighbours that are known to both
gateways_up() {
	ok "up${UNDERLAY:+, over IPv$UNDERLAY}" up || bail "not up"
	meet_neighbours
}

# Packets that took the fast path: out and in at A, out and in at B.
fast_counts() {
	echo "$(status_a '.fast_path | "\(.packets_out) \(.packets_in)"') $(status_b '.fast_path | "\(.packets_out) \(.packets_in)"')"
}

# fast_since BEFORE: how many more.
fast_since() {
	local before now i

	read -ra before <<<"$1"
	read -ra now <<<"$(fast_counts)"
	for i in 0 1 2 3; do echo $((now[i] - before[i])); done | paste -sd' '
}

# echoed COUNT ADDRESS [OPTIONS]: so many datagrams of one flow come back, one after another.
echoed() {
	packets "$HOST" roundtrip "$2" "${ECHO_PORT:-7000}" --times "$1" --source-port 5555 --size 300 --marker "$MARKER" "${@:3}"
}

# fast_way NAME FAMILY: UDP both ways, of which only the first packets of each pair took the ordinary way.
fast_way() {
	local address=$HOST_B4 before out_a in_a_ out_b in_b_ echo

	[ "$2" = 4 ] || address=$HOST_B6
	start_echo "$HOST_B" $address 7000
	echo=$STARTED
	before=$(fast_counts)
	capture_start wire b
	ok "$1: datagrams come back" echoed 8 $address
	capture_stop wire
	stop "$echo"
	refuses "$1: nothing of them on the wire" leaks wire "$MARKER"
	read -r out_a in_a_ out_b in_b_ <<<"$(fast_since "$before")"
	ok "$1: by the fast path, each way at each gateway ($out_a $in_a_ $out_b $in_b_)" \
		test "$out_a" -ge 4 -a "$in_a_" -ge 4 -a "$out_b" -ge 4 -a "$in_b_" -ge 4
}

# fast_ends: nothing was dropped but strays, and after "down" nothing is left.
fast_ends() {
	is "no drops at A" "$(all_drops_a | sed -E 's/ ?stray=[0-9]+//')" ""
	is "no drops at B" "$(all_drops_b | sed -E 's/ ?stray=[0-9]+//')" ""
	ok "down" down
	refuses "nothing is left on the device" grep -q xdp <(ip -n "$SITE_A" link show dev inside)
	ok "nothing is left" no_trace
}
