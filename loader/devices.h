/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of an instance, as the kernel keeps them for the data plane (enum xdpsec_device): an element is
 * emptied by the kernel when its device is deleted or leaves the network namespace.
 */
#ifndef XDPSEC_DEVICES_H
#define XDPSEC_DEVICES_H

#include "plane.h"

/* Connect the two maps, once the programs are loaded. Where the instance has no pins (self-test, benchmark)
 * the inner one is created. 0, or -errno after a message. */
int devices_prepare(struct plane *plane);

/* The device of that index in the caller's namespace. 0, or -errno after a message. */
int devices_set(const struct plane *plane, enum xdpsec_device which, unsigned int index);

/* Its index; 0: the kernel has emptied the element, or it was never filled. */
unsigned int devices_get(const struct plane *plane, enum xdpsec_device which);

#endif
