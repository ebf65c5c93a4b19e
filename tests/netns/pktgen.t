#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/pktgen.sh between the sites: every packet of the kernel's generator is sealed, opened and counted, or is
# counted under the name of a reason; the generator has forgotten the device afterwards, also after Ctrl-C.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

BENCH=$here/../../../bench/pktgen.sh
export XDPSEC
pktgen() { in_a "$BENCH" -i "$NAME_A" -j "$WORK/result" "$@" eth0; }
result() { jq -r -c "$1" "$WORK/result"; }
# The devices that pktgen has in A's namespace.
left() { in_a sh -c 'ls /proc/net/pktgen' | grep -v -e '^pgctrl$' -e '^kpktgend_'; }

# says NAME STATUS TEXT CMD...
says() {
	local name=$1 status=$2 text=$3

	tap_run "${@:4}"
	is "$name: exit status" "$TAP_STATUS" "$status"
	like "$name: says so" "$TAP_OUTPUT" "$text"
}

# ---- what is asked for, and the machine ------------------------------------------------------------------

says "no device" 2 "^pktgen: one DEVICE.*hint: " "$BENCH"
says "two devices" 2 "^pktgen: one DEVICE" "$BENCH" eth0 eth1
says "an option that is none" 2 "^pktgen: -x is not an option" "$BENCH" -x eth0
says "an option without its value" 2 "^pktgen: -c takes a value" "$BENCH" -c
says "a count that is no number" 2 "^pktgen: -c: 'many' is not a number" "$BENCH" -c many eth0
says "no packets" 2 "^pktgen: -c: 0 is not from 1 to" "$BENCH" -c 0 eth0
says "too many packets" 2 "^pktgen: -c: 4000000001 is not from" "$BENCH" -c 4000000001 eth0
says "no flows" 2 "^pktgen: -f: 0 is not from 1 to 16383" "$BENCH" -f 0 eth0
says "more threads than CPUs" 2 "^pktgen: -t: 100000 is not from 1 to $(nproc)" "$BENCH" -t 100000 eth0
says "no time" 2 "^pktgen: -l: 0 is not from" "$BENCH" -l 0 eth0
says "a port that is none" 2 "^pktgen: -p: 65536 is not from 1 to 65535" "$BENCH" -p 65536 eth0
says "a MAC address that is none" 2 "^pktgen: -m: '02:00' is not a MAC address" "$BENCH" -m 02:00 eth0
says "a destination that is none" 2 "^pktgen: -d: 'site-b' is not an address" "$BENCH" -d site-b eth0
says "IPv6 without -6" 2 "^pktgen: -d: $B6 needs -6" "$BENCH" -d $B6 eth0
says "IPv4 with -6" 2 "^pktgen: -d: $B4 is not an IPv6 address" "$BENCH" -6 -d $B4 eth0
says "help" 0 "-j FILE" "$BENCH" -h
says "not root" 1 "^pktgen: needs root.*hint: sudo" "${AS_NOBODY[@]}" "$BENCH" eth0
says "a file that cannot be written" 1 "^pktgen: /nonexistent/x: cannot be written" "$BENCH" -j /nonexistent/x eth0
# shellcheck disable=SC2016 # for the other shell
says "no pktgen" 1 "^pktgen: this kernel has no pktgen.*hint: modprobe pktgen" \
	unshare -m sh -c 'mount -t tmpfs none /proc/$$/net && exec "$@"' sh "$BENCH" eth0

if [ ! -e /proc/net/pktgen ]; then
	modprobe -q pktgen 2>/dev/null || { skip "the rest" "this kernel has no pktgen"; done_testing; exit; }
	defer modprobe -r pktgen
fi
make_sites
write_configs
spare=p$$
ip -n "$SITE_A" link add $spare type veth peer name peer$$
says "a device that is none" 1 "^pktgen: nosuch0: no such device" in_a "$BENCH" nosuch0
says "a device that is not Ethernet" 1 "^pktgen: lo: not an Ethernet device" in_a "$BENCH" lo
says "a device that is down" 1 "^pktgen: $spare: is down.*hint: ip link set dev $spare up" in_a "$BENCH" $spare
ip -n "$SITE_A" link set dev $spare up
says "a device without an instance" 1 "^pktgen: no instance of xdpsec is up on $spare.*hint: xdpsec up" in_a "$BENCH" $spare
says "an instance that is none" 1 "$NAME_A: is not up" pktgen

ok "up" up || bail "not up"
says "another device than the instance's" 1 "^pktgen: $NAME_A protects eth0, not $spare" in_a "$BENCH" -i "$NAME_A" $spare
says "several instances, each on an eth0" 1 "^pktgen: several instances are on a device called eth0: .*$NAME_A.*hint: -i NAME" \
	in_a "$BENCH" eth0
