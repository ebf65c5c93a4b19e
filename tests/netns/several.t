#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several instances on one device: tunnels, and a tunnel beside inline mode. What each carries, what may not be there
# together, that each goes while the others stay and lose nothing, and that nothing is delivered in clear meanwhile.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/several.sh
. "$here/several.sh"

FORGED=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')

# ---- one after the other -----------------------------------------------------------------------------

ok "a tunnel" up_both 1 || bail "not up"
ok "the tunnel carries" carry 1
is "alone, it shares nothing" "$(status_of 1 '.shared_with | length')" 0
unlike "alone, it shares nothing, in text" "$(xdpsec_b status "$(name_b 1)")" "shared"
ok "another tunnel on the device" up_both 2
ok "both carry" carry 1 2
ok "inline mode beside tunnels" up_both 0
ok "all carry" carry 0 1 2
ok "one more tunnel beside inline mode" up_both 3
ok "all carry now" carry 0 1 2 3
is "status: who shares the device" "$(status_of 2 '.shared_with | sort | join(" ")')" \
	"$(name_b 0) $(name_b 1) $(name_b 3)"
like "status: who shares the device, in text" "$(xdpsec_b status "$(name_b 0)")" \
	"shared with: $(name_b 1), $(name_b 2), $(name_b 3)"$'\n'
for n in 0 1 2 3; do
	is "status of $n" "$(status_of $n '"\(.attached) \(.xdp) \(.warnings | length)"')" "true native 0"
done
index=$(ip -n "$SITE_B" -j link show dev eth0 | jq '.[0].ifindex')
is "the far ends have names of their own" \
	"$(ip -n "$SITE_B" -o link show 2>/dev/null | grep -oE 'xs[ht][0-9ab]+' | sort -u | paste -sd' ')" \
	"xsh${index}a xsh${index}b xst$index xst${index}b1 xst${index}b2"
uses_dispatcher 1 || is "as many maps as there are programs in front of others" "$(chain_pins)" 6
for n in 0 1 2 3; do
	is "no drops of $n at B" "$(status_of $n '[.drops[]] | add')" 0
done

# Packets that one instance does not know go to the others.
capture_start wire b "udp port $INLINE_PORT or udp portrange 4501-4503"
ok "all carry, and a capture" carry 0 1 2 3
capture_stop wire
refuses "nothing of it in clear on the wire" leaks wire "$MARKER"
is "no sequence number twice" "$(udp_of wire 'map([.spi, .sequence]) | (length - (unique | length))')" 0
for n in 1 2 3; do
	packets "$MIDDLE" inject b "$WORK/wire.pcap" --port $((4500 + n)) --spi 0x99 >/dev/null
	ok "an unknown SPI at tunnel $n: it counts it" wait_for 5 eval "[ \"\$(status_of $n .drops.unknown_spi)\" = 1 ]"
done
packets "$MIDDLE" inject b "$WORK/wire.pcap" --port $INLINE_PORT --spi 0x99 >/dev/null
ok "an unknown SPI on inline mode's port: it counts it" wait_for 5 eval '[ "$(status_of 0 .drops.unknown_spi)" = 1 ]'
is "no other instance counts any" "$(for n in 0 1 2 3; do status_of $n .drops.unknown_spi; done | paste -sd' ')" "1 1 1 1"

# ---- coming and going, while the others are busy -----------------------------------------------------

# Somebody who sends in clear what looks as if it came from A.
cp "$WORK/wire.pcap" "$WORK/forge.pcap"
start "$MIDDLE" "$WORK/forged" "$PACKETS" inject b "$WORK/forge.pcap" --port $INLINE_PORT \
	--payload "$FORGED" --repeat 1000000 --rate 500
FORGER=$STARTED
declare -A PING
for n in 1 2 3; do
	start "$SITE_A" "$WORK/ping$n" ping -i 0.01 "$(inner_b $n)"
	PING[$n]=$STARTED
