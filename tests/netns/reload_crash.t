#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec reload` is killed at every step that changes anything, and then it is reloaded, with the new configuration or
# with the old one; or killed once more; or taken down and brought up. Each time the kernel ends with what the file
# says and nothing else: what a fresh `up` of the same file makes is the measure. A key that the file does not have any
# more opens nothing, and what was accepted at any time, also in between, is not accepted again.
#
# The packets are captured before: A's state is thrown away for each step, so that they are new to it.
#
# CRASH_STEP=1 takes every single step (kill.sh).

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/kill.sh
. "$here/kill.sh"

can_trace || skip_all "needs strace, and that it can trace here"

make_sites
defer down_anyhow
for key in a-to-b b-to-a new a-to-c c-to-a a-to-d d-to-a; do
	make_key $key
done
mkdir -p "$WORK/state-b"
UP+=(--new-key)
mac_a=$(mac "$SITE_A" eth0)

# ---- packets to inject -------------------------------------------------------------------------------

# record NAME KEY SPI: eight packets from B to A, sealed so, to $WORK/NAME.pcap
record() {
	write_config "$NAME_B" eth0 site-a "$A4/32" "$3" "$WORK/$2.key" 0x9999 "$WORK/a-to-d.key" >"$WORK/$NAME_B.conf"
	xdpsec_b up "$WORK/$NAME_B.conf" --new-key || return 1
	capture_start "$1" b "udp port 5201"
	packets "$SITE_B" send $A4 5201 --count 8 --size 64 --marker "$MARKER"
	capture_stop "$1"
	xdpsec_b down "$NAME_B"
}
ok "packets with the old key" record old b-to-a 0x1002
ok "packets with the new key" record new new 0x1003

# The indexes of each capture that A has accepted, and the next one that it has not seen.
declare -A ACCEPTED NEXT

forget_packets() {
	ACCEPTED=([old]="" [new]="") NEXT=([old]=0 [new]=0)
}

# Packets that XDP has passed on or dropped.
seen_at_a() { echo "$(($(udp_received "$SITE_A") + $(status_a '[.drops[]] | add')))"; }
has_seen() { [ "$(seen_at_a)" -ge "$1" ]; }