in_a sh -c "echo 'add_device $spare' >/proc/net/pktgen/kpktgend_0"
says "pktgen is in use" 1 "^pktgen: pktgen is in use, for $spare.*hint: echo reset" pktgen
in_a sh -c "echo reset >/proc/net/pktgen/pgctrl"
says "too short a frame" 1 "^pktgen: -s: frames of pktgen with IPv4 have 58 bytes at least, not 57" pktgen -s 57
says "too short a frame of IPv6" 1 "^pktgen: -s: frames of pktgen with IPv6 have 78 bytes at least, not 64" pktgen -6 -s 64
says "too long a frame" 1 "^pktgen: -s: a frame of 1483 bytes, and 32 more, is too long for the MTU.*hint: 1482 bytes" \
	pktgen -s "64 1483"
says "no route by the device" 1 "^pktgen: 127.0.0.1: the route to it is by lo, not eth0" pktgen -d 127.0.0.1
says "no neighbour" 1 "^pktgen: 192.0.2.77: the next hop does not tell its MAC address.*hint: -m" pktgen -d 192.0.2.77
says "an address that is not protected" 1 "pktgen: a packet to 198.51.100.254 port 5201 was not sealed.*hint: " \
	pktgen -p 5201 -d 198.51.100.254
says "a port that is not protected" 1 "pktgen: a packet to $B4 port 5300 was not sealed" pktgen -p 5300
is "an error leaves nothing in pktgen" "$(left)" ""
cp "$WORK/$NAME_A.conf" "$WORK/good"
sed -i '/^Address/d; /^Cipher/a Address = 198.51.100.0/24' "$WORK/$NAME_A.conf"
ok "a prefix instead of an address" xdpsec_a reload "$NAME_A"
says "no single address" 1 "^pktgen: $NAME_A protects no single IPv4 address.*hint: -d" pktgen
says "no address of IPv6" 1 "^pktgen: $NAME_A protects no single IPv6 address.*hint: -d" pktgen -6
cp "$WORK/good" "$WORK/$NAME_A.conf"
ok "the address again" xdpsec_a reload "$NAME_A"

# ---- every packet ----------------------------------------------------------------------------------------

COUNT=1000
dropped_by_devices() {
	{
		ip -n "$SITE_A" -s -j link show dev eth0
		ip -n "$MIDDLE" -s -j link show dev b
	} | jq -s '[.[][].stats64.tx.dropped] | add'
}
all_opened() {
	[ "$(($(status_b '.peers[0].rx.packets') + $(status_b '[.drops[]] | add') + $(dropped_by_devices)))" -ge "$1" ]
}

# every_packet NAME ADDRESS SIZES THREADS OPTIONS...: to a socket at B
every_packet() {
	local name=$1 address=$2 sizes=$3 threads=$4 sealed_before opened_before lost_before sealed opened lost sent sink

	sealed_before=$(status_a '.peers[0].tx.packets') opened_before=$(status_b '.peers[0].rx.packets')
	lost_before=$(($(dropped_by_devices) + $(status_b '[.drops[]] | add')))
	start_sink "$SITE_B" "$address" 5201 "$WORK/sink"
	sink=$SINK
	ok "$name: pktgen" pktgen -s "$sizes" -c $COUNT -f 16 -t "$threads" -p 5201 "${@:5}"
	note "$TAP_OUTPUT"
	like "$name: a line says so" "$TAP_OUTPUT" "
 +512 +$(result '.runs[] | select(.size == 512) | "\(.generated) +\(.sealed)"') "
	is "$name: of each size as many as were asked for" "$(result '[.runs[].size] | join(" ")')" "$sizes"
	# A packet that the veth device refuses was sealed before, and pktgen sends another one instead.
	is "$name: all of them were generated" \
		"$(result "[.runs[] | .generated - .refused] | unique | tostring")" "[$((COUNT * threads))]"
	is "$name: all that were generated were sealed" "$(result '[.runs[] | .generated == .sealed] | unique | tostring')" "[true]"
	is "$name: and nothing is missing or was dropped" \
		"$(result '[.runs[] | .missing, .hop.dropped, (.drops | length)] | unique | tostring')" "[0]"
	is "$name: the device is as it was" "$(result .device_unchanged)" true
	is "$name: nothing is left in pktgen" "$(left)" ""
	sealed=$(status_a '.peers[0].tx.packets')
	sent=$((sealed - sealed_before))
	is "$name: with one packet in front that looks whether it is protected" "$sent" \
		"$(($(result '[.runs[].sealed] | add') + threads))"
	ok "$name: B has seen all" wait_for 20 all_opened "$sealed"
	opened=$(($(status_b '.peers[0].rx.packets') - opened_before))
	lost=$(($(dropped_by_devices) + $(status_b '[.drops[]] | add') - lost_before))
	is "$name: sent = received + dropped" "$((opened + lost))" "$sent"
	note "$name: sent $sent, opened $opened, dropped by devices or by name $lost"
	stop "$sink"
	is "$name: what was opened was delivered" "$(jq .packets "$WORK/sink")" "$opened"
}
every_packet "IPv4" $B4 "64 512 1400" 1
is "IPv4: not by the hop" "$(result '[.runs[].hop.packets] | add')" 0
every_packet "IPv4 with UDP checksums" $B4 "64 512 1400" 1 -u
is "IPv4 with UDP checksums: by the hop" "$(result '[.runs[] | .hop.packets >= .sealed] | unique | tostring')" "[true]"
every_packet "IPv6" $B6 "78 512 1400" 1 -6 -u
if [ "$(nproc)" -gt 1 ]; then
	every_packet "two threads" $B4 "512" 2
