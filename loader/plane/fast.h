/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fast path of an instance: the programs at XDP of the devices of FastPath, and the maps that say which devices these
 * are. The programs are attached by links, whose pins are links/fast1 and so on: who removes the pins, or the device,
 * ends the fast path, and packets take the ordinary way.
 */
#ifndef XDPSEC_FAST_H
#define XDPSEC_FAST_H

#include "net/netlink.h"
#include "plane/plane.h"

/* Can the kernel look up flows of a flowtable? 0, or -errno after a message. */
int fast_check_kernel(void);

/* Load and attach the program of the device, which is the one at that place of FastPath, and let packets be redirected to
 * it. 0, or -errno after a message. */
int fast_attach(const struct plane *plane, unsigned int place, const struct netdev *netdev);

/* Note the underlay's device. */
int fast_set_underlay(const struct plane *plane, unsigned int index);

/* The device of this namespace that the program of this place of FastPath is on; 0: it was deleted or moved to another
 * namespace, or the program detached. */
unsigned int fast_attached(const struct plane *plane, unsigned int place);

/* Have the loaded program with this descriptor look at the device, without any packet on the wire, and return whether the
 * device takes redirected frames. slot: in map "fast_devices". */
bool fast_transmits(const struct plane *plane, int program, unsigned int index, __u32 slot);

/* The same of the device at that place of FastPath, by the program that is attached to it. */
bool fast_transmits_now(const struct plane *plane, unsigned int place, const struct netdev *netdev);

/* Say that the device takes no redirected frames: -EOPNOTSUPP after a message, or 0 after a warning if that may change. */
int fast_refuse_transmits(const struct netdev *netdev);

/* Did the device take redirected frames when the programs last looked? */
bool fast_transmitted(const struct plane *plane, __u32 slot);

/* The packets that took the fast path so far. */
int fast_read_packets(const struct plane *plane, __u64 packets[XDPSEC_FAST_DIRECTIONS]);

#endif
