/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF file system, and whether what is pinned in it stays. `ip netns exec` and `unshare -m` give a mount
 * namespace that ends with the command in it, and with it a file system that is mounted there alone: the pins
 * go, and with them the links of the TC programs, so that protected flows leave in clear.
 */
#ifndef XDPSEC_BPFFS_H
#define XDPSEC_BPFFS_H

#include "commands.h"

/* One that is mounted, by us where nobody has. 0, or -errno after a message. */
int bpffs_prepare(void);

/* Could pins be seen here, if there were any? For a command that looks for them: 0, or -errno after a message
 * with the command that sees them. */
int bpffs_check(const struct options *options);

/* For `up`, which pins: will it be there when the command has ended? 0, or -errno after a message with the
 * command that works. */
int bpffs_check_stays(const struct options *options);

/* Where bpffs_prepare() has mounted it: unmount it. */
void bpffs_undo(void);

#endif
