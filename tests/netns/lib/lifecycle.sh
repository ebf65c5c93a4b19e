# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Bringing an instance of site A up and down, again and again, in a bpffs of one's own. To be sourced by a test instead
# of lib.sh, which it sources.

# How many calls a step takes depends on how many instances there are: no others must be in this bpffs.
if [ "$(id -u)" -eq 0 ]; then
	[ -n "${XDPSEC_OWN_BPFFS:-}" ] || XDPSEC_OWN_BPFFS=1 exec unshare -m -- "$BASH" "$0" "$@"
	mount -t bpf bpf /sys/fs/bpf || exit 255
fi
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# under_strace OPTION... CMD...: the numbers of its calls do not depend on what else is loaded on this machine.
# LeakSanitizer (SANITIZE=1) would trace the process itself, and cannot under strace.
under_strace() { ASAN_OPTIONS=detect_leaks=0 "$here/blind.py" strace -f -s 200 "$@"; }
# present CALL,...: for strace, which refuses a name that is no call of this architecture. arm64 has mkdirat() for mkdir(),
# and unlinkat() for unlink() and rmdir(), with AT_FDCWD.
present() { echo "?${1//,/,?}"; }
can_trace() { [ -n "$(command -v strace)" ] && under_strace -o /dev/null true 2>/dev/null; }

INSTANCE=/sys/fs/bpf/xdpsec/$NAME_A
LEFTOVER=/sys/fs/bpf/xdpsec/_$NAME_A
CONF=$WORK/$NAME_A.conf

# Without what up_a and down_a do for other tests: no --new-key, and an error where nothing is up. A command, so that it
# can be traced.
UP=("$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" up "$CONF")
up_plain() { "${UP[@]}" "$@"; }
down_plain() { xdpsec_a down "$NAME_A"; }
reload_a() { xdpsec_a reload "$NAME_A" "$@"; }

# For `defer`: what is up when a check fails, and what is left half-way, must not stay.
down_anyhow() { [ ! -e "$INSTANCE" ] && [ ! -e "$LEFTOVER" ] || down_plain; }

# keep, restore: A's configuration as it is, and later as it was
keep() { cp "$CONF" "$WORK/kept"; }
restore() { cp "$WORK/kept" "$CONF"; }
# set_line KEYWORD VALUE: in the first place where the configuration has it
set_line() { sed -i "0,/^$1 = .*/s||$1 = $2|" "$CONF"; }