# accepted CAPTURE INDEX...: how many of these packets the stack of A gets
accepted() {
	local capture=$1 seen received index

	shift
	[ $# -gt 0 ] || { echo 0; return; }
	seen=$(seen_at_a) received=$(udp_received "$SITE_A")
	if packets "$MIDDLE" inject a "$WORK/$capture.pcap" --mac "$mac_a" --index "$@" >&2 &&
		wait_for 5 has_seen $((seen + $#)) >&2; then
		echo $(($(udp_received "$SITE_A") - received))
	else
		echo lost
	fi
}

# try CAPTURE: one that A has not seen; whether it takes it is noted
try() {
	local index=${NEXT[$1]}

	NEXT[$1]=$((index + 1))
	[ "$(accepted "$1" "$index")" = 1 ] || return 1
	ACCEPTED[$1]+=" $index"
}

# none CAPTURE INDEX...: none of them is accepted
none() {
	local n

	n=$(accepted "$@")
	[ "$n" = 0 ] || { echo "accepted of '$*': $n"; return 1; }
}

# opens_only CAPTURE: by its key and not by the other, and nothing that was accepted at any time before
opens_only() {
	local other=old

	[ "$1" = new ] || other=new
	# shellcheck disable=SC2086 # words
	none $other ${ACCEPTED[$other]} ${NEXT[$other]} && none "$1" ${ACCEPTED[$1]} || return 1
	try "$1" || { echo "a packet with the key '$1' was not accepted"; return 1; }
	# shellcheck disable=SC2086
	none "$1" ${ACCEPTED[$1]}
}

# ---- what the kernel holds ---------------------------------------------------------------------------

dump() { bpftool -j map dump pinned "$INSTANCE/maps/$1" | jq -r "[.[] | (.formatted // .)] | $2"; }
# The keys of `slots`, which has no BTF
slots() { bpftool -j map dump pinned "$INSTANCE/maps/slots" | jq -r '.[].key[0:2] | map(ltrimstr("0x")) | .[1] + .[0]' | sort; }
# filled MAP OFFSET:LENGTH...: the slots that have anything in these bytes (struct xdpsec_sa and others)
filled() { "$(dirname "$0")/lib/slots.py" "$INSTANCE/maps/$1" "${@:2}"; }
hexadecimal() { while read -r slot; do printf '%04x\n' "$slot"; done | sort; }

# What `hosts` says, and what `policies` says of the same addresses.
hosts() { bpftool -j map dump pinned "$INSTANCE/maps/hosts" | jq -c '.[] | [.key, .value]' | sort; }
single_policies() {
	bpftool -j map dump pinned "$INSTANCE/maps/policies" |
		jq -c '.[] | select(.key[0:4] == ["0x80", "0x00", "0x00", "0x00"]) | [.key[4:], .value]' | sort
}
# hosts_hold: it says nothing else, wherever a reload was killed
hosts_hold() {
	[ -z "$(comm -23 <(hosts) <(single_policies))" ] || { echo "hosts: $(hosts), policies: $(single_policies)"; return 1; }
}

# picture: everything that depends on the file, without numbers that are given out as they come
picture() {
	status_a '[.attached, .warnings, .tunnel] | tostring'
	status_a '.peers | sort_by(.name)[] | [.name, .tx.spi, .tx.key, .rx.spi, .rx.key, .tx.driver, .cipher, .endpoint, .roaming,
		.keepalive, (.protects // [] | sort), (.allowed_ips // [] | sort)] | tostring'
	echo "spis $(dump spis 'map(.key) | sort')"
	echo "slots $(slots | wc -l), filled $(filled sas 32:8 | wc -l)"
	echo "policies $(dump policies 'map("\(.key.address)/\(.key.length)") | sort')"
	echo "peers that seal $(dump peers 'map(select(.value.tx_sa != 4294967295)) | length')"
	echo "endpoints $(dump endpoints 'map(select(.value | .at[0].known + .at[1].known + .keepalive + .roams > 0)) | length')"
	ip -n "$SITE_A" -o link show 2>/dev/null | grep -c ': xs'
	if [ -n "${FAR:-}" ]; then
		ip -n "$SITE_A" route show dev xs0
		ip -n "$SITE_A" -6 route show dev xs0
		ip -n "$SITE_A" -j neigh show dev "$FAR" nud all | jq '[.[] | select(has("managed"))] | length'
	fi
}

# as_after_up NAME: the picture of a fresh `up` with $WORK/NAME; and nothing lies in a slot that is not one
as_after_up() {
	local used filled

	diff "$WORK/$1.picture" <(picture) || return 1
	diff <(single_policies) <(hosts) || return 1
	used=$(slots)
	for filled in "$(filled sas 0:4 32:8 | hexadecimal)" "$(filled sequences 0:16 | hexadecimal)" \
		"$(filled replay_windows 8:8 | hexadecimal)"; do
		[ -z "$(comm -13 <(echo "$used") <(echo "$filled"))" ] ||
			{ echo "slots $used, but there is something in $filled"; return 1; }
	done
}

# no_context_in SLOTS...: none of them opens what has its SPI. Whether there is a context is not to be read.
no_context_in() {
	local slot spi=0x90 before

	[ $# -gt 0 ] || return 0
	before=$(refused_at_a)
	for slot in "$@"; do
		bpftool map update pinned "$INSTANCE/maps/spis" key $spi $spi 0 0 value 0x"${slot:2}" 0x"${slot:0:2}" 0 0
		packets "$MIDDLE" inject a "$WORK/old.pcap" --mac "$mac_a" --index 7 --spi "$spi${spi#0x}"
	done
	wait_for 5 refused_is $((before + $#)) || { echo "one of the slots $* has a context"; return 1; }
	bpftool map delete pinned "$INSTANCE/maps/spis" key $spi $spi 0 0
}
# A slot that was wiped is of peer 0, whose packets these may not be.
refused_at_a() { status_a '.drops.no_key + .drops.wrong_peer'; }
refused_is() { [ "$(refused_at_a)" -eq "$1" ]; }

# reference NAME: the picture of $WORK/NAME, for as_after_up
reference() {
	rm -rf "$WORK/state-a"
	cp "$WORK/$1" "$CONF"
	up_plain && picture >"$WORK/$1.picture" && down_plain
}

# ---- what is done after a kill -----------------------------------------------------------------------

RELOAD=("$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" reload "$NAME_A" --new-key)

# prepare: up with the configuration from before, and a packet was received; the next is on disk
prepare() {
	rm -rf "$WORK/state-a"
	forget_packets
	cp "$WORK/before" "$CONF"
	up_plain || return 1
	[ -z "${CURRENT_BEFORE:-}" ] || try "$CURRENT_BEFORE" || { echo "not accepted before"; return 1; }
	cp "$WORK/after" "$CONF"
}

# in_between: whatever opens at this moment takes something. That it is not shown is said.
in_between() {
	[ -n "${CURRENT_BEFORE:-}" ] || return 0
	try old
	try new
	return 0
}

# ends_with NAME CAPTURE [SLOTS...]: the configuration NAME is in force, and opens what was captured as CAPTURE
ends_with() {
	as_after_up "$1" || return 1
	[ -z "${CURRENT_BEFORE:-}" ] || opens_only "$2" || return 1
	# shellcheck disable=SC2046 # words
	[ -z "${CURRENT_BEFORE:-}" ] || no_context_in $(comm -13 <(slots) <(printf '%s\n' "${@:3}" | sort -u))
}

# after_reload STEP
after_reload() {
	local -a used

	prepare || return 1
	killed reload "$1" "${RELOAD[@]}" && hosts_hold || return 1
	in_between
	mapfile -t used < <(slots)
	case $((TAP_COUNT % 4)) in
	0)
		"${RELOAD[@]}" && ends_with after "$CURRENT_AFTER" "${used[@]}" || return 1
		;;
	1)
		cp "$WORK/before" "$CONF"
		"${RELOAD[@]}" && ends_with before "$CURRENT_BEFORE" "${used[@]}" || return 1
		;;
	2)
		cp "$WORK/before" "$CONF"
		(MISSED=''; killed reload "$1" "${RELOAD[@]}")
		in_between
		mapfile -t -O ${#used[@]} used < <(slots)
		cp "$WORK/after" "$CONF"
		"${RELOAD[@]}" && ends_with after "$CURRENT_AFTER" "${used[@]}" || return 1
		;;
	3)
		down_plain && up_plain && ends_with after "$CURRENT_AFTER" || return 1
		;;
	esac
	down_plain && no_trace_a
}

# kill_reloads NAME: of the configuration in $WORK/before to that in $WORK/after
kill_reloads() {
	ok "$1: a fresh up before" reference before
	ok "$1: a fresh up after" reference after
	unlike "$1: they differ" "$(<"$WORK/before.picture")" "^$(<"$WORK/after.picture")$"
	ok "$1: up" prepare
	ok "$1: a reload that is not killed" traced reload "${RELOAD[@]}"
	ok "$1: a reload that is not killed ends like an up" ends_with after "$CURRENT_AFTER"
	ok "$1: down" down_plain
	note "$1: $(steps <"$WORK/reload.calls" | wc -l) steps"
	kill_at_each reload after_reload 6
}

# ---- inline mode -------------------------------------------------------------------------------------

# another_peer NAME ADDRESSES KEY SPI
another_peer() {
	write_config unused unused "$1" "$2" "$4" "$WORK/a-to-$3.key" "$4" "$WORK/$3-to-a.key" | sed -n '/\[Peer\]/,$p'
}

{
	write_config "$NAME_A" eth0 site-b "$B4/32 $B6/128" 0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key"
	another_peer site-c "192.0.2.128/26 192.0.2.192/26" c 0x3001
} >"$WORK/before"
{
	PORTS=5201 write_config "$NAME_A" eth0 site-b "$B4/32 192.0.2.192/26" 0x1001 "$WORK/a-to-b.key" 0x1003 "$WORK/new.key"
	another_peer site-d "192.0.2.128/26 2001:db8:d::/64" d 0x4001
} >"$WORK/after"
CURRENT_BEFORE=old CURRENT_AFTER=new
kill_reloads "other keys, peers and prefixes"

# The same keys, of peers with other names: the window goes along.
sed 's/^Name = site-b/Name = site-e/' "$WORK/before" >"$WORK/after"
CURRENT_AFTER=old
kill_reloads "another name for a peer"

# Both SPIs are what the other was.
sed 's/0x1001/0x1005/; s/0x1002/0x3001/; s/^RxSpi = 0x3001$/RxSpi = 0x3001/' "$WORK/before" |
	awk '/^Name = site-c/ { c = 1 } c && /^RxSpi/ { $0 = "RxSpi = 0x1002" } { print }' >"$WORK/after"
# The packets captured as new have the same key and the same numbers under another SPI: each number counts once, under
# either SPI.
rm -rf "$WORK/state-b"
record swapped b-to-a 0x3001 >"$WORK/said" || bail "no packets"
mv "$WORK/swapped.pcap" "$WORK/new.pcap"
CURRENT_AFTER=new
same_key_other_spi() {
	local name=$1

	ok "$name: a fresh up before" reference before
	ok "$name: a fresh up after" reference after
	ok "$name: up" prepare
	ok "$name: a reload" traced reload "${RELOAD[@]}"
	ok "$name: a reload ends like an up" as_after_up after
	ok "$name: down" down_plain
	kill_at_each reload after_swap 6
}
after_swap() {
	prepare || return 1
	killed reload "$1" "${RELOAD[@]}" || return 1
	"${RELOAD[@]}" && as_after_up after || return 1
	none new 0 && none old 2 || return 1
	[ "$(accepted new 1)" = 1 ] || { echo "not accepted by the new SPI"; return 1; }
	down_plain && no_trace_a
}
same_key_other_spi "SPIs change places"

# ---- a tunnel ----------------------------------------------------------------------------------------

# tunnel_peer NAME ENDPOINT ALLOWED KEY SPI LINES
tunnel_peer() {
	PEER_LINES=$6 write_tunnel_config unused unused "$1" "$2" "$3" "$5" "$WORK/a-to-$4.key" "$5" "$WORK/$4-to-a.key" |
		sed -n '/\[Peer\]/,$p'
}

{
	PEER_LINES=$'PersistentKeepalive = 25\nRoaming = yes' write_tunnel_config xs0 "$TUNNEL_A4/25" site-b "$B4:4500" \
		"$TUNNEL_B4, 203.0.113.0/27" 0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key"
	tunnel_peer site-c 198.51.100.77:4500 "203.0.113.32/27, 203.0.113.64/27" c 0x3001 "PersistentKeepalive = 25"
} >"$WORK/before"
{
	PEER_LINES=$'Roaming = yes' write_tunnel_config xs0 "$TUNNEL_A4/25" site-b "[$B6]:4501" \
		"$TUNNEL_B4, 203.0.113.64/27, 2001:db8:e::/48" 0x1001 "$WORK/a-to-b.key" 0x1003 "$WORK/new.key"
	tunnel_peer site-d 198.51.100.78:4500 "203.0.113.32/27, 2001:db8:d::/48" d 0x4001 "PersistentKeepalive = 25"
} >"$WORK/after"
FAR=xst$(ip -n "$SITE_A" -j link show dev eth0 | jq '.[0].ifindex')
CURRENT_BEFORE='' CURRENT_AFTER=''
kill_reloads "a tunnel"

ok "nothing is left" no_trace
done_testing