done
# busy_end N: none of its pings was lost
busy_end() {
	kill -INT "${PING[$1]}"
	wait "${PING[$1]}" 2>/dev/null
	[[ $(tail -n2 "$WORK/ping$1") =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]] || return 1
	note "${BASH_REMATCH[1]} pings"
	# The last one may have been on its way.
	[ "${BASH_REMATCH[1]}" -gt 50 ] && [ $((BASH_REMATCH[1] - BASH_REMATCH[2])) -le 1 ] || { tail -n2 "$WORK/ping$1"; return 1; }
}
# The chain at B is inline mode, 3, 2, 1: a head, one in the middle, and the last one go, and come again.
ok "inline mode goes" xdpsec_down_b 0
ok "inline mode goes: nothing of it is left" test ! -e "/sys/fs/bpf/xdpsec/$(name_b 0)"
ok "inline mode comes again" xdpsec_up_b 0
ok "it opens" carry 0
ok "one in the middle goes" xdpsec_down_b 2
ok "one in the middle comes again" xdpsec_up_b 2
ok "a reload of another one" xdpsec_b reload "$(name_b 3)"
ok "tunnel 3 has lost nothing" busy_end 3
ok "the first of the tunnels goes" xdpsec_down_b 3
ok "tunnel 1 has lost nothing" busy_end 1
start "$SITE_A" "$WORK/ping3" ping -i 0.01 "$(inner_b 3)"
PING[3]=$STARTED
ok "it comes again" xdpsec_up_b 3
ok "all carry" carry 0 1 2 3
ok "the last one goes" xdpsec_down_b 1
ok "the last one comes again" xdpsec_up_b 1
ok "all carry after all of it" carry 0 1 2 3
uses_dispatcher 1 || is "no map is left of chains that were" "$(chain_pins)" 6
stop "$FORGER"
is "forged datagrams have been counted" "$(status_of 0 '.drops.plaintext > 100')" true
# While inline mode was down, they came in: what came is from then. So look at it again while it stays.
stop "${PING[2]}"
stop "${PING[3]}"

start "$MIDDLE" "$WORK/forged" "$PACKETS" inject b "$WORK/forge.pcap" --port $INLINE_PORT \
	--payload "$FORGED" --repeat 1000000 --rate 500
FORGER=$STARTED
capture_start delivered site-b "udp port $INLINE_PORT"
for n in 1 2 3; do
	ok "inline mode stays, $n goes" xdpsec_down_b $n
	ok "inline mode stays, $n goes: it opens" carry 0
	ok "inline mode stays, $n comes again" xdpsec_up_b $n
done
stop "$FORGER"
capture_stop delivered
refuses "at no time was anything forged delivered" leaks delivered "$FORGED"
ok "what was opened was" test "$(udp_of delivered length)" -gt 2

# ---- what cannot be there together -------------------------------------------------------------------

# change N SED: A's configuration of the Nth, under another name
change() { sed "$2" "$(conf_a "$1")" >"$WORK/$ID-other.conf"; }
# up and check say the same
conflict() {
	fails "$1: up" "$2" xdpsec_a up "$WORK/$ID-other.conf" --new-key
	fails "$1: check" "$2" xdpsec_a check "$WORK/$ID-other.conf"
	ok "$1: nothing is left" test ! -e "/sys/fs/bpf/xdpsec/$ID-other" -a ! -e "/sys/fs/bpf/xdpsec/_$ID-other"
}
ok "check of one that is up" xdpsec_a check "$(conf_a 1)"
change 1 's/^Name = xs1/Name = xs9/'
conflict "the same port" "ListenPort: 4501: already used by the tunnel xs1 \\($(name_a 1)\\), on the same device eth0.*hint: set ListenPort = 4502"
change 1 's/^Name = xs1/Name = xs9/; s/^ListenPort = .*/ListenPort = 4509/'
conflict "the same SPI" "RxSpi: 0x00001002: already used by the tunnel xs1 \\($(name_a 1)\\), on the same device eth0.*hint: choose another number"
change 0 "s|^Address = .*|Address = 198.51.100.0/25|"
conflict "prefixes that overlap" ":15: Address: 198.51.100.0/25: overlaps with $B4/32 of $(name_a 0), on the same device eth0.*hint: .*reload $(name_a 0)"
change 1 's/^Name = xs1/Name = xs9/; s/^ListenPort.*/ListenPort = 5201/; s/^SourcePort.*//'
conflict "a tunnel of which inline mode protects the port" \
	"Endpoint: $B4:4501: $(name_a 0) protects UDP port 5201 there, and would seal the tunnel's packets twice.*hint: remove 5201 from Ports of $(conf_a 0)"
