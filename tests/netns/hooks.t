#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# PostUp and PostDown: who runs them, with what, in which order, and what a killed command leaves to the next one. With
# HOOKS=all in the environment also the cases that are like others; each loads all programs again.
# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"

RECORD=/run/xdpsec/$NAME_A.hooks
SAID=$WORK/said
# hooks LINE...: the configuration with these lines
hooks() {
	local line

	restore
	for line in "$@"; do
		printf '%s\n' "$line"
	done >"$WORK/lines"
	sed -i "1r $WORK/lines" "$CONF"
	: >"$SAID"
}
said() { paste -sd' ' "$SAID"; }
up_new() { up_plain --new-key; }

all() { [ "${HOOKS:-}" = all ]; }

make_namespace "$SITE_A"
ip -n "$SITE_A" link add eth0 type veth peer name inside || bail "no veth"
add_address "$SITE_A" eth0 "$A4/24" "$A6/64"
ip -n "$SITE_A" link set dev inside up
write_configs
keep
defer down_anyhow
defer rm -f "$RECORD"

# ---- what they are run with -----------------------------------------------------------------------------

# shellcheck disable=SC2016 # for the other shell
hooks "PostUp = echo up1 >>$SAID ; echo up2 >>$SAID" "PostUp = echo %i \$XDPSEC_NAME >>$SAID # no more" \
	"PostUp = env >$WORK/env; ls -l /proc/self/fd >$WORK/fds; readlink /proc/self/ns/net >$WORK/ns; id -u >$WORK/id" \
	"PostUp = grep -E '^(SigBlk|SigIgn)' /proc/self/status >$WORK/signals; pwd >$WORK/pwd; $XDPSEC status $NAME_A >$WORK/status" \
	"PostUp = echo $(printf '%0300d' 0) >$WORK/long" "PostDown = echo down1 >>$SAID" "PostDown = echo down2 >>$SAID"
export SECRET_OF_MINE=secret
# shellcheck disable=SC2034 # it is there to be inherited
exec {extra}</dev/null
# As from a service, or from nohup.
ignoring() { (trap '' HUP PIPE; "$@"); }
ok "up" ignoring up_new
is "PostUp is run in order, with the name of the device" "$(said)" "up1 up2 eth0 $NAME_A"
is "the environment is none of the caller's" "$(sed 's/=.*//' "$WORK/env" | grep -vxE 'PWD|OLDPWD|SHLVL|_' | sort | paste -sd' ')" \
	"HOME LC_ALL PATH XDPSEC_DEVICE XDPSEC_NAME"
# ls itself has 3 and the shell none.
is "nor are the descriptors" "$(grep -cE ' -> ' "$WORK/fds")" 4
is "it is run in the namespace of the instance" "$(<"$WORK/ns")" "$(in_a readlink /proc/self/ns/net)"
is "as root" "$(<"$WORK/id")" 0
# Those that are set. The two of the C library itself (32 and 33) are not to be had by anybody else.
signals() { sed 's/.*\t/0x/' "$WORK/signals" | while read -r set; do echo $((set & ~0x180000000)); done | paste -sd' '; }
is "no signal is blocked, and none ignored" "$(signals)" "0 0"
is "in the root directory" "$(<"$WORK/pwd")" "/"
like "the instance is up by then" "$(<"$WORK/status")" "instance: $NAME_A"
is "a command may be longer than other lines" "$(($(wc -c <"$WORK/long") - 1))" 300
: >"$SAID"
hooks "PostDown = echo changed >>$SAID"
ok "down" down_plain
is "PostDown is run in order, as the file was at up" "$(said)" "down1 down2"
ok "nothing is left" [ ! -e "$RECORD" ]

if all; then
	hooks "PostDown = echo before >>$SAID"
	ok "up with PostDown only" up_plain
	hooks "PostUp = echo up >>$SAID" "PostDown = echo after >>$SAID"
	ok "another one, by reload" reload_a
	ok "down after reload" down_plain
	is "reload takes PostDown over, and runs nothing" "$(said)" "after"
fi

# ---- failures -------------------------------------------------------------------------------------------

hooks "PostUp = echo up1 >>$SAID" "PostUp = exit 7" "PostUp = echo up3 >>$SAID" "PostDown = false" "PostDown = echo down2 >>$SAID"
fails "PostUp fails" "$NAME_A: PostUp: exit 7: exit status 7"$'\n'"hint: all is undone, and PostDown is run" up_plain
like "PostUp fails: so does a PostDown" "$TAP_OUTPUT" "$NAME_A: PostDown: false: exit status 1"
is "PostUp fails: the next is not run, PostDown is" "$(said)" "up1 down2"
ok "PostUp fails: nothing is up" no_trace_a
ok "PostUp fails: nothing is left" [ ! -e "$RECORD" ]
if all; then
	hooks "PostUp = kill -TERM \$\$" "PostDown = true"
	fails "PostUp is killed" "PostUp: kill -TERM [$][$]: ended by signal 15" up_plain
	ok "PostUp is killed: nothing is up" no_trace_a
	hooks "PostDown = exit 3"
	ok "up for a PostDown that fails" up_plain
	fails "PostDown fails" "$NAME_A: PostDown: exit 3: exit status 3" down_plain
	ok "PostDown fails: all is down nevertheless" no_trace_a
	ok "PostDown fails: it is not run again" [ ! -e "$RECORD" ]
	hooks "PostUp = $XDPSEC -n $SITE_A reload $NAME_A" "PostDown = true"
	fails "PostUp that would wait for itself" "$NAME_A: this is one of its own PostUp or PostDown" up_plain
