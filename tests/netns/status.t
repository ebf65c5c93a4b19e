#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec status` for who watches over an instance: its exit code, what it prints when nothing is up, and what of
# instances that it cannot read: those that another version has made, or that were left half-way. And that `down`
# takes these down.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
write_configs
keep
defer down_anyhow
UP+=(--new-key)

# exits NAME CODE CMD...
exits() {
	tap_run "${@:3}"
	is "$1" "$TAP_STATUS" "$2"
}
# stdout_of CMD...: of what may fail
stdout_of() { "$@" 2>/dev/null; }
MAPS=$INSTANCE/maps

# ---- nothing is up -----------------------------------------------------------------------------------

exits "nothing is up" 4 xdpsec_a status
like "nothing is up: says so" "$TAP_OUTPUT" "^xdpsec: no instance is up$"
exits "nothing is up: JSON" 4 xdpsec_a status -j
is "nothing is up: JSON: an empty array" "$(stdout_of xdpsec_a status -j | jq -c .)" "[]"
exits "no such instance" 4 xdpsec_a status "$NAME_A"
like "no such instance: says so" "$TAP_OUTPUT" "^xdpsec: $NAME_A: is not up"$'\n'"hint: "
exits "no such instance: JSON" 4 xdpsec_a status "$NAME_A" -j
is "no such instance: JSON: an object with its error" \
	"$(stdout_of xdpsec_a status "$NAME_A" -j | jq -c '[.name, .error]')" "[\"$NAME_A\",\"is not up\"]"
exits "a usage error is none of these" 2 xdpsec_a status one two three

# ---- healthy, and not --------------------------------------------------------------------------------

ok "up" up_plain || bail "not up"
exits "healthy" 0 xdpsec_a status
exits "healthy: by its name" 0 xdpsec_a status "$NAME_A"
exits "healthy: JSON" 0 xdpsec_a status -j
is "the program that made it" "$(status_a '"\(.version) \(.outdated)"')" \
	"$("$XDPSEC" version | sed 's/^xdpsec \(.*\), wire format.*/\1/') false"
like "the program that made it: for people" "$(xdpsec_a status)" "  version: [^ ]*"$'\n'
ip -n "$SITE_A" link set dev eth0 xdp off
exits "a warning" 1 xdpsec_a status
exits "a warning: by its name" 1 xdpsec_a status "$NAME_A"
exits "a warning: JSON" 1 xdpsec_a status -j
exits "another one is not up" 4 xdpsec_a status "$NAME_B"
ok "up, where it was detached" up_plain
like "up, where it was detached: says what it does" "$TAP_OUTPUT" "warning: $NAME_A: is up already, but was detached: reloading it"
exits "the warning is gone" 0 xdpsec_a status
fails "up, where it is attached" "$NAME_A: is up already" up_plain
ok "down" down_plain
ok "up again" up_plain
exits "the warning is gone" 0 xdpsec_a status
ok "down again" down_plain
set_line Xdp generic
ok "up with generic XDP, as asked for" up_plain
exits "which is healthy" 0 xdpsec_a status
ok "down with generic XDP" down_plain
restore

# ---- many peers --------------------------------------------------------------------------------------

many_peers() {
	local i

	printf '[Interface]\nDevice = eth0\nMode = tunnel\nName = xs0\nAddress = %s/25\n' "$TUNNEL_A4"
	for ((i = 0; i < 1000; i++)); do
		printf '[Peer]\nName = p%d\nEndpoint = 198.51.100.%d:%d\nAllowedIPs = 2001:db8:%x::/48\n' $i $((i % 250 + 1)) \
			$((4500 + i)) $((0x1000 + i))
		printf 'TxSpi = %d\nTxKeyFile = t%d.key\nRxSpi = %d\nRxKeyFile = r%d.key\n' $((1000 + i)) $i $((3000 + i)) $i
	done
}
many_keys() {
	local name

	umask 077
	for name in t{0..999} r{0..999}; do
		read -r -N 32 key <&3
		echo "$key" >"$WORK/$name.key"
	done 3< <(od -An -v -tx1 -N32000 /dev/urandom | tr -d ' \n')
}
(many_keys)
many_peers >"$CONF"
ok "1000 peers: up" up_plain
is "1000 peers: status has them" "$(status_a '.peers | length')" 1000
# Processor time, as the machine may have others to serve.
TIMEFORMAT='%U %S'
spent=$({ time xdpsec_a status >/dev/null 2>&1; } 2>&1 | awk '{ print int(1000 * ($1 + $2)) }')
note "1000 peers: status takes $spent ms"
ok "1000 peers: status within half a second" [ "$spent" -lt $((500 * WAIT_FACTOR)) ]
ok "1000 peers: down" down_plain
restore

# ---- left half-way -----------------------------------------------------------------------------------

mkdir -p "$LEFTOVER/maps"
exits "a leftover" 1 xdpsec_a status
exits "a leftover: by its name" 1 xdpsec_a status "$NAME_A"
is "a leftover: JSON" "$(stdout_of xdpsec_a status -j | jq -c 'map([.name, .error, .hint])')" \
	"[[\"$NAME_A\",\"left incomplete by a command that was killed\",\"xdpsec -n $SITE_A down $NAME_A\"]]"
exits "a leftover, while a command is at work" 4 flock /sys/fs/bpf/xdpsec "$XDPSEC" status
ok "down of a leftover" down_plain
exits "the leftover is gone" 4 xdpsec_a status

# ---- other versions ----------------------------------------------------------------------------------

