# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Two sites and the network between them, in namespaces of their own:
#
#	   +-----------------------+   +--------------------------+   +-------------------------+
#	   | SITE_A                |   | MIDDLE (routes)          |   | SITE_B                  |
#	   |                  eth0 +---+ a                      b +---+ eth0                    |
#	   |           192.0.2.1   |   | 192.0.2.254              |   | 198.51.100.1            |
#	   |         2001:db8:a::1 |   | 2001:db8:a::fe           |   | 2001:db8:b::1           |
#	   |                       |   |             198.51.100.254   |                         |
#	   | inside                |   |             2001:db8:b::fe   |                         |
#	   +---+-------------------+   +--------------------------+   +-------------------------+
#	       | 203.0.113.126, 2001:db8:c::fe          captures are made here, on a and b
#	   +---+-----------------+
#	   | HOST eth0           |     a machine behind site A (make_host)
#	   |   203.0.113.1       |
#	   |   2001:db8:c::1     |
#	   +---------------------+
#
# Tunnels between the sites (make_tunnel) have 203.0.113.129 and .130/25, 2001:db8:f::a and ::b.
#
# To be sourced by a test. `make_sites [MTU]` makes the namespaces, `write_configs` both configurations,
# `up` and `down` run xdpsec for both. Everything has a unique name and is gone when the test ends.

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"

export PATH=$PATH:/usr/sbin:/sbin
OUTPUT=$(realpath -m "${OUTPUT:-$here/../../.output}")
XDPSEC=${XDPSEC:-$OUTPUT/xdpsec}
PACKETS=$here/packets.py

TUNNEL_A4=203.0.113.129 TUNNEL_A6=2001:db8:f::a
TUNNEL_B4=203.0.113.130 TUNNEL_B6=2001:db8:f::b
A4=192.0.2.1 A6=2001:db8:a::1
B4=198.51.100.1 B6=2001:db8:b::1
HOST4=203.0.113.1 HOST6=2001:db8:c::1

# What sealing adds, and what is around a UDP payload: bytes.
# shellcheck disable=SC2034 # used by the tests
OVERHEAD=32 IP4_HEADER=20 IP6_HEADER=40 UDP_HEADER=8 VXLAN_HEADER=8 ETHERNET_HEADER=14
# What tunnel mode puts in front of a packet, by the underlay.
# shellcheck disable=SC2034 # used by the tests
IP4_OVERHEAD=$((IP4_HEADER + UDP_HEADER + OVERHEAD)) IP6_OVERHEAD=$((IP6_HEADER + UDP_HEADER + OVERHEAD))

# The wire's checks that need no more than these are here; a test with other needs says so itself.
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x "$XDPSEC" ] || skip_all "$XDPSEC is not built"

ID=xs$$
SITE_A=$ID-a SITE_B=$ID-b MIDDLE=$ID-m HOST=$ID-h
NAME_A=$ID-a NAME_B=$ID-b
WORK=$(mktemp -d "${TMPDIR:-/tmp}/$ID-XXXXXX") || exit 255
defer rm -rf "$WORK"
# shellcheck disable=SC2034 # used by the tests
MARKER=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')

# in_ns NAMESPACE CMD...: in its network, but with this mount namespace: the bpffs stays visible, which
# `ip netns exec` hides.
in_ns() {
	nsenter --net="/run/netns/$1" -- "${@:2}"
}

in_a() { in_ns "$SITE_A" "$@"; }
in_b() { in_ns "$SITE_B" "$@"; }
in_middle() { in_ns "$MIDDLE" "$@"; }
packets() { in_ns "$1" "$PACKETS" "${@:2}"; }

# ---- topology ----------------------------------------------------------------------------------------

make_namespace() {
	ip netns add "$1" || bail "cannot make a network namespace"
	defer ip netns del "$1"
	ip -n "$1" link set lo up
	# Addresses are usable at once, nothing is sent that no test asked for, and errors are not rate limited.
	in_ns "$1" sh -c '
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
	add_address "$SITE_A" eth0 $A4/24 $A6/64
	add_address "$SITE_B" eth0 $B4/24 $B6/64
	ip -n "$SITE_A" route add default via 192.0.2.254
	ip -n "$SITE_A" route add default via 2001:db8:a::fe
	ip -n "$SITE_B" route add default via 198.51.100.254
	ip -n "$SITE_B" route add default via 2001:db8:b::fe
	wait_for 5 in_a ping -c1 -W1 $B4 || bail "no way from A to B (IPv4)"
	wait_for 5 in_a ping -c1 -W1 $B6 || bail "no way from A to B (IPv6)"
}

