# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Load tests of both modes: packets from every CPU, and reloads while packets flow; sourced by the tests of these.

# Paced below what the machine can do, so that a lost packet is one that we lost.
LOAD_RATE=$((2000 / WAIT_FACTOR))

# load_flows IPV4 IPV6: several flows to both addresses of B, more than there are CPUs.
load_flows() {
	local flows=4 each=4000 flow address
	local -a addresses=("$1" "$2") sinks=() senders=()

	for ((flow = 0; flow < flows; flow++)); do
		address=${addresses[flow % 2]}
		start_sink "$SITE_B" "$address" $((5201 + flow)) "$WORK/flow-$flow" --expect $each --marker "$MARKER"
		sinks+=("$SINK")
	done
	for ((flow = 0; flow < flows; flow++)); do
		address=${addresses[flow % 2]}
		start "$SITE_A" "$WORK/sender-$flow" taskset -c $((flow % $(nproc))) "$PACKETS" send "$address" \
			$((5201 + flow)) --count $each --size 400 --rate $LOAD_RATE --marker "$MARKER"
		senders+=("$STARTED")
	done
	wait "${senders[@]}"
	for ((flow = 0; flow < flows; flow++)); do
		ok "flow $flow: all $each packets arrive" wait_for 10 ended "${sinks[flow]}"
		stop "${sinks[flow]}"
		is "flow $flow: whole, and each once" "$(jq -c . "$WORK/flow-$flow")" \
			"{\"packets\":$each,\"different\":$each,\"damaged\":0}"
	done
}

peer_opened() { status_b '.peers[] | select(.name == "site-a") | .rx.packets'; }
peer_opened_is() { [ "$(peer_opened)" = "$1" ]; }

# load_variants CMD...: of both sites' configurations, NAME.one as it is, and NAME.two, which also has the peer of the
# one that CMD prints. One key seals at one site only: at B the two directions change places.
load_variants() {
	"$@" | sed -n '/\[Peer\]/,$p' >"$WORK/peer-a"
	sed 's/^Tx/_x/; s/^Rx/Tx/; s/^_x/Rx/' "$WORK/peer-a" >"$WORK/peer-b"
	cp "$WORK/$NAME_A.conf" "$WORK/$NAME_A.one"
	cp "$WORK/$NAME_B.conf" "$WORK/$NAME_B.one"
	cat "$WORK/$NAME_A.one" "$WORK/peer-a" >"$WORK/$NAME_A.two"
	cat "$WORK/$NAME_B.one" "$WORK/peer-b" >"$WORK/$NAME_B.two"
}

# load_reloads ADDRESS: NAME.one and NAME.two of both sites, which differ by another peer, are loaded in turn while
# the first peer's packets flow.
load_reloads() {
	local reloads=8 failed=0 sender before sent turn site name variant
	local -a new

	before=$(peer_opened)
	start_sink "$SITE_B" "$1" 5201 "$WORK/reload" --marker "$MARKER"
	start "$SITE_A" "$WORK/sender" "$PACKETS" send "$1" 5201 --count 1000000 --size 400 --rate $LOAD_RATE --marker "$MARKER"
	sender=$STARTED
	for ((turn = 0; turn < reloads; turn++)); do
		variant=two
		((turn % 2)) && variant=one
		for site in a b; do
			name=NAME_${site^^}
			name=${!name}
			# A new file, so that nobody ever reads half of one.
			cp "$WORK/$name.$variant" "$WORK/$name.new" && mv "$WORK/$name.new" "$WORK/$name.conf"
			new=()
			((turn > 1)) || new=(--new-key)
			"xdpsec_$site" reload "$name" "${new[@]}" >>"$WORK/reload.log" 2>&1 || failed=$((failed + 1))
			[ "$(status_a '.peers | length')" = "$(((turn + 1) % 2 + 1))" ] || failed=$((failed + 1))
		done
	done
	is "$reloads reloads: all took effect" "$failed" 0 || diag "$(cat "$WORK/reload.log")"
	ok "reloads: packets were sent all the time" running "$sender"
	kill "$sender"
	wait "$sender"
	sent=$(jq .sent "$WORK/sender")
	note "reloads: $sent packets"
	ok "reloads: all packets are opened" wait_for 5 peer_opened_is $((before + sent))
	stop "$SINK"
	is "reloads lose nothing" "$(jq -c . "$WORK/reload")" "{\"packets\":$sent,\"different\":$sent,\"damaged\":0}"
	is "no drops at A after reloads" "$(all_drops_a)" ""
	is "no drops at B after reloads" "$(all_drops_b)" ""
}