value() { bpftool -j map lookup pinned "$MAPS/instance" key 0 0 0 0 | jq -r '.value[]'; }

# other_version ABI VERSION: the instance says that this one has made it
other_version() {
	local -a bytes text

	mapfile -t bytes < <(value)
	mapfile -t text < <(printf '%s\0' "$2" | od -An -v -tu1 -w1)
	bpftool map update pinned "$MAPS/instance" key 0 0 0 0 value "$1" 0 0 0 "${bytes[@]:4:28}" \
		"${text[@]}" "${bytes[@]:$((32 + ${#text[@]}))}"
}

# longer_record: as a version with more to record makes it
longer_record() {
	local -a bytes

	mapfile -t bytes < <(value)
	bpftool map create "$MAPS/other" type array key 4 value $((${#bytes[@]} + 8)) entries 1 name instance &&
		bpftool map update pinned "$MAPS/other" key 0 0 0 0 value "${bytes[@]}" 0 0 0 0 0 0 0 0 &&
		mv "$MAPS/other" "$MAPS/instance"
}

# other_map NAME VALUE-SIZE: in the place of one of the data plane's
other_map() {
	bpftool map create "$MAPS/other" type array key 4 value "$2" entries 1 name "$1" && mv "$MAPS/other" "$MAPS/$1"
}

more_links() { mv "$INSTANCE/links/$1" "$INSTANCE/links/$2"; }

# from_another_version NAME ERROR: what status, reload and up say of it, and that down takes it down
from_another_version() {
	exits "$1: status" 1 xdpsec_a status
	is "$1: status -j: it is there" "$(stdout_of xdpsec_a status -j | jq -c 'map(.name)')" "[\"$NAME_A\"]"
	like "$1: status -j: its error" "$(stdout_of xdpsec_a status "$NAME_A" -j | jq -r .error)" "$2"
	like "$1: status -j: what to do" "$(stdout_of xdpsec_a status "$NAME_A" -j | jq -r .hint)" "xdpsec .*down $NAME_A"
	like "$1: status for people" "$(stdout_of xdpsec_a status)" "instance: $NAME_A.*error: $2"
	fails "$1: reload" "$NAME_A: $2.*hint: .*down $NAME_A" reload_a
	fails "$1: up" "$NAME_A: $2.*hint: .*down $NAME_A" up_plain
	cp "$CONF" "$WORK/$ID-other.conf"
	if [ "${3:-}" != unknown ]; then
		fails "$1: another instance on the device" "$NAME_A: $2.*hint: .*down $NAME_A" \
			xdpsec_a up "$WORK/$ID-other.conf" --new-key
		fails "$1: down from elsewhere" "$NAME_A: is up in another network namespace.*hint: xdpsec -n $SITE_A down" \
			xdpsec_b down "$NAME_A"
	fi
	ok "$1: down" down_plain
	like "$1: down: says what is lost" "$TAP_OUTPUT" "warning: $NAME_A: was started by another version"
	ok "$1: down: no trace" no_trace_a
	exits "$1: down: nothing is up" 4 xdpsec_a status
	ok "$1: up with this one" up_plain
	exits "$1: healthy" 0 xdpsec_a status
	ok "$1: down again" down_plain
	ok "$1: no trace" no_trace_a
}

for mode in inline tunnel; do
	[ $mode = inline ] || write_tunnel_configs
	ok "$mode: up" up_plain || bail "not up"
	ok "$mode: a later version" other_version 99 9.8.7
	is "$mode: a later version: status -j has its number" \
		"$(stdout_of xdpsec_a status -j | jq -c '.[0] | [.version, .outdated, .map_version]')" '["9.8.7",true,99]'
	like "$mode: a later version: status for people" "$(stdout_of xdpsec_a status)" "version: 9.8.7, but xdpsec is now .*: run down and up"
	from_another_version "$mode: a later version" "was started by another version of xdpsec: 9.8.7, with map version 99"
	ok "$mode: up" up_plain
	ok "$mode: a version that did not record itself" other_version 1 ""
	is "$mode: a version that did not record itself: status -j" \
		"$(stdout_of xdpsec_a status -j | jq -c '.[0] | [.version, .map_version]')" '[null,1]'
	from_another_version "$mode: a version that did not record itself" "was started by another version of xdpsec"
	ok "$mode: up" up_plain
	ok "$mode: a longer record" longer_record
	from_another_version "$mode: a longer record" "was started by another version of xdpsec"
	ok "$mode: up" up_plain
	ok "$mode: another map" other_map config 1000
	from_another_version "$mode: another map" "was started by another version of xdpsec"
	ok "$mode: up" up_plain
	ok "$mode: a map is missing" rm "$MAPS/scratch"
	from_another_version "$mode: a map is missing" "was started by another version of xdpsec"
	ok "$mode: up" up_plain
	ok "$mode: a link of another name" more_links "$([ $mode = inline ] && echo seal || echo keepalive)" other
	ok "$mode: and a later version" other_version 99 9.8.7
	from_another_version "$mode: a link of another name" "was started by another version of xdpsec"
	ok "$mode: up" up_plain
	ok "$mode: a later version, left half-way" eval 'other_version 99 9.8.7 && mv "$INSTANCE" "$LEFTOVER"'
	exits "$mode: a later version, left half-way: status" 1 xdpsec_a status
	ok "$mode: a later version, left half-way: up" up_plain
	ok "$mode: a later version, left half-way: down" down_plain
	ok "$mode: a later version, left half-way: no trace" no_trace_a
done
done_testing
