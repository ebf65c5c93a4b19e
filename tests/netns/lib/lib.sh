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
# To be sourced by a test. `make_sites [MTU]` makes the namespaces (sites.sh), `write_configs` both configurations,
# `up` and `down` run xdpsec for both (instance.sh); process.sh and capture.sh are what goes on beside a test.
# Everything has a unique name and is gone when the test ends.

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tap.sh
. "$here/../../tap.sh"

export PATH=$PATH:/usr/sbin:/sbin
OUTPUT=$(realpath -m "${OUTPUT:-$here/../../../.output}")
XDPSEC=${XDPSEC:-$OUTPUT/xdpsec}
PACKETS=$here/packets.py

TUNNEL_A4=203.0.113.129 TUNNEL_A6=2001:db8:f::a
TUNNEL_B4=203.0.113.130 TUNNEL_B6=2001:db8:f::b
A4=192.0.2.1 A6=2001:db8:a::1
B4=198.51.100.1 B6=2001:db8:b::1
HOST4=203.0.113.1 HOST6=2001:db8:c::1

# Bytes that sealing adds, and bytes around a UDP payload.
# shellcheck disable=SC2034 # used by the tests
OVERHEAD=32 IP4_HEADER=20 IP6_HEADER=40 UDP_HEADER=8 VXLAN_HEADER=8 ETHERNET_HEADER=14
# Bytes that tunnel mode adds to a packet, by the underlay.
# shellcheck disable=SC2034 # used by the tests
IP4_OVERHEAD=$((IP4_HEADER + UDP_HEADER + OVERHEAD)) IP6_OVERHEAD=$((IP6_HEADER + UDP_HEADER + OVERHEAD))

# Programs that every test needs. A test with other needs checks for them itself.
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

# shellcheck source=tests/netns/lib/sites.sh
. "$here/sites.sh"
# shellcheck source=tests/netns/lib/instance.sh
. "$here/instance.sh"
# shellcheck source=tests/netns/lib/process.sh
. "$here/process.sh"
# shellcheck source=tests/netns/lib/capture.sh
. "$here/capture.sh"
