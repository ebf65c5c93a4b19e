#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Under load: several CPUs at once, and a reload while packets flow. What is sent arrives, all of it.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

make_sites
write_configs
ok "up" up || bail "not up"

# Senders on every CPU, more flows than CPUs; paced below what the machine can do, so that a lost packet is
# one that we lost.
flows=4 each=4000 rate=$((2000 / WAIT_FACTOR))
sinks=() senders=()
for ((flow = 0; flow < flows; flow++)); do
	address=$B4
	((flow % 2)) && address=$B6
	start_sink "$SITE_B" $address $((5201 + flow)) "$WORK/flow-$flow" --expect $each --marker "$MARKER"
	sinks+=("$SINK")
done
for ((flow = 0; flow < flows; flow++)); do
	address=$B4
	((flow % 2)) && address=$B6
	start "$SITE_A" "$WORK/sender-$flow" taskset -c $((flow % $(nproc))) "$PACKETS" send $address \
		$((5201 + flow)) --count $each --size 400 --rate $rate --marker "$MARKER"
	senders+=("$STARTED")
done
wait "${senders[@]}"
for ((flow = 0; flow < flows; flow++)); do
	ok "flow $flow: all $each packets arrive" wait_for 10 ended "${sinks[flow]}"
	stop "${sinks[flow]}"
	is "flow $flow: whole, and each once" "$(jq -c . "$WORK/flow-$flow")" \
		"{\"packets\":$each,\"different\":$each,\"damaged\":0}"
done
is "A sealed them all" "$(status_a '.peers[0].tx.packets')" $((flows * each))
is "B opened them all" "$(status_b '.peers[0].rx.packets')" $((flows * each))
is "no drops at A" "$(all_drops_a)" ""
is "no drops at B" "$(all_drops_b)" ""

# Peers come and go at both ends while the first one's packets flow.
(umask 077 && "$XDPSEC" genkey >"$WORK/3.key" && "$XDPSEC" genkey >"$WORK/4.key")
for name in "$NAME_A" "$NAME_B"; do
	cp "$WORK/$name.conf" "$WORK/$name.one"
	{
		cat "$WORK/$name.one"
		write_config unused unused site-c "192.0.2.3/32" 0x3001 "$WORK/3.key" 0x3002 "$WORK/4.key" |
			sed -n '/\[Peer\]/,$p'
	} >"$WORK/$name.two"
done

start_sink "$SITE_B" $B4 5201 "$WORK/reload" --marker "$MARKER"
start "$SITE_A" "$WORK/sender" "$PACKETS" send $B4 5201 --count 8000 --size 400 --rate $rate --marker "$MARKER"
sender=$STARTED
reloads=0 failed=0
while ! ended $sender; do
	variant=two
	((reloads % 2)) && variant=one
	for site in a b; do
		name=NAME_${site^^}
		name=${!name}
		# A new file, so that nobody ever reads half of one.
		cp "$WORK/$name.$variant" "$WORK/$name.new" && mv "$WORK/$name.new" "$WORK/$name.conf"
		new=()
		((reloads > 1)) || new=(--new-key)
		"xdpsec_$site" reload "$name" "${new[@]}" >>"$WORK/reload.log" 2>&1 || failed=$((failed + 1))
	done
	reloads=$((reloads + 1))
done
ok "there were reloads ($reloads)" [ "$reloads" -gt 3 ]
is "none failed" "$failed" 0 || diag "$(cat "$WORK/reload.log")"
all_opened() { [ "$(status_b '.peers[] | select(.name == "site-a") | .rx.packets')" = $((flows * each + 8000)) ]; }
ok "all packets are opened" wait_for 5 all_opened
stop "$SINK"
is "reload loses nothing" "$(jq -c . "$WORK/reload")" '{"packets":8000,"different":8000,"damaged":0}'
is "no drops at A after reloads" "$(all_drops_a)" ""
is "no drops at B after reloads" "$(all_drops_b)" ""
ok "down" down
ok "nothing is left" no_trace
done_testing
