#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inline mode, and UDP to a group or to broadcast whose port is protected for some peer: it is dropped, unless the group
# is in an Address or in ClearGroups. Frames of a PPPoE session: protected flows in them do not leave in clear.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

GROUP4=239.1.1.1 GROUP6=ff0e::1:1
SENDER=$(cat <<'END'
import socket, struct, sys

# An Ethernet frame of a PPPoE session (RFC 2516) with an IPv4 and UDP datagram, as pppd's kernel driver sends it.
device, source, destination, port, marker = sys.argv[1:]
payload = marker.encode()
udp = struct.pack("!HHHH", int(port), int(port), 8 + len(payload), 0) + payload
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                 socket.inet_aton(source), socket.inet_aton(destination))
total = sum(struct.unpack("!10H", ip))
while total >> 16:
    total = (total & 0xFFFF) + (total >> 16)
ip = ip[:10] + struct.pack("!H", ~total & 0xFFFF) + ip[12:]
session = struct.pack("!BBHHH", 0x11, 0, 1, 2 + len(ip) + len(udp), 0x0021)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((device, 0))
s.send(b"\x02\0\0\0\0\x01" + s.getsockname()[4] + struct.pack("!H", 0x8864) + session + ip + udp)
END
)

send_to() { packets "$SITE_A" send "$1" "$2" --size 100 --marker "$MARKER" >/dev/null; }
send_pppoe() { in_a python3 -c "$SENDER" eth0 $A4 "$1" "$2" "$MARKER"; }
sent() { status_a '.peers[0].tx.packets'; }

# captured NAME CMD...: what leaves A while CMD runs
captured() {
	capture_start "$1" a
	"${@:2}"
	capture_stop "$1"
}

# add_to SECTION LINE: into A's configuration
add_to() {
	sed -i "s|^\\[$1\\]|&\\n$2|" "$WORK/$NAME_A.conf"
}

make_sites
write_configs
cp "$WORK/$NAME_A.conf" "$WORK/plain"

for group in $GROUP4 $GROUP6 255.255.255.255; do
	[ $group = 255.255.255.255 ] || {
		captured control send_to $group 5201
		ok "down: $group: the search finds it" leaks control "$MARKER"
	}
done
captured control send_pppoe $B4 5201
ok "down: PPPoE: the search finds it" leaks control "$MARKER"

# ---- groups ----------------------------------------------------------------------------------------------

ok "up" up || bail "not up"
unlike "up: no warning" "$TAP_OUTPUT" "sends broadcast and unknown unicast"
for group in $GROUP4 $GROUP6; do
	before=$(drops_a group)
	captured group send_to $group 5201
	refuses "$group: nothing in clear" leaks group "$MARKER"
	is "$group: counted" "$(drops_a group)" $((before + 1))
	captured other send_to $group 5300
	ok "$group: another port passes" leaks other "$MARKER"
done

ip -n "$SITE_A" link add vx type vxlan id 7 group $GROUP4 dev eth0 dstport 4789
ok "reload" xdpsec_a reload "$NAME_A"
like "reload: a VXLAN device with that group is named" "$TAP_OUTPUT" \
	"warning: .*VXLAN device vx sends broadcast and unknown unicast to group $GROUP4"

add_to Interface "ClearGroups = $GROUP4, $GROUP6"
ok "ClearGroups: reload" xdpsec_a reload "$NAME_A"
unlike "ClearGroups: no warning" "$TAP_OUTPUT" "sends broadcast and unknown unicast"
for group in $GROUP4 $GROUP6; do
	captured allowed send_to $group 5201
	ok "ClearGroups: $group passes" leaks allowed "$MARKER"
done

cp "$WORK/plain" "$WORK/$NAME_A.conf"
add_to Peer "Address = $GROUP4/32"
ok "Address: reload" xdpsec_a reload "$NAME_A"
unlike "Address: no warning" "$TAP_OUTPUT" "sends broadcast and unknown unicast"
before=$(sent)
captured sealed send_to $GROUP4 5201
refuses "Address: nothing in clear" leaks sealed "$MARKER"
is "Address: sealed for that peer" "$(sent)" $((before + 1))
before=$(drops_a group)
captured group send_to $GROUP6 5201
refuses "Address: the other group, which ClearGroups has no more: nothing in clear" leaks group "$MARKER"
is "Address: the other group is counted" "$(drops_a group)" $((before + 1))
ip -n "$SITE_A" link del vx

# ---- PPPoE -------------------------------------------------------------------------------------------------

before=$(sent)
captured session send_pppoe $B4 5201
refuses "PPPoE: nothing in clear" leaks session "$MARKER"
is "PPPoE: sealed" "$(sent)" $((before + 1))
captured session send_pppoe $B4 5300
ok "PPPoE: another port passes" leaks session "$MARKER"
captured session send_pppoe 203.0.113.200 5201
ok "PPPoE: another address passes" leaks session "$MARKER"

ok "down" down
ok "nothing is left" no_trace
done_testing
