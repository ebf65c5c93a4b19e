#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pins that end: `up` refuses a BPF file system that goes with its mount namespace, as under `ip netns exec`, and says
# what works instead; and where the pins of an instance are gone nevertheless, `status` says so, and `down` and the
# next `up` know by its devices and its program what is left.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

make_sites
write_configs
defer down_anyhow
UP+=(--new-key)

exits() {
	tap_run "${@:3}"
	is "$1" "$TAP_STATUS" "$2"
}
index() { ip -n "$SITE_A" -j link show dev eth0 | jq '.[0].ifindex'; }
lose_pins() { rm -r "$INSTANCE"; }
# The number that a key goes on with.
on_disk() { awk '{ print $4 }' "$WORK"/state-a/*.tx | sort -n | tail -n 1; }

# ---- pins that would end -----------------------------------------------------------------------------

# netns_exec CMD...: as scripts do that have every command behind it
netns_exec() { ip netns exec "$SITE_A" "$@"; }
MOUNTED='mount -t bpf -o mode=0700 bpf /sys/fs/bpf && exec "$@"'
UNMOUNTED='while umount -l /sys/fs/bpf 2>/dev/null; do :; done; exec "$@"'

for mode in inline tunnel; do
	[ $mode = inline ] || write_tunnel_configs
	rm -f "$WORK"/state-a/*
	fails "$mode: ip netns exec: up" "/sys/fs/bpf: a file system mounted there would disappear.*hint: xdpsec -n $SITE_A up $CONF, without" \
		netns_exec "$XDPSEC" --state-dir "$WORK/state-a" up "$CONF" --new-key
	ok "$mode: ip netns exec: up: no trace" no_trace_a
	fails "$mode: ip netns exec, with a bpffs of its own: up" "a file system mounted there would disappear.*hint: xdpsec -n $SITE_A up $CONF" \
		netns_exec sh -c "$MOUNTED" sh "$XDPSEC" --state-dir "$WORK/state-a" up "$CONF" --new-key
	ok "$mode: ip netns exec, with a bpffs of its own: no trace" no_trace_a
	# The hint, as it is written.
	ok "$mode: the command of the hint" "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" up "$CONF"
	is "$mode: it works" "$(status_a '"\(.attached) \(.warnings | length)"')" "true 0"
	for command in status down reload; do
		fails "$mode: ip netns exec: $command" "a file system mounted there would disappear.*hint: xdpsec -n $SITE_A $command $NAME_A" \
			netns_exec "$XDPSEC" "$command" "$NAME_A"
	done
	fails "$mode: ip netns exec: status of all" "hint: xdpsec -n $SITE_A status, without" netns_exec "$XDPSEC" status
	is "$mode: it works on" "$(status_a '"\(.attached) \(.warnings | length)"')" "true 0"
	ok "$mode: down" down_plain
	ok "$mode: down: no trace" no_trace_a
done
write_configs

# shellcheck disable=SC2016
{
	fails "a mount namespace without a bpffs: up" "a file system mounted there would disappear.*hint: .*mount -t bpf -o mode=0700 bpf /sys/fs/bpf" \
		in_a unshare -m sh -c "$UNMOUNTED" sh "$XDPSEC" --state-dir "$WORK/state-a" up "$CONF" --new-key
	ok "a mount namespace without a bpffs: no trace" no_trace_a
	# Once more in the same one: the first did not leave it mounted.
	fails "a mount namespace without a bpffs: twice" "a file system mounted there would disappear" \
		in_a unshare -m sh -c "${UNMOUNTED/exec/\"\$@\" --new-key;}" sh "$XDPSEC" --state-dir "$WORK/state-a" up "$CONF"
	ok "a mount namespace of its own, with the machine's bpffs: up" in_a unshare -m "${UP[@]}"
	is "a mount namespace of its own: it works" "$(status_a '"\(.attached) \(.warnings | length)"')" "true 0"
	ok "a mount namespace of its own: down" in_a unshare -m "$XDPSEC" down "$NAME_A"
	ok "a mount namespace of its own: no trace" no_trace_a
	# Its first process has the same mounts, so that they end with the machine.
	ok "a container: a bpffs is mounted" in_a unshare --mount --pid --fork --mount-proc sh -c \
		"${UNMOUNTED%exec*}"' "$1" --state-dir "$2" up "$3" --new-key && test -d "/sys/fs/bpf/xdpsec/$4" && "$1" down "$4"' \
		sh "$XDPSEC" "$WORK/state-a" "$CONF" "$NAME_A"
	unlike "a container: and no warning" "$(without_advice <<<"$TAP_OUTPUT")" warning
}

# ---- pins that are gone ------------------------------------------------------------------------------

# lost NAME CMD...: after CMD
lost() {
	local name="$mode: $1" before

	ok "$name: up" up_plain || bail "not up"
	before=$(on_disk)
	[ -z "${2:-}" ] || ok "$name: $2" "${@:2}"
	exits "$name: status" 1 xdpsec_a status
	exits "$name: status: by its name" 1 xdpsec_a status "$NAME_A"
	like "$name: status: what to do" "$TAP_OUTPUT" "$NAME_A: its pins are gone.*hint: xdpsec .*down $NAME_A"
	is "$name: status -j" "$(xdpsec_a status -j 2>/dev/null | jq -c 'map([.name, .error])')" \
		"[[\"$NAME_A\",\"its pins are gone, and nothing is sealed\"]]"
	exits "$name: status elsewhere" 4 xdpsec_b status
	ok "$name: down" down_plain
	ok "$name: down: no trace" no_trace_a
	[ "${LOSES_STATE:-}" ] || ok "$name: down: numbers are given back" [ "$(on_disk)" -lt "$before" ]
	exits "$name: down: status" 4 xdpsec_a status
	ok "$name: up again" up_plain
	[ -z "${2:-}" ] || ok "$name: $2, again" "${@:2}"
	ok "$name: check" xdpsec_a check "$CONF"
	like "$name: check: what is left is no conflict" "$TAP_OUTPUT" "warning: $NAME_A: was left .*or has lost its pins.*hint: xdpsec .*up "
	ok "$name: the next up" up_plain
	is "$name: the next up works" "$(status_a '"\(.attached) \(.warnings | join("|"))"')" "true "
	ok "$name: and down" down_plain
	ok "$name: and down: no trace" no_trace_a
}
and_program() { lose_pins && ip -n "$SITE_A" link set dev eth0 xdp off; }
and_pair() { lose_pins && ip -n "$SITE_A" link del dev "$NEAR"; }
and_alias() { lose_pins && ip -n "$SITE_A" link set dev "$NEAR" alias "" && ip -n "$SITE_A" link set dev "$FAR" alias ""; }

for mode in inline tunnel; do
	NEAR=xsh$(index)a FAR=xsh$(index)b
	if [ $mode = tunnel ]; then
		write_tunnel_configs
		NEAR=xs0 FAR=xst$(index)
	fi
	lost "the pins are removed" lose_pins
	lost "and the pair" and_pair
	LOSES_STATE=yes lost "and the program" and_program
	ok "$mode: another instance's pins are gone: up" up_plain
	ok "$mode: another instance's pins are gone" lose_pins
	cp "$CONF" "$WORK/$ID-other.conf"
	fails "$mode: another instance's pins are gone: up" "eth0 is protected by $NAME_A already, whose pins are gone.*hint: xdpsec .*down $NAME_A" \
		xdpsec_a up "$WORK/$ID-other.conf" --new-key
	ok "$mode: another instance's pins are gone: the hint" down_plain
	ok "$mode: another instance's pins are gone: no trace" no_trace_a

	# Held by pins that are not seen here: it works, and is not to be taken down.
	unseen() {
		# shellcheck disable=SC2016
		unshare -m sh -c 'mount -t bpf -o mode=0700 bpf /sys/fs/bpf && exec "$@"' sh "$@"
	}
	ok "$mode: pins that are not seen: up" up_plain
	for command in "down $NAME_A" "up $CONF" "status $NAME_A"; do
		# shellcheck disable=SC2086 # words
		fails "$mode: pins that are not seen: ${command% *}" "$NAME_A: is up, but its pins are in a BPF file system.*hint: " \
			unseen "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" $command
	done
	is "$mode: pins that are not seen: it works" "$(status_a '"\(.attached) \(.warnings | length)"')" "true 0"
	ok "$mode: pins that are not seen: down" down_plain
	ok "$mode: nothing is left" no_trace_a
done
done_testing
