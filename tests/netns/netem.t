#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A network between the sites that loses, delays out of order and doubles packets (netem): no packet is delivered
# twice, none that arrives within the window is lost, and the counters of both ends and of the network add up. And
# where the window ends, to the number.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

COUNT=2000
WINDOW=8128 # docs/protocol.md: refused, if highest - s is more

make_sites
write_configs
ok "up" up || bail "not up"

opened() { status_b '.peers[0].rx.packets'; }
sealed() { status_a '.peers[0].tx.packets'; }
dropped_by_device() { ip -n "$MIDDLE" -s -j link show dev b | jq '.[0].stats64.tx.dropped'; }

# ---- the network ------------------------------------------------------------------------------------------

# Only UDP goes through netem, so that its counters are of nothing else. The kernel loads the modules by itself.
netem() {
	in_middle tc qdisc del dev b root 2>/dev/null
	in_middle tc qdisc add dev b root handle 1: prio &&
		in_middle tc qdisc add dev b parent 1:3 handle 3: netem limit 1000000 "$@" &&
		in_middle tc filter add dev b parent 1: protocol ip prio 1 u32 match ip protocol 17 0xff classid 1:3 &&
		in_middle tc filter add dev b parent 1: protocol ipv6 prio 2 u32 match ip6 protocol 17 0xff classid 1:3
}
# netem_counter packets|drops|qlen
netem_counter() { in_middle tc -s -j qdisc show dev b | jq -r ".[] | select(.kind == \"netem\") | .$1"; }
netem_is_empty() { [ "$(netem_counter qlen)" = 0 ]; }
b_has_seen() { [ $(($(opened) + $(status_b '[.drops[]] | add'))) -ge "$1" ]; }

# through_netem NAME ADDRESS OPTIONS...: COUNT packets from A to B. What was counted is then in sent (sealed by A),
# lost and left (dropped, and sent on, by netem), overrun (dropped by the device behind it), new and replayed (by B),
# different and order (numbers on the wire, and how often one came after a higher one).
through_netem() {
	local name=$1 address=$2 seen_before sealed_before opened_before replayed_before overrun_before

	ok "$name: netem" netem "${@:3}" || bail "no netem"
	sealed_before=$(sealed) opened_before=$(opened) replayed_before=$(drops_b replayed)
	seen_before=$((opened_before + $(status_b '[.drops[]] | add'))) overrun_before=$(dropped_by_device)
	capture_start wire b "udp port 5201"
	start_sink "$SITE_B" "$address" 5201 "$WORK/sink" --marker "$MARKER"
	ok "$name: send" packets "$SITE_A" send "$address" 5201 --count $COUNT --rate 1000 --size 200 --marker "$MARKER"
	ok "$name: netem has let go of all" wait_for 20 netem_is_empty
	sent=$(($(sealed) - sealed_before)) lost=$(netem_counter drops) left=$(netem_counter packets)
	overrun=$(($(dropped_by_device) - overrun_before))
	ok "$name: B has seen what netem let through" wait_for 20 b_has_seen $((seen_before + left - overrun))
	capture_stop wire
	stop "$SINK"
	new=$(($(opened) - opened_before)) replayed=$(($(drops_b replayed) - replayed_before))
	read -r different order < <(udp_of wire 'map(.sequence) | "\(unique | length) \([.[1:], .[:-1]] | transpose
		| map(select(.[0] < .[1])) | length)"' 5201)
	note "$name: sent $sent, lost $lost, left $left, overrun $overrun, new $new, replayed $replayed, out of order $order"

	is "$name: A has sealed all" "$sent" $COUNT
	is "$name: all that netem let through was opened or is counted as replayed" $((new + replayed)) $((left - overrun))
	is "$name: every number that arrived was opened" "$new" "$different"
	is "$name: what was opened was delivered, once and whole" "$(jq -c . "$WORK/sink")" \
		"{\"packets\":$new,\"different\":$new,\"damaged\":0}"
	is "$name: nothing was dropped for another reason" "$(all_drops_b | tr ' ' '\n' | grep -v '^replayed=')" ""
	is "$name: nor at A" "$(all_drops_a)" ""
}

if ! netem delay 1ms >"$WORK/netem" 2>&1; then
	skip "a bad network" "this kernel has no netem: $(head -n 1 "$WORK/netem")"
