/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of veth devices of an instance: the hop device of inline mode, or the tunnel device. What goes
 * into the near end, whose offloads are off, comes out of the far end segmented and with complete checksums.
 */
#ifndef XDPSEC_PAIR_H
#define XDPSEC_PAIR_H

#include "instance.h"
#include "netlink.h"

/*
 * Create the pair that instance names, both ends down and with an alias that says whose it is, the near one
 * without offloads, and find both. what is "hop" or "tunnel", for messages. -EEXIST after a message where
 * somebody else has one of the names. 0 or -errno after a message; nothing is left behind then.
 */
int pair_create(const struct instance *instance, const char *what, unsigned int near_mtu, unsigned int queues,
		struct link *near, struct link *far);

/*
 * Delete the pair, where it is there and ours: by its alias, or, before it got one, by being the pair of
 * veth devices that instance is recorded to have been creating. Somebody else's device of that name stays.
 * 0 or -errno after a message.
 */
int pair_delete(const struct instance *instance);

/* Is the device of that name the instance's? */
bool pair_is_ours(const struct instance *instance, const struct link *link);

#endif
