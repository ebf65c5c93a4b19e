#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make vmsh`: the shell in the machine, used as a person would, on a terminal.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "$(command -v tmux)" ] || skip_all "needs tmux"
own_output

# Typed text appears on the screen too, so the expected text is never typed in the same form.
open_terminal "'$RUN' -i ${ANOTHER[*]} -k $KERNEL -o '$WORK/output'"
ok "a prompt" wait_for 120 shows '^vm:~?/?[^ ]*# *$' || bail "no prompt: $(screen)"
shown=$(screen)
like "the banner: the kernel" "$shown" "Linux $RELEASE in a virtual machine"
like "the banner: the sites" "$shown" "site-a +eth0: 192\.0\.2\.1, 2001:db8:a::1.*site-b +eth0: 198\.51\.100\.1"
like "the banner: what is written, and how to leave" "$shown" "what is written here is gone.*exit, or Ctrl-D, leaves"

type_line 'echo "size: $(stty size)"'
ok "the size of the terminal" wait_for 5 shows '^size: 35 110$' || diag "$(screen)"
on_terminal set-option -g window-size manual
on_terminal resize-window -x 90 -y 30
type_line 'clear; echo "size: $(stty size) $((6 * 7))"'
resized() { type_line 'echo "size: $(stty size)"' && wait_for 1 shows '^size: 30 90$'; }
ok "the size follows" wait_for 10 resized

type_line 'tail -f /dev/null; echo status: $?'
press C-c
ok "Ctrl-C ends what runs in it" wait_for 10 shows '\^C'
type_line 'echo "still $((6 * 7))"'
ok "Ctrl-C: the shell goes on" wait_for 10 shows '^still 42$'
press -l 'o "edited $((6 * 7))"'
press C-a
press -l 'ec'
press End
press -l 'h'
press BSpace C-a Right Right
press -l 'h'
press Enter
ok "line editing" wait_for 10 shows '^edited 42$'
type_line 'sleep 0.1 & wait $!; echo "jobs $? $-"'
ok "job control" wait_for 10 shows '^jobs 0 [a-zA-Z]*m'

type_line 'in_a ping -c1 -W5 $B4 >/dev/null; echo "ping: $?"'
ok "the sites see each other" wait_for 10 shows '^ping: 0$'
type_line 'clear; up; echo "up: $?"'
ok "xdpsec up at both" wait_for 30 shows '^up: 0$'
type_line 'echo "path: $(command -v xdpsec)"'
ok "xdpsec is in PATH" wait_for 10 shows "^path: $WORK/output/xdpsec\$"
type_line 'status_a .attached; status_b .attached'
ok "the functions of the tests" wait_for 10 eval '[ "$(screen | grep -c "^true$")" = 2 ]'
type_line 'down; echo "down: $?"'
ok "down" wait_for 30 shows '^down: 0$'
type_line "echo spoilt >'$WORK/written'; false"
type_line exit
ok "exit" wait_for 20 has_ended
is "exit: the last command is not judged" "$(<"$WORK/status")" 0
is "exit: terminal and mounts are as before" "$(<"$WORK/after")" "$(<"$WORK/before")"
ok "exit: nothing is left" nothing_left
refuses "exit: nothing that was written" test -e "$WORK/written"
close_terminal

open_terminal "'$RUN' -i ${ANOTHER[*]} -k $KERNEL -o '$WORK/output' 'echo up; exec cat'"
ok "a terminal" wait_for 120 shows '^up'
press 'C-]' x
ok "Ctrl-] x ends the machine" wait_for 10 has_ended
is "Ctrl-] x: status" "$(<"$WORK/status")" 125
is "Ctrl-] x: terminal and mounts are as before" "$(<"$WORK/after")" "$(<"$WORK/before")"
ok "Ctrl-] x: nothing is left" nothing_left
done_testing
