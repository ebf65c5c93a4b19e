# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Tests of the laboratory itself, which run on the host. To be sourced by a test.

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"

# shellcheck source=tests/vm/arch.sh
. "$here/arch.sh"

export PATH=$PATH:/usr/sbin:/sbin
TOP=$(realpath "$here/../..")
OUTPUT=$(realpath -m "${OUTPUT:-$TOP/.output}")
WORK=$(mktemp -d "${TMPDIR:-/tmp}/xdpsec-vm-XXXXXX") || exit 255
defer rm -rf "$WORK"
RUN=$TOP/tests/vm/run
# shellcheck disable=SC2034 # used by the tests
KERNEL=${KERNEL:-6.12}
# In the arguments of a run: VM_ARCH, unless it is this computer's.
ANOTHER=()
[ -z "$foreign" ] || ANOTHER=(-a "$foreign")

# own_output: a build directory of this test's own, so that its machines can be told from others; with the
# program and the kernels of the real one.
own_output() {
	local kernel

	[ -x "$OUTPUT/xdpsec" ] || skip_all "$OUTPUT/xdpsec is not built"
	kernel=$("$TOP/tests/vm/kernel" "$KERNEL" "$OUTPUT/vm") || bail "no kernel"
	mkdir -p "$WORK/output/vm"
	cp -a "$OUTPUT/vm"/kvm-* "$WORK/output/vm/" 2>/dev/null
	ln -s "$OUTPUT/xdpsec" "$WORK/output/xdpsec"
	ln -s "$OUTPUT/vm/kernels" "$WORK/output/vm/kernels"
	[ -z "$foreign" ] || ln -s "$OUTPUT/vm/root" "$WORK/output/vm/root"
	# As a regular expression.
	# shellcheck disable=SC2034 # used by the tests
	RELEASE=$(sed 's/[.+]/\\&/g' "$kernel/release")
	defer stop_machines
}

# vm [OPTIONS] COMMAND
vm() { "$RUN" "${ANOTHER[@]}" -k "$KERNEL" -o "$WORK/output" "$@"; }

# machines: the processes of this test's machines
machines() {
	local file

	for file in /proc/[0-9]*/cmdline; do
		! grep -qsaF "$WORK/output" "$file" || { file=${file%/cmdline}; echo "${file##*/}"; }
	done
}

stop_machines() {
	local machine

	for machine in $(machines); do kill -KILL "$machine"; done
}

# nothing_left: no process, no mount, no job, no file for it
nothing_left() {
	[ -z "$(machines)" ] || { echo "processes: $(machines)"; return 1; }
	! grep -F "$WORK" /proc/self/mounts || return 1
	! compgen -G "$WORK/output/vm/job-*"
}

# ---- a terminal --------------------------------------------------------------------------------------

# open_terminal CMD: a terminal of 110 columns and 35 lines, CMD, and the state of the terminal, and the mounts in a
# namespace where nobody else makes any, before and after
open_terminal() {
	local own_mounts=''

	[ "$(id -u)" -ne 0 ] || own_mounts='unshare -m'
	cat >"$WORK/pane" <<-END
		trap : INT
		stty -g >'$WORK/before'
		sort /proc/self/mounts >'$WORK/mounts'
		$1
		echo \$? >'$WORK/status.new'
		stty -g >'$WORK/after'
		# Those of others may go.
		sort /proc/self/mounts | comm -13 '$WORK/mounts' - >>'$WORK/after'
		mv '$WORK/status.new' '$WORK/status'
		exec cat
	END
	rm -f "$WORK/status"
	on_terminal -f /dev/null start-server ';' set-option -g status off ';' \
		new-session -d -x 110 -y 35 "exec $own_mounts bash '$WORK/pane'" || bail "tmux does not start"
	defer close_terminal
}

on_terminal() { tmux -S "$WORK/tmux" "$@"; }
close_terminal() {
	[ ! -S "$WORK/tmux" ] || on_terminal kill-server
	rm -f "$WORK/tmux"
}
# Long lines are joined.
screen() { on_terminal capture-pane -p -J -S -200; }
# type_line TEXT, press KEY...
type_line() { on_terminal send-keys -l "$1" && on_terminal send-keys Enter; }
press() { on_terminal send-keys "$@"; }
# shows REGEX
shows() { screen | grep -qE "$1"; }
has_ended() { [ -e "$WORK/status" ]; }
