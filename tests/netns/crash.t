#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec up`, `reload` and `down` are killed with SIGKILL at every step that changes anything. After each: what the
# killed run had reserved is on disk; the next `up` (or `down` and `up`) works; it seals with numbers that nobody has
# had; `down` leaves nothing. What else a killed `reload` may not leave is in reload_crash.t.
#
# To tell that a number cannot repeat, the killed run's sequence is moved on by 1000 where its map is found: as
# if it had sealed so many packets.
#
# CRASH_STEP=1 takes every single step (kill.sh).

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/kill.sh
. "$here/kill.sh"

can_trace || skip_all "needs strace, and that it can trace here"

make_sites
write_configs
defer down_anyhow
ok "up at B" up_b || bail "not up"
start_echo "$SITE_B" $B4 5201

UP+=(--new-key)
# The first number that no run has had.
FREE=0

# sequence DIRECTORY: "NEXT LIMIT SLOT" of the SA that A seals with, nothing where there is none yet
sequence() {
	local maps=$1/maps

	[ -e "$maps/sequences" ] || return 0
	bpftool -j map dump pinned "$maps/sequences" |
		jq -r '[.[] | (.formatted // .)] | map(select(.value.limit > 0)) | sort_by(.value.next) | last |
			select(.) | "\(.value.next) \(.value.limit) \(.key)"'
}

# The number that the state file says is given out next.
on_disk() {
	cat "$WORK"/state-a/*.tx 2>/dev/null | awk '$3 ~ /[.]tx$/ { print $4 }' | sort -n | tail -n1
}

# bytes NUMBER: of a __u64, for bpftool
bytes() {
	local i

	for ((i = 0; i < 8; i++)); do
		printf '0x%02x ' $(($1 >> (8 * i) & 255))
	done
}

# use_up DIRECTORY: as if the killed run had sealed 1000 packets. Its range must be on disk as given out.
use_up() {
	local next limit slot

	read -r next limit slot < <(sequence "$1")
	[ -n "$next" ] || return 0
	[ "$(on_disk)" -ge "$limit" ] || { echo "limit $limit, but on disk $(on_disk)"; return 1; }
	[ "$next" -ge "$FREE" ] || { echo "starts at $next, but $FREE was the first free number"; return 1; }
	next=$((next + 1000))
	FREE=$next
	# shellcheck disable=SC2046 # words
	bpftool map update pinned "$1/maps/sequences" key $(bytes "$slot" | cut -d' ' -f1-4) \
		value $(bytes "$next") $(bytes "$limit") $(bytes 0) $(bytes 0) $(bytes 0) $(bytes 0) $(bytes 0) $(bytes 0)
}

# attached: it protects, and an answer comes back
attached() {
	[ "$(status_a '"\(.attached) \(.hop != null) \(.warnings | length)"')" = "true true 0" ] ||
		{ status_a .; return 1; }
	[ ! -e "$LEFTOVER" ] || { echo "$LEFTOVER is left"; return 1; }
	packets "$SITE_A" roundtrip $B4 5201 --size 200
}

# takes_over: what runs now seals with numbers that nobody has had
takes_over() {
	local next limit slot

	read -r next limit slot < <(sequence "$INSTANCE")
	[ "${next:-0}" -ge "$FREE" ] || { echo "seals with $next; free from $FREE"; return 1; }
	[ "$(on_disk)" -ge "$limit" ] || { echo "limit $limit, but on disk $(on_disk)"; return 1; }
	FREE=$next
}

# after_up STEP: everything about one step of `up`
after_up() {
	killed up "$1" "${UP[@]}" || return 1
	if [ -e "$INSTANCE" ]; then
		use_up "$INSTANCE" && attached && down_plain || return 1
	elif [ -e "$LEFTOVER" ]; then
		use_up "$LEFTOVER" || return 1
		# One time in three `down` cleans up, else the next `up`.
		[ $((TAP_COUNT % 3)) -ne 0 ] || { down_plain && no_trace_a; } || return 1
	fi
	up_plain && takes_over && attached && use_up "$INSTANCE" && down_plain && no_trace_a
}

# after_down STEP: `down` again ends what was begun
after_down() {
	up_plain && takes_over && attached || return 1
	use_up "$INSTANCE" || return 1
	killed down "$1" "$XDPSEC" -n "$SITE_A" down "$NAME_A" || return 1
	down_anyhow || return 1
	no_trace_a
}

# after_reload STEP: with a new key for sending, SPI and port range; the next reload ends it
after_reload() {
	write_config "$NAME_A" eth0 site-b "$B4/32 $B6/128" 0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" \
		>"$CONF"
	up_plain && takes_over || return 1
	use_up "$INSTANCE" || return 1
	PORTS="4789, 5201-5300" write_config "$NAME_A" eth0 site-b "$B4/32 2001:db8:b::/64" \
		0x1003 "$WORK/a-to-b.key" 0x1004 "$WORK/b-to-a.key" >"$CONF"
	killed reload "$1" "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" reload "$NAME_A" --new-key || return 1
	use_up "$INSTANCE" || return 1
	reload_a --new-key || return 1
	takes_over || return 1
	is_reloaded || return 1
	down_plain && no_trace_a
}

is_reloaded() {
	local got

	got=$(status_a '.peers[0] | "\(.tx.spi) \(.rx.spi) \([.protects[].prefix] | sort | join(" ")) \(.protects[0].ports)"')
	[ "$got" = "4099 4100 $B4/32 2001:db8:b::/64 4789,5201-5300" ] || { echo "$got"; return 1; }
}

# The first time there is more to write.
up_plain && down_plain || bail "up fails"
traced up "${UP[@]}" || bail "up fails"
traced down "$XDPSEC" -n "$SITE_A" down "$NAME_A" || bail "down fails"
diag "$(steps <"$WORK/up.calls" | wc -l) steps of up, $(steps <"$WORK/down.calls" | wc -l) of down"
kill_at_each up after_up
kill_at_each down after_down

up_plain >/dev/null || bail "not up"
PORTS="4789, 5201-5300" write_config "$NAME_A" eth0 site-b "$B4/32 2001:db8:b::/64" \
	0x1003 "$WORK/a-to-b.key" 0x1004 "$WORK/b-to-a.key" >"$CONF"
traced reload "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" reload "$NAME_A" --new-key || bail "reload fails"
down_plain || bail "down fails"
kill_at_each reload after_reload

ok "down at B" down_b
ok "nothing is left" no_trace
done_testing
