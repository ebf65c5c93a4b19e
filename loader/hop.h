/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hop device: a veth pair beside the protected device. What has a pending checksum or is a GSO packet is
 * sent into the near end, whose offloads are off, so that the stack finishes it before it comes out of the
 * far end.
 */
#ifndef XDPSEC_HOP_H
#define XDPSEC_HOP_H

#include "instance.h"

/* Name both ends after the protected device's index, so that they can be recorded before they exist. */
void hop_name(struct instance *instance);

/* Create the pair that instance names, and record the indexes. -EEXIST after a message where somebody else
 * has that name. 0 or -errno after a message; nothing is left behind then. */
int hop_create(struct instance *instance);

/*
 * Delete the pair, where it is there and ours: by its alias, or, before it got one, by being the pair of
 * veth devices that instance is recorded to have been creating. Somebody else's device of that name stays.
 * 0 or -errno after a message.
 */
int hop_delete(const struct instance *instance);

#endif