fi
hooks "PostUp = echo up >>$SAID" "PostDown = echo down >>$SAID"
sed -i 's/^Device = eth0/Device = nowhere/' "$CONF"
refuses "up that fails before" up_plain
is "up that fails before: nothing is run" "$(said)" ""

# ---- commands that are killed ---------------------------------------------------------------------------

# kill_at FILE CMD...: CMD is killed when FILE is there, while a command of it waits
kill_at() {
	local file=$1 process

	rm -f "$file"
	"${@:2}" >/dev/null 2>&1 &
	process=$!
	wait_for 10 test -s "$file" || bail "no $file"
	kill -KILL "$process"
	wait "$process" 2>/dev/null
	# Its command goes on alone.
	kill "$(<"$file")" 2>/dev/null
	return 0
}
# One that waits when it is run for the first time.
waits="[ -e $WORK/waited ] || { touch $WORK/waited; echo \$\$ >$WORK/pid; exec sleep 100; }"
slow() { rm -f "$WORK/waited"; hooks "PostUp = echo up1 >>$SAID" "PostUp = $1" "PostUp = echo up3 >>$SAID" "PostDown = echo down1 >>$SAID" "PostDown = $2" "PostDown = echo down3 >>$SAID"; }

slow "$waits" true
kill_at "$WORK/pid" "${UP[@]}"
is "up is killed in PostUp" "$(said)" "up1"
ok "up again" up_plain
like "up again: says what it does" "$TAP_OUTPUT" "warning: $NAME_A: is up, but its up was killed: the rest of its PostUp is run"
is "up again: what was left is run, and no more" "$(said)" "up1 up3"
fails "and once more" "$NAME_A: is up already" up_plain
ok "down of it" down_plain
if all; then
	slow "$waits" true
	kill_at "$WORK/pid" "${UP[@]}"
	ok "reload after an up that was killed in PostUp" reload_a
	is "what was left is run" "$(said)" "up1 up3"
	ok "down after the reload" down_plain
	slow "$waits" true
	kill_at "$WORK/pid" "${UP[@]}"
	ok "down after an up that was killed in PostUp" down_plain
	is "PostDown is run, all of it" "$(said)" "up1 down1 down3"
	ok "nothing is up" no_trace_a
fi
slow true "$waits"
ok "up for a down that is killed" up_plain
kill_at "$WORK/pid" "$XDPSEC" -n "$SITE_A" down "$NAME_A"
is "down is killed in PostDown" "$(said)" "up1 up3 down1"
fails "down from another namespace" "its PostDown belongs to another network namespace" "$XDPSEC" down "$NAME_A"
ok "down again" down_plain
is "down again: the rest is run" "$(said)" "up1 up3 down1 down3"
fails "and once more" "$NAME_A: is not up" down_plain
if all; then
	slow true "$waits"
	ok "up for another down that is killed" up_plain
	kill_at "$WORK/pid" "$XDPSEC" -n "$SITE_A" down "$NAME_A"
	ok "up after it" up_plain
	like "up after it: says what it does" "$TAP_OUTPUT" "warning: $NAME_A: a command was killed: first down is completed"
	is "up after it: first the rest of PostDown, then PostUp" "$(said)" "up1 up3 down1 down3 up1 up3"
	: >"$SAID"
	find "$INSTANCE" -delete
	ok "down of an instance whose pins somebody has removed" down_plain
	is "PostDown is run" "$(said)" "down1 down3"
fi

# ---- who may write the file -----------------------------------------------------------------------------

hooks "PostUp = true"
chmod 664 "$CONF"
refuses "a file that its group may write" up_plain
like "a file that its group may write: why" "$TAP_OUTPUT" \
	"$CONF:2: PostUp: $CONF, owner 0, permissions 0664: others could have root run their commands"$'\n'"hint: chown root $CONF && chmod go-w $CONF"
chmod 600 "$CONF"
chown nobody "$CONF"
fails "a file of another user" "$CONF:2: PostUp: $CONF, owner [0-9]+, permissions 0600: others could" xdpsec_a check "$CONF"
chown root "$CONF"
mkdir -m 777 "$WORK/open"
cp "$CONF" "$WORK/open/"
fails "a directory that others may write" "PostUp: $WORK/open, owner 0, permissions 0777: others could" xdpsec_a check "$WORK/open/$NAME_A.conf"
ln -sf "$WORK/open/$NAME_A.conf" "$CONF"
fails "a link into such a directory" "PostUp: $WORK/open, owner 0, permissions 0777: others could" xdpsec_a check "$CONF"
rm "$CONF"
hooks
ok "without PostUp it may be written by others" xdpsec_a check "$CONF"
done_testing
