/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chain: the XDP programs of several instances on one device, where libxdp's dispatcher is not in use.
 * The first one is attached. Each calls the next one for packets that it lets pass (xdp/next.bpf.h). This
 * works on every kernel.
 *
 *	device's XDP -> program of A -> map `next` -> program of B -> map `next` -> program of C, the last,
 *	without a map
 *
 * Inline mode comes first: at TC egress it would seal packets that a tunnel sends, so it has to open them
 * before the tunnel does.
 *
 * The chain is never changed in place. A new one is built beside it, from the end to the front. Programs
 * behind the difference are reused, those in front of it are new copies. One exchange of the device's program
 * takes the new chain into use. So no packet finds the chain half made, and a command that is killed leaves
 * either the old chain or the new one. (A program of another version in front of the difference cannot be
 * copied: then its map is changed.)
 *
 * The kernel empties a map of programs when user space no longer holds it. So each is pinned, as
 * NAME/chain/ID, under the instance whose program uses it. The next change unpins maps that no program uses
 * any more.
 *
 * The chain is read from the kernel each time, beginning with the device's program: nothing of it is
 * recorded.
 */
#ifndef XDPSEC_CHAIN_H
#define XDPSEC_CHAIN_H

#include "config/config.h"
#include "plane/plane.h"
#include "plane/sharers.h"

/* Can an instance of that configuration join the chain on its device? 0 (also if there is no chain, or it
 * has joined already), or -errno after a message. */
int chain_check(const struct config *config, unsigned int index, bool no_attach);

/* Put the program of the instance into the chain on the device. -ENOENT without a message: there is none. */
int chain_join(const struct plane *plane, const char *device, unsigned int index, __u8 *in_use);

/* Take the program out, and leave the others in, of whatever version they are. -ENOENT without a message:
 * there are no others, or it is not in a chain. */
int chain_leave(const struct plane *plane, const char *device, unsigned int index);

/* Is there a chain of instances on the device? */
bool chain_is_there(unsigned int index);

/* The mode in which the chain on the device is attached, if the instance's program is in it. */
enum xdp_in_use chain_has(const struct plane *plane, unsigned int index);

/* Unpin the maps that no chain of the device uses. */
int chain_sweep(unsigned int index);

#endif