ok "inline mode goes for a while" xdpsec_down_a 0
change 0 's/^Ports = .*/Ports = all/'
conflict "inline mode that protects a tunnel's port" \
	"Address: $B4/32: its Ports include 4501, 49152-65535, and would seal the packets of the tunnel xs1 \\($(name_a 1)\\) to $B4:4501 twice.*hint: remove 4501, 49152-65535 from Ports of site-b"
change 0 's/^Ports = .*/Ports = 60000/'
conflict "inline mode that protects a tunnel's source ports" "its Ports include 49152-65535, .*hint: .*SourcePort = listen"
change 0 's/^Xdp = .*/Xdp = generic/'
uses_dispatcher 1 || conflict "another way to attach" "Xdp = generic: .* has attached to eth0 in native mode.*hint: Xdp = auto"
ok "inline mode comes again" xdpsec_up_a 0
cp "$(conf_a 0)" "$WORK/kept"
sed -i 's/^Ports = .*/Ports = 4502/' "$(conf_a 0)"
fails "reload: inline mode that protects a tunnel's port" "its Ports include 4502, .*tunnel xs2" xdpsec_a reload "$(name_a 0)"
cp "$WORK/kept" "$(conf_a 0)"
ok "reload: as it was" xdpsec_a reload "$(name_a 0)"
ok "all carry after what was refused" carry 0 1 2 3
# Two of inline mode, with other prefixes
PORTS=$INLINE_PORT write_config "$ID-other" eth0 site-m 192.0.2.254/32 0x6001 "$WORK/ab0.key" 0x6002 "$WORK/ba0.key" >"$WORK/$ID-other.conf"
make_key other-tx
make_key other-rx
sed -i 's/ab0.key/other-tx.key/; s/ba0.key/other-rx.key/' "$WORK/$ID-other.conf"
ok "two of inline mode, with other prefixes" xdpsec_a up "$WORK/$ID-other.conf" --new-key
ok "two of inline mode: all carry" carry 0 1 2 3
refuses "two of inline mode: what the other protects is not sent in clear" \
	packets "$SITE_A" roundtrip 192.0.2.254 $INLINE_PORT --timeout 1
is "two of inline mode: it is sealed" "$(xdpsec_a status "$ID-other" -j | jq '.peers[0].tx.packets > 0')" true
ok "two of inline mode: the other goes" xdpsec_a down "$ID-other"
ok "two of inline mode: all carry still" carry 0 1 2 3
if ! uses_dispatcher 1; then
	fails "by hand, beside others" "--no-attach: eth0 has the XDP program of .*, and no second one can be attached by hand.*hint: " \
		xdpsec_a up "$WORK/$ID-other.conf" --no-attach
fi

# ---- which comes first -------------------------------------------------------------------------------

# A peer that is yet to be learned: nobody can tell that inline mode protects its flow. What A's tunnel sends is then
# judged by inline mode first, whichever came up first: A does not seal it a second time.
first() {
	xdpsec_down_b 0 && xdpsec_down_b 1 && xdpsec_up_b "$1" && xdpsec_up_b "$2" || return 1
	in_a ping -c1 -W1 "$(inner_b 1)"
	[ "$(status_of 0 '.drops.unknown_spi > 0') $(status_of 1 '.peers[0].rx.packets')" = "true 0" ] ||
		{ status_of 0 .drops; return 1; }
}
cp "$(conf_b 0)" "$WORK/kept0"
cp "$(conf_b 1)" "$WORK/kept1"
sed -i 's/^Ports = .*/&, 4501/' "$(conf_b 0)"
sed -i '/^Endpoint/d' "$(conf_b 1)"
ok "inline mode comes first, up first" first 0 1
ok "inline mode comes first, up last" first 1 0
cp "$WORK/kept0" "$(conf_b 0)"
cp "$WORK/kept1" "$(conf_b 1)"
ok "as before" eval 'xdpsec_down_b 0 && xdpsec_down_b 1 && xdpsec_up_b 0 && xdpsec_up_b 1'
ok "all carry as before" carry 0 1 2 3

# ---- another version, another namespace --------------------------------------------------------------

# made_by_another N: its record says so
made_by_another() {
	local map
	local -a value

	map=/sys/fs/bpf/xdpsec/$(name_b "$1")/maps/instance
	mapfile -t value < <(bpftool -j map lookup pinned "$map" key 0 0 0 0 | jq -r '.value[]')
	bpftool map update pinned "$map" key 0 0 0 0 value 99 "${value[@]:1}"
}
# B's are inline mode, then 1, 3 and 2 in the order in which they came, the last first.
for n in 1 2 3; do
	ok "inline mode of another version: $n goes" eval "made_by_another 0 && xdpsec_down_b $n"
	like "inline mode of another version: it cannot get another neighbour" "$(xdpsec_up_b $n 2>&1)" \
		"$(name_b 0): was started by another version of xdpsec.*hint: .*down $(name_b 0)"