# A machine behind site A, which routes for it.
make_host() {
	local mtu=${1:-1500}

	make_namespace "$HOST"
	ip -n "$SITE_A" link add inside mtu "$mtu" type veth peer name eth0 mtu "$mtu" netns "$HOST"
	enable_routing "$SITE_A"
	add_address "$SITE_A" inside 203.0.113.126/25 2001:db8:c::fe/64
	add_address "$HOST" eth0 $HOST4/25 $HOST6/64
	ip -n "$HOST" route add default via 203.0.113.126
	ip -n "$HOST" route add default via 2001:db8:c::fe
	ip -n "$MIDDLE" route add 203.0.113.0/25 via $A4
	ip -n "$MIDDLE" route add 2001:db8:c::/64 via $A6
	wait_for 5 in_ns "$HOST" ping -c1 -W1 $B4 || bail "no way from the host to B (IPv4)"
	wait_for 5 in_ns "$HOST" ping -c1 -W1 $B6 || bail "no way from the host to B (IPv6)"
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
	add_address "$SITE_A" t0 $TUNNEL_A4/25 $TUNNEL_A6/64
	add_address "$SITE_B" t0 $TUNNEL_B4/25 $TUNNEL_B6/64
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

# ---- xdpsec ------------------------------------------------------------------------------------------

xdpsec_a() { "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" "$@"; }
xdpsec_b() { "$XDPSEC" -n "$SITE_B" --state-dir "$WORK/state-b" "$@"; }

# make_key NAME [BITS]: in $WORK/NAME.key
make_key() {
	(umask 077 && "$XDPSEC" genkey --bits "${2:-128}" >"$WORK/$1.key") || bail "genkey failed"
}

# make_keys [BITS]: one for each direction.
make_keys() {
	make_key a-to-b "$@" && make_key b-to-a "$@"
}

# write_config NAME DEVICE PEER ADDRESSES TX-SPI TX-KEY RX-SPI RX-KEY
write_config() {
	local address

	cat <<-END
		[Interface]
		Device = $2
		Mode = inline
		Xdp = ${XDP:-auto}

		[Peer]
		Name = $3
		Ports = ${PORTS:-4789, 5201-5210}
		Cipher = ${CIPHER:-aes-128-ocb}
		TxSpi = $5
		TxKeyFile = $6
		RxSpi = $7
		RxKeyFile = $8
	END
	for address in $4; do
		echo "Address = $address"
	done
}

# Both sites' configurations, from XDP, PORTS and CIPHER where these are set. The SPIs are documented here
# because tests forge them: A seals with 0x1001, B with 0x1002.
write_configs() {
	[ -e "$WORK/a-to-b.key" ] || make_keys "$([[ ${CIPHER:-} == aes-256* ]] && echo 256 || echo 128)"
	mkdir -p "$WORK/state-a" "$WORK/state-b"
	write_config "$NAME_A" eth0 site-b "$B4/32 $B6/128" \
		0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" >"$WORK/$NAME_A.conf"
	write_config "$NAME_B" eth0 site-a "$A4/32 203.0.113.0/25 $A6/128 2001:db8:c::/64" \
		0x1002 "$WORK/b-to-a.key" 0x1001 "$WORK/a-to-b.key" >"$WORK/$NAME_B.conf"
}

# write_tunnel_config DEVICE ADDRESSES PEER ENDPOINT ALLOWED-IPS TX-SPI TX-KEY RX-SPI RX-KEY: tunnel mode. More lines
# of [Interface] and [Peer] come from INTERFACE_LINES and PEER_LINES; an empty ENDPOINT is a peer that is learned.
write_tunnel_config() {
	cat <<-END
		[Interface]
		Device = eth0
		Mode = tunnel
		Xdp = ${XDP:-auto}
		Name = $1
		Address = $2
		ListenPort = 4500
		${INTERFACE_LINES:-}

		[Peer]
		Name = $3
		${4:+Endpoint = $4}
		AllowedIPs = $5
		Cipher = ${CIPHER:-aes-128-ocb}
		TxSpi = $6
		TxKeyFile = $7
		RxSpi = $8
		RxKeyFile = $9
		${PEER_LINES:-}
	END
}

# Both sites' configurations of a tunnel xs0, over IPv4 or, with UNDERLAY=6, IPv6. TUNNEL_ADDRESSES_A and _B are the
# ends' own, ALLOWED_A and ALLOWED_B what A and B allow their peer: both tunnel addresses, unless they are set. Keys,
# SPIs, XDP and CIPHER are as in write_configs.
write_tunnel_configs() {
	local a=$A4:4500 b=$B4:4500

	[ "${UNDERLAY:-4}" = 4 ] || a=[$A6]:4500 b=[$B6]:4500
	[ -e "$WORK/a-to-b.key" ] || make_keys "$([[ ${CIPHER:-} == aes-256* ]] && echo 256 || echo 128)"
	mkdir -p "$WORK/state-a" "$WORK/state-b"
	write_tunnel_config xs0 "${TUNNEL_ADDRESSES_A:-$TUNNEL_A4/25, $TUNNEL_A6/64}" site-b "${ENDPOINT_B-$b}" \
		"${ALLOWED_A:-$TUNNEL_B4/32, $TUNNEL_B6/128}" \
		0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" >"$WORK/$NAME_A.conf"
	write_tunnel_config xs0 "${TUNNEL_ADDRESSES_B:-$TUNNEL_B4/25, $TUNNEL_B6/64}" site-a "${ENDPOINT_A-$a}" \
		"${ALLOWED_B:-$TUNNEL_A4/32, $TUNNEL_A6/128}" \
		0x1002 "$WORK/b-to-a.key" 0x1001 "$WORK/a-to-b.key" >"$WORK/$NAME_B.conf"
}

# new_key STATE-DIR: keys are new the first time, and have state after it.
new_key() {
	[ -n "$(ls "$1")" ] || echo --new-key
}

# shellcheck disable=SC2046,SC2120 # none, or one word; options only where a test has some
up_a() { xdpsec_a up "$WORK/$NAME_A.conf" $(new_key "$WORK/state-a") "$@" && defer down_a; }
# shellcheck disable=SC2046,SC2120
up_b() { xdpsec_b up "$WORK/$NAME_B.conf" $(new_key "$WORK/state-b") "$@" && defer down_b; }

# What is already down is not an error of the cleanup.
down_a() { [ ! -e "/sys/fs/bpf/xdpsec/$NAME_A" ] || xdpsec_a down "$NAME_A"; }
down_b() { [ ! -e "/sys/fs/bpf/xdpsec/$NAME_B" ] || xdpsec_b down "$NAME_B"; }

up() {
	up_a && up_b
}

down() {
	down_a && down_b
}

# fails NAME REGEX CMD...: xdpsec fails, with an exit code of 1 and that message.
fails() {
	local name=$1 regex=$2

	shift 2
	refuses "$name" "$@"
	is "$name: exit code" "$TAP_STATUS" 1
	like "$name: message" "$TAP_OUTPUT" "$regex"
}

# unexpected_devices NAMESPACE: beside the test's own, and those that the kernel makes in every namespace when somebody
# loads a kind of tunnel.
unexpected_devices() {
	local kernels='tunl0|gre0|gretap0|erspan0|sit0|ip_vti0|ip6_vti0|ip6tnl0|ip6gre0'

	ip -n "$1" -o link show >"$WORK/links"
	grep -vE "^[0-9]+: (lo|eth0|inside|$kernels)[:@]" "$WORK/links"
}

# no_trace_at SITE: nothing of its instance is left: pins, devices, programs on eth0.
no_trace_at() {
	[ ! -e "/sys/fs/bpf/xdpsec/$1" ] || { echo "pins of $1 are left"; return 1; }
	[ ! -e "/sys/fs/bpf/xdpsec/_$1" ] || { echo "temporary pins of $1 are left"; return 1; }
	if ip -n "$1" -d link show eth0 | grep -E 'prog/xdp|xdpgeneric|xdpoffload'; then
		echo "an XDP program is left"
		return 1
	fi
	if in_ns "$1" bpftool net show dev eth0 | grep -E 'tcx|clsact'; then
		echo "a TC program is left"
		return 1
	fi
	if unexpected_devices "$1"; then
		echo "a device is left"
		return 1
	fi
}

no_trace_a() { no_trace_at "$SITE_A"; }
no_trace() { no_trace_a && no_trace_at "$SITE_B"; }

# status_a JQ-FILTER, status_b JQ-FILTER
status_a() { xdpsec_a status "$NAME_A" -j | jq -r "$1"; }
status_b() { xdpsec_b status "$NAME_B" -j | jq -r "$1"; }
drops_a() { status_a ".drops.$1"; }
drops_b() { status_b ".drops.$1"; }
# All counters that are not zero, as "reason=n reason=n", sorted by name.
all_drops_a() { status_a '[.drops | to_entries | sort_by(.key)[] | select(.value > 0) | "\(.key)=\(.value)"] | join(" ")'; }
all_drops_b() { status_b '[.drops | to_entries | sort_by(.key)[] | select(.value > 0) | "\(.key)=\(.value)"] | join(" ")'; }

# ---- processes ---------------------------------------------------------------------------------------

# running PID: of a process that this shell started. The shell's own list is asked, as the id of one that has
# ended may be somebody else's by now.
running() {
	jobs -rp >"$WORK/jobs"
	grep -qx "$1" "$WORK/jobs"
}

ended() {
	! running "$1"
}

# stop PID: end a process that this shell started, and wait for it.
stop() {
	running "$1" || return 0
	kill "$1"
	wait "$1" 2>/dev/null
	return 0
}

# start NAMESPACE OUTPUT CMD...: a process that goes on beside the test; STARTED is its id, by which it is
# ended at the latest when the test ends. A function in the background would be a shell around the process,
# and ending that shell would leave the process behind.
start() {
	nsenter --net="/run/netns/$1" -- "${@:3}" >"$2" 2>"$2.err" </dev/null &
	STARTED=$!
	defer stop "$STARTED"
}

# listening NAMESPACE PORT [tcp]
listening() {
	local kind=-u

	[ "${3:-}" != tcp ] || kind=-t
	in_ns "$1" ss -Hnl $kind "sport = :$2" | grep -q .
}

# start_echo NAMESPACE ADDRESS PORT
start_echo() {
	start "$1" "$WORK/echo" "$PACKETS" echo "$2" "$3"
	wait_for 5 listening "$1" "$3" || bail "no echo server"
}

# start_sink NAMESPACE ADDRESS PORT FILE [--expect N] [--marker M]: its result goes to FILE when it ends;
# SINK is its process.
start_sink() {
	start "$1" "$4" "$PACKETS" sink "$2" "$3" "${@:5}"
	# shellcheck disable=SC2034 # used by the tests
	SINK=$STARTED
	wait_for 5 listening "$1" "$3" || bail "no sink"
}

# ---- captures ----------------------------------------------------------------------------------------

# capture_start NAME WHERE [FILTER]: to $WORK/NAME.pcap, what passes a or b of the middle, or, as site-b, what
# comes out of XDP on B's eth0.
declare -A CAPTURE_PID CAPTURE_DEVICE

capture_start() {
	local filter=${3:-} namespace=$MIDDLE device=$2

	# An earlier capture of that name must not look like this one.
	rm -f "$WORK/$1.pcap" "$WORK/$1.tcpdump.err"
	case $2 in
	site-a) namespace=$SITE_A device=eth0 ;;
	site-b) namespace=$SITE_B device=eth0 ;;
	esac
	# The ring has slots of the snapshot length: with the largest, 64 MB are no more than 256 packets.
	start "$namespace" "$WORK/$1.tcpdump" tcpdump -i "$device" -s 9216 -U --immediate-mode -B 131072 -n \
		-w "$WORK/$1.pcap" "${filter:+($filter) or ether proto 0x88b5}"
	CAPTURE_PID[$1]=$STARTED CAPTURE_DEVICE[$1]=${2#site-}
	wait_for 10 grep -q 'listening on' "$WORK/$1.tcpdump.err" || bail "tcpdump does not listen"
}

capture_has_sentinel() {
	grep -qaF "$2" "$WORK/$1.pcap"
}

# A last frame of our own, through the same queue, tells that all before it have been written.
capture_stop() {
	local sentinel="end of capture $RANDOM$RANDOM"

	packets "$MIDDLE" sentinel "${CAPTURE_DEVICE[$1]}" "$sentinel"
	wait_for 10 capture_has_sentinel "$1" "$sentinel" || bail "the capture does not end"
	stop "${CAPTURE_PID[$1]}"
	if grep -qE '^[1-9][0-9]* packets? dropped by kernel' "$WORK/$1.tcpdump.err"; then
		bail "the capture lost packets"
	fi
}

# leaks NAME MARKER [WINDOW]: any WINDOW (8) bytes of the marker in the capture?
leaks() {
	"$PACKETS" search "$WORK/$1.pcap" "$2" --window "${3:-8}"
}

# One line of JSON per UDP packet of a capture; the filter gets an array of them.
udp_of() {
	"$PACKETS" inspect "$WORK/$1.pcap" ${3:+--port "$3"} | jq -s -c -r "$2"
}
