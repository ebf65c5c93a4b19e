/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XDP programs of several instances on one device, where libxdp's dispatcher is not in use. The first
 * one is attached, and each calls the next one for what it lets pass (xdp/next.bpf.h). This works on every
 * kernel.
 *
 *	device's XDP -> program of A -> map `next` -> program of B -> map `next` -> program of C, the last,
 *	without a map
 *
 * Inline mode comes first: at TC egress it would seal what a tunnel sends, so that it has to open what
 * arrives before the tunnel does.
 *
 * The chain is never changed. A new one is built beside it, from the end to the front, out of new copies of
 * the programs in front of what differs and of the old ones behind it; then one exchange of the device's
 * program takes it into use. So no packet finds the chain half made, and who is killed leaves the old one or
 * the new one. (In front of what goes may be a program of another version, of which no copy can be made: then
 * the map that it has is changed.)
 *
 * The kernel empties a map of programs when nobody in user space holds it any more. So each is pinned, as
 * NAME/chain/ID, under the instance whose program uses it; what no program uses is unpinned by the next
 * change.
 *
 * What is in the chain is asked of the kernel each time, beginning with the device's program: nothing of it
 * is recorded.
 */
#ifndef XDPSEC_CHAIN_H
#define XDPSEC_CHAIN_H

#include "config.h"
#include "plane.h"
#include "sharers.h"

/* Can an instance of that configuration be put into the chain on its device? 0, also where there is no chain
 * or it is in it already, or -errno after a message. */
int chain_check(const struct config *config, unsigned int index, bool no_attach);

/* Put the program of the instance into the chain on the device. -ENOENT without a message: there is none. */
int chain_join(const struct plane *plane, const char *device, unsigned int index, __u8 *in_use);

/* Take it out, and leave the others in, of whatever version they are. -ENOENT without a message: there are no
 * others, or it is not in a chain. */
int chain_leave(const struct plane *plane, const char *device, unsigned int index);

/* Is there one, of instances that are on the device? */
bool chain_is_there(unsigned int index);

/* Is the instance's program in the chain on the device, and in which mode is that attached? */
enum xdp_in_use chain_has(const struct plane *plane, unsigned int index);

/* Unpin what no chain of the device uses. */
int chain_sweep(unsigned int index);

#endif