else
	for family in 4 6; do
		address=$B4
		[ $family = 4 ] || address=$B6

		through_netem "IPv$family, nothing" $address delay 1ms
		is "IPv$family, nothing: all arrive" "$new $replayed $lost" "$COUNT 0 0"

		through_netem "IPv$family, loss" $address loss 1%
		is "IPv$family, loss: there was some" "$((lost > 0))" 1
		is "IPv$family, loss: all others arrive" "$new $replayed" "$((COUNT - lost - overrun)) 0"

		through_netem "IPv$family, reordering" $address delay 50ms reorder 20% 25%
		is "IPv$family, reordering: there was some" "$((order > 0))" 1
		is "IPv$family, reordering: all arrive" "$new $replayed $lost" "$((COUNT - overrun)) 0 0"

		through_netem "IPv$family, duplication" $address duplicate 10%
		is "IPv$family, duplication: there was some" "$((left > COUNT))" 1
		is "IPv$family, duplication: all arrive, and what is one too many is replayed" "$new $replayed" \
			"$COUNT $((left - COUNT - overrun))"

		through_netem "IPv$family, all of it" $address delay 50ms reorder 20% 25% loss 1% duplicate 5%
		is "IPv$family, all of it: there was some of each" "$((order > 0 && lost > 0 && replayed > 0))" 1
	done
	ok "the network is good again" in_middle tc qdisc del dev b root
fi

# ---- the end of the window --------------------------------------------------------------------------------

mac_b=$(mac "$SITE_B" eth0)
ok "hold packets back" set_middle_drop 5202
grew() { [ "$($1)" -ge "$2" ]; }
replayed() { drops_b replayed; }
for family in 4 6; do
	address=$B4
	[ $family = 4 ] || address=$B6
	start_sink "$SITE_B" $address 5202 "$WORK/late" --marker "$MARKER"
	late=$SINK
	start_sink "$SITE_B" $address 5201 "$WORK/sink"
	capture_start "held-$family" a "udp port 5202"
	ok "IPv$family: two packets are held back" packets "$SITE_A" send $address 5202 --count 2 --size 300 --marker "$MARKER"
	capture_stop "held-$family"
	first=$(udp_of "held-$family" '.[0].sequence')
	before=$(opened)
	ok "IPv$family: as many as the window has overtake them" \
		packets "$SITE_A" send $address 5201 --count $WINDOW --rate 3000 --size 16
	ok "IPv$family: and arrive" wait_for 20 grew opened $((before + WINDOW))
	is "IPv$family: the highest number" "$(status_b '.peers[0].rx.highest_sequence')" $((first + 1 + WINDOW))

	before=$(all_drops_b) replayed=$(replayed) received=$(udp_received "$SITE_B") opened=$(opened)
	ok "IPv$family: bring the one that is too old" packets "$MIDDLE" inject b "$WORK/held-$family.pcap" --mac "$mac_b"
	ok "IPv$family, too old: replayed" wait_for 5 grew replayed $((replayed + 1))
	is "IPv$family, too old: replayed counts it, and nothing else does" "$(all_drops_b)" "replayed=$((replayed + 1))"
	is "IPv$family, too old: it is not opened" "$(opened)" "$opened"
	is "IPv$family, too old: nothing is delivered" "$(udp_received "$SITE_B")" "$received"

	ok "IPv$family: bring the oldest of the window" \
		packets "$MIDDLE" inject b "$WORK/held-$family.pcap" --mac "$mac_b" --index 1
	ok "IPv$family, the oldest of the window: it is opened" wait_for 5 grew opened $((opened + 1))
	is "IPv$family, the oldest of the window: no drop" "$(all_drops_b)" "replayed=$((replayed + 1))"
	ok "IPv$family: once more" packets "$MIDDLE" inject b "$WORK/held-$family.pcap" --mac "$mac_b" --index 1
	ok "IPv$family, once more: replayed" wait_for 5 grew replayed $((replayed + 2))
	is "IPv$family, once more: it is not opened again" "$(opened)" $((opened + 1))
	stop "$late"
	stop "$SINK"
	is "IPv$family: one was delivered, whole" "$(jq -c . "$WORK/late")" '{"packets":1,"different":1,"damaged":0}'
done

ok "down" down
ok "nothing is left" no_trace
done_testing
