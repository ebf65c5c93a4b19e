/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of veth devices of an instance: the hop device of inline mode, or the tunnel device. What goes
 * into the near end, whose offloads are off, comes out of the far end segmented and with complete checksums.
 */
#ifndef XDPSEC_PAIR_H
#define XDPSEC_PAIR_H

#include "instance.h"
#include "netlink.h"
#include "plane.h"

/*
 * Create the pair that instance names, both ends down and with an alias that says whose it is, the near one
 * without offloads, and find both. what is "hop" or "tunnel", for messages. -EEXIST after a message where
 * somebody else has one of the names. 0 or -errno after a message; nothing is left behind then.
 */
int pair_create(const struct instance *instance, const char *what, unsigned int near_mtu, unsigned int queues,
		struct netdev *near, struct netdev *far);

/* The ends of the pair that are in this namespace, whatever they are called by now. */
struct pair {
	struct netdev near, far; /* index 0: not here */
	bool near_elsewhere;	 /* in another namespace, as a tunnel's device may be for a container */
};

/* The same of what is recorded. Addresses, routes, MTU and offloads of the device are then somebody else's to
 * set. */
bool pair_near_elsewhere(const struct instance *instance);

void pair_find(const struct plane *plane, const struct instance *instance, struct pair *pair);

/* Both ends as pair_create() made them, and up: what was changed since is set again, with a warning. near_mtu
 * is 0 where it is somebody else's to set. 0, or -errno after a message: -ENODEV where one is gone. */
int pair_mend(const struct instance *instance, const char *what, unsigned int near_mtu, struct netdev *near,
	      struct netdev *far);

/*
 * Delete the pair, by the end that is here. It is ours by the program on its far end, by its alias, or,
 * before it got one, by being the pair of veth devices that instance is recorded to have been creating.
 * Somebody else's device of its name stays. When both ends are elsewhere, they are looked for. 0 or -errno
 * after a message.
 */
int pair_delete(const struct plane *plane, const struct instance *instance);

/* What is known of nothing but the instance's name: all pairs of this namespace that have its alias. 0 or
 * -errno after a message. */
int pair_delete_by_alias(const char *name);

/* What pair_create() has made, and nothing was attached to. */
void pair_undo(const struct instance *instance);

/* The name of the instance that the device is of, by its alias; NULL: none. */
const char *pair_owner(const struct netdev *netdev);

/* Is the device of that name the instance's? */
bool pair_is_ours(const struct instance *instance, const struct netdev *netdev);

#endif