done
ok "the one of another version opens" carry 0
ok "what is not its passes" in_a ping -c1 -W5 $B4
ok "and UDP that is not" packets "$SITE_A" roundtrip $B4 5299 --timeout 5
ok "it goes" xdpsec_down_b 0
for n in 0 1 2 3; do
	ok "B again: $n" xdpsec_up_b $n
done
ok "the one in the middle, of another version, goes" eval 'made_by_another 2 && xdpsec_down_b 2'
ok "the others carry" carry 0 1 3
ok "it comes again" xdpsec_up_b 2
ok "all carry again" carry 0 1 2 3

make_namespace "$ID-o"
ok "the device moves to another namespace" ip -n "$SITE_B" link set dev eth0 netns "$ID-o"
for n in 2 0 3; do
	ok "the device is elsewhere: $n goes" xdpsec_down_b $n
done
ok "the device comes back" ip -n "$ID-o" link set dev eth0 netns "$SITE_B"
ip -n "$SITE_B" link set dev eth0 up
add_address "$SITE_B" eth0 "$B4/24" "$B6/64"
ip -n "$SITE_B" route add default via 198.51.100.254
ip -n "$SITE_B" route add default via 2001:db8:b::fe
ok "the last one goes" xdpsec_down_b 1
ok "no trace of any" no_trace_at "$SITE_B"
ok "somebody else's XDP program" ip -n "$SITE_B" link set dev eth0 xdp obj "$OUTPUT/pass.bpf.o" sec xdp.frags
fails "beside somebody else's: up" "eth0: cannot attach to XDP: .*busy.*hint: another XDP program is attached" xdpsec_up_b 1
fails "beside somebody else's: check" "eth0: cannot attach to XDP: .*busy.*hint: another XDP program is attached" \
	xdpsec_b check "$(conf_b 1)"
ip -n "$SITE_B" link set dev eth0 xdp off
ok "without it: check" xdpsec_b check "$(conf_b 1)"
for n in 0 1 2 3; do
	ok "B once more: $n" xdpsec_up_b $n
done

# ---- somebody takes it off, or removes pins ----------------------------------------------------------

if ! uses_dispatcher 1; then
	ip -n "$SITE_B" link set dev eth0 xdp off
	for n in 0 1 2 3; do
		like "taken off by somebody: status of $n" "$(status_of $n '.warnings[]')" "not attached to XDP of eth0"
	done
	for n in 0 1 2 3; do
		ok "taken off by somebody: $n goes" xdpsec_down_b $n
	done
	ok "taken off by somebody: no trace" no_trace_at "$SITE_B"
	ok "B again: 1" xdpsec_up_b 1
	ok "B again: 0" xdpsec_up_b 0
	ok "B again: both carry" carry 0 1
	# The kernel empties what leads from inline mode to the tunnel.
	rm -r "/sys/fs/bpf/xdpsec/$(name_b 0)/chain"
	refuses "a pin is removed: no UDP is delivered" packets "$SITE_A" roundtrip $B4 $INLINE_PORT --timeout 1
	refuses "a pin is removed: nothing goes through the tunnel" in_a ping -c1 -W1 "$(inner_b 1)"
	is "a pin is removed: what may have been its is counted" "$(status_of 0 '.drops.no_next > 0')" true
	ok "a pin is removed: what is not UDP passes" in_a ping -c1 -W5 $B4
	like "a pin is removed: status says who is lost" "$(status_of 1 '.warnings[]')" "not attached to XDP of eth0"
	ok "a pin is removed: down" xdpsec_down_b 1
	ok "a pin is removed: down: inline mode opens again" carry 0
	ok "a pin is removed: up" xdpsec_up_b 1
	ok "a pin is removed: both carry again" carry 0 1
	ok "B again: 2" xdpsec_up_b 2
	ok "B again: 3" xdpsec_up_b 3
fi

# ---- the end -----------------------------------------------------------------------------------------

ok "all go" down_all
ok "nothing is left" no_trace
done_testing
