/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of devices of an instance: the hop device of inline mode, or the tunnel device. Packets enter the near
 * end, whose offloads are off, so that a program gets them segmented and with complete checksums: at TC ingress of
 * the far end of a veth; where the near end sends, if it is a netkit.
 */
#ifndef XDPSEC_PAIR_H
#define XDPSEC_PAIR_H

#include "net/netlink.h"
#include "plane/instance.h"
#include "plane/plane.h"

/*
 * Create the pair named in instance and find both ends: both down and with an alias that names the owner, the
 * near one without offloads. what is "hop" or "tunnel", for messages; netkit: of that kind, if the kernel has
 * it, else veth. -EEXIST after a message if another
 * device has one of the names. 0, or -errno after a message; then nothing is left behind.
 */
int pair_create(const struct instance *instance, const char *what, unsigned int near_mtu, unsigned int queues,
		bool netkit, struct netdev *near, struct netdev *far);

/* The end to which the program is attached that gets the packets: the far one of a veth, the near one of a netkit. */
const struct netdev *pair_program_end(const struct netdev *near, const struct netdev *far);

/* The ends of the pair that are in this namespace, whatever their names are now. */
struct pair {
	struct netdev near, far; /* index 0: not here */
	bool near_elsewhere;	 /* in another namespace, as a tunnel's device may be for a container */
};

/* The same test for the recorded pair. Then addresses, routes, MTU and offloads of the device are set by
 * somebody else. */
bool pair_near_elsewhere(const struct instance *instance);

void pair_find(const struct plane *plane, const struct instance *instance, struct pair *pair);

#define FAR_MTU 65535 /* no packet is too long for it: the near end's MTU limits them */

/* Changes to the far end that stop packets, if both ends are in this namespace. */
struct pair_far {
	bool merges; /* GRO is on: the packets that the near end has segmented are joined again */
	bool takes_no; /* XDP cannot redirect to it, as it has fewer receive queues than the near end sends on */
};

void pair_read_far(const struct netdev *near, const struct netdev *far, struct pair_far *state);

/* Restore both ends as pair_create() made them, and set them up, with a warning for each change. near_mtu
 * is 0 if somebody else sets it. 0, or -errno after a message: -ENODEV if one end is gone. */
int pair_mend(const struct instance *instance, const char *what, unsigned int near_mtu, struct netdev *near,
	      struct netdev *far);

/*
 * Delete the pair, by the end that is here. It is ours if our program is on it, or by its alias, or,
 * before it got one, if it is the pair of devices that instance records as being created. Another device
 * with its name stays. If both ends are elsewhere, they are searched for. 0 or -errno after a message.
 */
int pair_delete(const struct plane *plane, const struct instance *instance);

/* Delete by the name of the instance alone: all pairs of this namespace with its alias. 0 or -errno after
 * a message. */
int pair_delete_by_alias(const char *name);

/* Delete the pair that pair_create() has made, before anything was attached to it. */
void pair_undo(const struct instance *instance);

/* The name of the instance that owns the device, from its alias; NULL: none. */
const char *pair_owner(const struct netdev *netdev);

/* Does the device belong to the instance? */
bool pair_is_ours(const struct instance *instance, const struct netdev *netdev);

#endif
