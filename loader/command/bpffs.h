/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF file system, and whether pins in it persist. `ip netns exec` and `unshare -m` make a mount
 * namespace that ends with its command. A file system mounted only there ends with it: the pins are lost, and
 * with them the links of the TC programs, so protected flows would leave in clear.
 */
#ifndef XDPSEC_BPFFS_H
#define XDPSEC_BPFFS_H

#include "command/commands.h"

/* Find a mounted one, or mount it. 0, or -errno after a message. */
int bpffs_prepare(void);

/* Would existing pins be visible here? For a command that looks for them. 0, or -errno after a message
 * with the command that sees them. */
int bpffs_check(const struct options *options);

/* Will the file system outlive the command? For `up`, which pins. 0, or -errno after a message with the
 * command that works. */
int bpffs_check_stays(const struct options *options);

/* Unmount it if bpffs_prepare() has mounted it. */
void bpffs_undo(void);

#endif
