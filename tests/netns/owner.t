#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other users and the pins: on a BPF file system that everybody may write to, as `mount -t bpf` makes it, and after
# somebody has changed owners and modes. What a hint says is done, and helps.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

ROOT=/sys/fs/bpf/xdpsec
make_sites
write_configs
defer down_anyhow
command -v setpriv >/dev/null || skip_all "needs setpriv"
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# hint, take_hint: what the last message says can be done
hint() { sed -n 's/^hint: //p' <<<"$TAP_OUTPUT" | sed 's/ prevents others.*//' | tail -n1 >"$WORK/hint"; }
take_hint() { bash -ex "$WORK/hint"; }
# exposed NAME MESSAGE: up is refused, and what the hint says helps
exposed() {
	fails "$1" "$2" up_plain --new-key
	hint
	ok "$1: what the hint says" take_hint
	ok "$1: then up" up_plain --new-key
	ok "$1: down" down_plain
}

is "everybody may write to this one" "$(stat -c %a /sys/fs/bpf)" 1777
ok "up all the same" up_plain --new-key
is "nobody else may enter what it makes" "$(stat -c '%u %a' $ROOT $INSTANCE)" $'0 700\n0 700'
refuses "nor rename it" as_nobody mv $ROOT /sys/fs/bpf/gone
ok "down" down_plain
as_nobody mkdir $ROOT
exposed "somebody else's directory" "$ROOT: owner 65534, permissions 0755: others could rename, replace or lock the pins.*hint: rm -r $ROOT; chmod 700 /sys/fs/bpf"
is "the hint prevents others from doing it again" "$(stat -c %a /sys/fs/bpf)" 700
refuses "so that they cannot" as_nobody mkdir $ROOT
chmod 1777 /sys/fs/bpf
as_nobody mkdir -p $ROOT "$INSTANCE/maps"
exposed "somebody else's directory, with an instance" "owner 65534.*hint: rm -r"
chmod 1777 /sys/fs/bpf
as_nobody ln -s /sys/fs/bpf/elsewhere $ROOT
mkdir /sys/fs/bpf/elsewhere
exposed "a link in its place" "$ROOT: not a directory: another user created it.*hint: rm $ROOT"
rmdir /sys/fs/bpf/elsewhere
mkdir -m 770 $ROOT
exposed "a group may write to it" "$ROOT: owner 0, permissions 0770.*hint: chown root:root $ROOT; chmod 700 $ROOT"
chmod 777 /sys/fs/bpf
exposed "the file system itself, not sticky" "/sys/fs/bpf: owner 0, permissions 0777.*hint: chown root:root /sys/fs/bpf; chmod 700"
chown 65534 /sys/fs/bpf
exposed "the file system itself, somebody else's" "/sys/fs/bpf: owner 65534, permissions 0700.*hint: chown root:root /sys/fs/bpf"
chmod 1777 /sys/fs/bpf
# libxdp has its own, and a lock on it.
[ ! -e /sys/fs/bpf/xdp ] || rm -r /sys/fs/bpf/xdp
as_nobody mkdir /sys/fs/bpf/xdp
exposed "that of libxdp" "/sys/fs/bpf/xdp: owner 65534, permissions 0755.*hint: rm -r /sys/fs/bpf/xdp"
# no_libxdp: that is not there, and others may create it
no_libxdp() {
	chmod 1777 /sys/fs/bpf
	rm -rf /sys/fs/bpf/xdp /sys/fs/bpf/tc
}
no_libxdp
as_nobody ln -s /sys/fs/bpf/tc /sys/fs/bpf/xdp
exposed "a link to it of somebody else" "/sys/fs/bpf/xdp: not a directory: another user created it.*hint: rm /sys/fs/bpf/xdp"
# iproute2 creates the directory as a link to its own.
no_libxdp
ln -s /sys/fs/bpf/tc /sys/fs/bpf/xdp
exposed "a link of root to nothing" "/sys/fs/bpf/xdp: a symbolic link to nothing.*hint: rm /sys/fs/bpf/xdp"
no_libxdp
as_nobody mkdir /sys/fs/bpf/tc
ln -s /sys/fs/bpf/tc /sys/fs/bpf/xdp
fails "a link of root to the directory of somebody else" "/sys/fs/bpf/tc: owner 65534.*hint: rm -r /sys/fs/bpf/tc" up_plain --new-key
no_libxdp
mkdir /sys/fs/bpf/tc
ln -s /sys/fs/bpf/tc /sys/fs/bpf/xdp
ok "a link of root, as iproute2 creates it: up" up_plain --new-key
ok "a link of root: down" down_plain
no_libxdp

# While an instance is up, which the hint must not take down.
ok "up" up_plain || bail "not up"
for directory in $ROOT "$INSTANCE"; do
	chown 65534 "$directory"
	for command in "status" "reload" "down"; do
		fails "$command: ${directory##*/} is somebody else's" "$directory: owner 65534.*hint: chown root:root $directory; chmod 700" \
			xdpsec_a "$command" "$NAME_A"
	done
	hint
	ok "what the hint says" take_hint
	is "it is still up" "$(status_a .attached)" true
done
mv "$INSTANCE" "$ROOT/real"
ln -s "$ROOT/real" "$INSTANCE"
fails "a link in the place of an instance" "$INSTANCE: not a directory" down_plain
rm "$INSTANCE"
mv "$ROOT/real" "$INSTANCE"
ok "back in its place" reload_a

# ---- the lock ----------------------------------------------------------------------------------------

chmod 1777 /sys/fs/bpf
chmod 755 $ROOT
ok "others could lock what they may read" as_nobody flock -n $ROOT true
ok "a command" reload_a
is "closes it" "$(stat -c %a $ROOT)" 700
refuses "so that they cannot" as_nobody flock -n $ROOT true
flock -F $ROOT sleep 60 &
HOLDER=$!
defer stop "$HOLDER"
locked() { ! flock -n $ROOT true; }
ok "another command has the lock" wait_for 5 locked
start "$SITE_A" "$WORK/down" "$XDPSEC" --state-dir "$WORK/state-a" down "$NAME_A"
WAITING=$STARTED
ok "it is said which one" wait_for 20 grep -E "warning: $ROOT: waiting for process $HOLDER, which has locked it" "$WORK/down.err"
like "with a way to see it" "$(grep hint "$WORK/down.err")" "ps -fp $HOLDER"
is "that shows it" "$(ps -o args= -p "$HOLDER" | grep -c "^sleep 60")" 1
ok "it goes on waiting" running "$WAITING"
stop "$HOLDER"
ok "until the lock is free" wait_for 20 ended "$WAITING"
ok "and is done" no_trace_a
ok "up" up_plain
flock -F $ROOT sleep 60 &
HOLDER=$!
defer stop "$HOLDER"
ok "the lock is taken again" wait_for 5 locked
start "$SITE_A" "$WORK/down" "$XDPSEC" --state-dir "$WORK/state-a" down "$NAME_A"
kill "$STARTED"
ok "a signal ends the wait" wait_for 5 ended "$STARTED"
stop "$HOLDER"
is "and nothing was changed" "$(status_a .attached)" true
ok "down" down_plain
ok "nothing is left" no_trace_a
done_testing
