#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a debug kernel finds makes a run fail, whatever the command says. The faults are the kernel's own, of its module
# lkdtm.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

[[ $KERNEL = *-debug ]] || skip_all "KERNEL=$KERNEL does not check itself: KERNEL=6.12-debug"
own_output

# provokes NAME FAULT REGEX
provokes() {
	refuses "$1" vm "mount -t debugfs none /sys/kernel/debug && modprobe lkdtm &&
		(echo $2 >/sys/kernel/debug/provoke-crash/DIRECT); exit 0"
	is "$1: status" "$TAP_STATUS" 125
	like "$1: the reason" "$TAP_OUTPUT" "vm: the kernel $RELEASE complained: $3"
}

ok "a machine in which nothing happens" vm true
provokes "a read of freed memory" READ_AFTER_FREE "BUG: KASAN: slab-use-after-free in lkdtm_READ_AFTER_FREE"
provokes "a write behind an object" SLAB_LINEAR_OVERFLOW "BUG: KASAN: slab-out-of-bounds in lkdtm_SLAB_LINEAR_OVERFLOW"
provokes "a lock that is kept" SPINLOCKUP "(WARNING: lock held when returning to user space|BUG: scheduling while atomic)"
ok "nothing is left" nothing_left
done_testing
