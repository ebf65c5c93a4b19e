#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tunnel that is off passes a ping test too: what must be sealed and cannot be is not sent, and what must
# be opened and cannot be is not delivered.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

make_sites
write_configs
start_echo "$SITE_B" $B4 5201
start_echo "$SITE_B" $B6 5201
start_echo "$SITE_B" $B4 5300
make_vxlan() { make_tunnel 4 1418 vxlan id 42 local LOCAL remote REMOTE dstport 4789; }
ok "the tunnel device" make_vxlan
maps=/sys/fs/bpf/xdpsec/$NAME_A/maps

# try NAME: send what would be answered, and say what was on the wire as $wire (UDP packets of protected ports that A
# sent)
try() {
	capture_start "$1" a "(src $A4 or src $A6) and (udp port 5201 or udp port 4789)"
	refuses "$1: no answer over IPv4" packets "$SITE_A" roundtrip $B4 5201 --timeout 1 --size 600 --marker "$MARKER"
	refuses "$1: no answer over IPv6" packets "$SITE_A" roundtrip $B6 5201 --timeout 1 --size 600 --marker "$MARKER"
	refuses "$1: no ping through the tunnel" in_a ping -c2 -i0.2 -W1 -p "$MARKER_HEX" -s 600 $TUNNEL_B4
	capture_stop "$1"
	refuses "$1: nothing in clear" leaks "$1" "$MARKER"
	wire=$(udp_of "$1" length)
	ok "$1: other ports do as before" packets "$SITE_A" roundtrip $B4 5300 --marker "$MARKER"
}
# ping repeats up to 16 bytes of pattern: half of the marker, which the search finds by its windows.
MARKER_HEX=$(printf '%s' "${MARKER:0:16}" | od -An -tx1 | tr -d ' \n')

ok "up" up || bail "not up"
ok "up: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"
ok "up: an answer over IPv6" packets "$SITE_A" roundtrip $B6 5201 --marker "$MARKER"
ok "up: the tunnel answers" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B4

# The address of the policy's SA, as the loader has put it.
peer0=$(bpftool -j map lookup pinned "$maps/peers" key 0 0 0 0 | jq -r '.value | join(" ")')
read -ra bytes <<<"$peer0"
ok "A's peer loses its SA" bpftool map update pinned "$maps/peers" key 0 0 0 0 \
	value 0xff 0xff 0xff 0xff 0 0 0 0
before=$(drops_a no_key)
try "no SA"
is "no SA: nothing leaves" "$wire" 0
ok "no SA: no_key counts" [ "$(drops_a no_key)" -gt "$before" ]
ok "A's peer has its SA again" bpftool map update pinned "$maps/peers" key 0 0 0 0 value "${bytes[@]}"
ok "with the SA: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"

# The end of the reserved range.
sequence=$(bpftool -j map lookup pinned "$maps/sequences" key "${bytes[@]:0:4}" | jq -r '.value | join(" ")')
read -ra numbers <<<"$sequence"
ok "A's range is used up" bpftool map update pinned "$maps/sequences" key "${bytes[@]:0:4}" \
	value "${numbers[@]:0:8}" "${numbers[@]:0:8}" "${numbers[@]:16}"
before=$(drops_a sequence_exhausted)
try "no numbers"
is "no numbers: nothing leaves" "$wire" 0
ok "no numbers: sequence_exhausted counts" [ "$(drops_a sequence_exhausted)" -gt "$before" ]

# Without A's end: its packets are in clear, which is what `down` means and shows that the searches above
# would have found them. B does not take them. IPv6 on the tunnel device would send some that the capture has not.
remove_tunnel
ok "A down" down_a
capture_start control a "udp port 5201"
received=$(udp_received "$SITE_B")
refuses "A down: no answer" packets "$SITE_A" roundtrip $B4 5201 --timeout 1 --marker "$MARKER"
refuses "A down: no answer over IPv6" packets "$SITE_A" roundtrip $B6 5201 --timeout 1 --marker "$MARKER"
is "A down: B's sockets get nothing" "$(udp_received "$SITE_B")" "$received"
capture_stop control
ok "A down: the control finds clear text" leaks control "$MARKER"
is "A down: B counts each as plaintext" "$(drops_b plaintext)" "$(udp_of control 'length')"

# Without B's end.
ok "A up" up_a || bail "not up"
ok "the tunnel device again" make_vxlan
ok "A up: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"
ok "B down" down_b
try "B down"
ok "B down: A's packets leave sealed" [ "$wire" -gt 0 ]
ok "B up" up_b || bail "not up"
ok "B up: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"

# Without the program at the device that completes checksums.
ok "the hop's program is detached" bpftool link detach pinned "/sys/fs/bpf/xdpsec/$NAME_A/links/hop"
try "no program at the hop"
is "no program at the hop: nothing leaves" "$wire" 0
ok "reload attaches it again" xdpsec_a reload "$NAME_A"
ok "reload: an answer" packets "$SITE_A" roundtrip $B4 5201 --marker "$MARKER"

# Without the device that completes checksums: pending ones cannot be sealed.
# By its name: other tests bring the kernel to have a tunl0 and the like in every namespace.
hop=$(ip -n "$SITE_A" -o link show | sed -n 's/^[0-9]*: \(xsh[0-9]*a\)@.*/\1/p')
ok "the hop device goes away" ip -n "$SITE_A" link del "$hop"
try "no hop device"
is "no hop device: nothing leaves" "$wire" 0

ok "down" down
ok "remove the tunnel" ip -n "$SITE_A" link del t0
ok "remove the other end" ip -n "$SITE_B" link del t0
ok "nothing is left" no_trace
done_testing