else
	skip "two threads" "one CPU"
fi

# The packets, which must not be in clear: pktgen's own mark is the first thing in the payload.
MARK='udp[8:4] = 0xbe9be955'
marked() { tcpdump -n -r "$WORK/$1.pcap" "udp port 5201 and $MARK" 2>/dev/null | wc -l; }
start_sink "$SITE_B" $B4 5201 "$WORK/sink"
capture_start wire b "udp port 5201"
capture_start opened site-b "udp port 5201"
ok "captured: pktgen" pktgen -s 512 -c 64 -f 16 -p 5201
capture_stop wire
capture_stop opened
is "captured: as many as were sealed" "$(udp_of wire length 5201)" 65
is "captured: from so many flows" "$(udp_of wire 'map(.sport) | unique | length')" 16
is "captured: with the SPI" "$(udp_of wire 'map(.spi) | unique')" "[$((0x1001))]"
is "captured: sealed, each has its length" "$(udp_of wire 'map(.udp_length) | unique')" \
	"[$((512 - ETHERNET_HEADER - IP4_HEADER + OVERHEAD))]"
is "captured: not in clear" "$(marked wire)" 0
is "captured: and in clear behind XDP" "$(marked opened)" 65
stop "$SINK"

# ---- what is dropped has a name --------------------------------------------------------------------------

peers=/sys/fs/bpf/xdpsec/$NAME_A/maps/peers
slot=$(bpftool -j map lookup pinned "$peers" key 0 0 0 0 | jq -r '.value | map(if type == "string" then . else tostring end) | join(" ")')
ok "the SA is taken away" bpftool map update pinned "$peers" key 0 0 0 0 value 255 255 255 255 0 0 0 0
fails "without SA: status has a warning" "a reload was killed" xdpsec_a status "$NAME_A"
ok "without SA: pktgen, until its time is over" pktgen -s 64 -c 1000000000 -l 2
is "without SA: every packet counts as no_key, and nothing else does" \
	"$(result '.runs[0] | [.generated > 0, .sealed, .drops == {no_key: .generated}, .refused == .generated] | tostring')" \
	"[true,0,true,true]"
is "without SA: stopped" "$(result '.runs[0].stopped')" true
like "without SA: says so" "$TAP_OUTPUT" "dropped: no_key [0-9]+.*stopped after 2 s"
# shellcheck disable=SC2086 # bytes
ok "the SA is back" bpftool map update pinned "$peers" key 0 0 0 0 value $slot
ok "detach" bpftool link detach pinned "/sys/fs/bpf/xdpsec/$NAME_A/links/seal"
says "not attached" 1 "^pktgen: $NAME_A is not attached to eth0.*hint: xdpsec status" pktgen
ok "down and up" down_a
ok "down and up" up_a

# ---- Ctrl-C ------------------------------------------------------------------------------------------------

sealed_more() { [ "$(status_a '.peers[0].tx.packets')" -gt "$1" ]; }
for signal in INT TERM; do
	before=$(ip -n "$SITE_A" -d -j link show dev eth0)
	sealed=$(status_a '.peers[0].tx.packets')
	# A shell in the background ignores SIGINT, and so would all that it starts.
	start "$SITE_A" "$WORK/stopped" env --default-signal=INT "$BENCH" -i "$NAME_A" -s 64 -c 4000000000 -l 600 -p 5201 eth0
	ok "SIG$signal: packets flow" wait_for 30 sealed_more $((sealed + 100))
	kill -$signal "$STARTED"
	ok "SIG$signal: ends" wait_for 20 ended "$STARTED"
	wait "$STARTED"
	is "SIG$signal: exit status" "$?" "$((128 + $(kill -l $signal)))"
	is "SIG$signal: nothing is left in pktgen" "$(left)" ""
	is "SIG$signal: the device is as it was" "$(ip -n "$SITE_A" -d -j link show dev eth0)" "$before"
	sealed=$(status_a '.peers[0].tx.packets')
	ok "SIG$signal: pktgen can be used again" pktgen -s 64 -c 10 -p 5201
	is "SIG$signal: and nobody else sends" "$(($(status_a '.peers[0].tx.packets') - sealed))" 11
done

ok "down" down
ip -n "$SITE_A" link del dev $spare
ok "nothing is left" no_trace
done_testing
