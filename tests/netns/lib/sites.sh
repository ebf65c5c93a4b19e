# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The namespaces of the sites, what is between them and tunnels over it. Part of lib.sh, whose names it uses.

make_namespace() {
	ip netns add "$1" || bail "cannot make a network namespace"
	defer ip netns del "$1"
	ip -n "$1" link set lo up
	# Addresses are usable at once, nothing is sent that no test asked for, and errors are not rate limited. A namespace
	# begins with the settings of the machine, where systemd may have changed the kernel's (50-default.conf).
	in_ns "$1" sh -c '
		for setting in rp_filter promote_secondaries; do
			for device in all default lo; do echo 0 > /proc/sys/net/ipv4/conf/$device/$setting; done
		done
		echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
		echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
		echo 0 > /proc/sys/net/ipv6/conf/default/router_solicitations
		echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
		echo 0 > /proc/sys/net/ipv6/icmp/ratelimit'
}

# enable_routing NAMESPACE
enable_routing() {
	in_ns "$1" sh -c '
		echo 1 > /proc/sys/net/ipv4/ip_forward
		echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
}

# add_address NAMESPACE DEVICE ADDRESS...
add_address() {
	local address

	for address in "${@:3}"; do
		case $address in
		*:*) ip -n "$1" address add "$address" dev "$2" nodad ;;
		*) ip -n "$1" address add "$address" dev "$2" ;;
		esac
	done
	ip -n "$1" link set dev "$2" up
}

# The queues are as many as the CPUs that the tests ask for: XDP on veth runs where the far end sent.
make_sites() {
	local mtu=${1:-1500}

	make_namespace "$SITE_A"
	make_namespace "$MIDDLE"
	make_namespace "$SITE_B"
	ip -n "$SITE_A" link add eth0 mtu "$mtu" numrxqueues 2 numtxqueues 2 type veth \
		peer name a mtu "$mtu" numrxqueues 2 numtxqueues 2 netns "$MIDDLE" || bail "no veth"
	ip -n "$SITE_B" link add eth0 mtu "$mtu" numrxqueues 2 numtxqueues 2 type veth \
		peer name b mtu "$mtu" numrxqueues 2 numtxqueues 2 netns "$MIDDLE" || bail "no veth"
	enable_routing "$MIDDLE"
	add_address "$MIDDLE" a 192.0.2.254/24 2001:db8:a::fe/64
	add_address "$MIDDLE" b 198.51.100.254/24 2001:db8:b::fe/64
	add_address "$SITE_A" eth0 "$A4/24" "$A6/64"
	add_address "$SITE_B" eth0 "$B4/24" "$B6/64"
	ip -n "$SITE_A" route add default via 192.0.2.254
	ip -n "$SITE_A" route add default via 2001:db8:a::fe
	ip -n "$SITE_B" route add default via 198.51.100.254
	ip -n "$SITE_B" route add default via 2001:db8:b::fe
	wait_for 5 in_a ping -c1 -W1 "$B4" || bail "no way from A to B (IPv4)"
	wait_for 5 in_a ping -c1 -W1 "$B6" || bail "no way from A to B (IPv6)"
}

# A machine behind site A, which routes for it.
make_host() {
	local mtu=${1:-1500}

	make_namespace "$HOST"
	ip -n "$SITE_A" link add inside mtu "$mtu" type veth peer name eth0 mtu "$mtu" netns "$HOST"
	enable_routing "$SITE_A"
	add_address "$SITE_A" inside 203.0.113.126/25 2001:db8:c::fe/64
	add_address "$HOST" eth0 "$HOST4/25" "$HOST6/64"
	ip -n "$HOST" route add default via 203.0.113.126
	ip -n "$HOST" route add default via 2001:db8:c::fe
	ip -n "$MIDDLE" route add 203.0.113.0/25 via "$A4"
	ip -n "$MIDDLE" route add 2001:db8:c::/64 via "$A6"
	wait_for 5 in_ns "$HOST" ping -c1 -W1 "$B4" || bail "no way from the host to B (IPv4)"
	wait_for 5 in_ns "$HOST" ping -c1 -W1 "$B6" || bail "no way from the host to B (IPv6)"
}

# set_mtu MTU: of the whole way between the sites.
set_mtu() {
	ip -n "$SITE_A" link set dev eth0 mtu "$1" && ip -n "$MIDDLE" link set dev a mtu "$1" &&
		ip -n "$SITE_B" link set dev eth0 mtu "$1" && ip -n "$MIDDLE" link set dev b mtu "$1"
}

# make_tunnel 4|6 MTU TYPE [OPTIONS...]: a tunnel device t0 at both ends, over IPv4 or IPv6. In the options
# LOCAL and REMOTE stand for the addresses of this end and the other.
make_tunnel() {
	local a=$A4 b=$B4 mtu=$2

	[ "$1" = 4 ] || a=$A6 b=$B6
	shift 2
	remove_tunnel
	# shellcheck disable=SC2046,SC2068 # the words of the options have no spaces
	ip -n "$SITE_A" link add t0 mtu "$mtu" type $(replace_ends "$a" "$b" $@) || return 1
	# shellcheck disable=SC2046,SC2068
	ip -n "$SITE_B" link add t0 mtu "$mtu" type $(replace_ends "$b" "$a" $@) || return 1
	add_address "$SITE_A" t0 "$TUNNEL_A4/25" "$TUNNEL_A6/64"
	add_address "$SITE_B" t0 "$TUNNEL_B4/25" "$TUNNEL_B6/64"
}

# Before the sites go down: IPv6 on a tunnel device speaks at any time, and what the end that is still down, or
# down already, sends in clear the other one counts.
remove_tunnel() {
	ip -n "$SITE_A" link del dev t0 2>/dev/null
	ip -n "$SITE_B" link del dev t0 2>/dev/null
	return 0
}

replace_ends() {
	local local=$1 remote=$2 words

	shift 2
	words=" $* "
	words=${words// LOCAL / $local }
	echo "${words// REMOTE / $remote }"
}

# has_link_type TYPE: does the kernel make such devices?
has_link_type() {
	local probe="$ID-probe"

	ip netns add "$probe" || return 1
	ip -n "$probe" link add probe type "$@" 2>/dev/null
	local status=$?
	ip netns del "$probe"
	return $status
}

# set_middle_drop PORT: the middle no longer forwards UDP to this port. What was captured on its way in has
# then never been seen by the other end.
set_middle_drop() {
	in_middle nft "add table inet drops; add chain inet drops forward { type filter hook forward priority 0; }
		add rule inet drops forward udp dport $1 drop"
}

# mac NAMESPACE DEVICE
mac() {
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}

# udp_received NAMESPACE: datagrams that its stack got, wanted or not, IPv4 and IPv6
udp_received() {
	in_ns "$1" awk '
		$1 == "Udp:" && $2 ~ /^[0-9]/ { n += $2 + $3 + $4 }
		$1 ~ /^Udp6(InDatagrams|NoPorts|InErrors)$/ { n += $2 }
		END { print n }' /proc/net/snmp /proc/net/snmp6
}
