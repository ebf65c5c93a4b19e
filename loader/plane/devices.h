/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of an instance in the kernel's maps for the data plane (enum xdpsec_device). The kernel empties
 * an element when its device is deleted or leaves the network namespace.
 */
#ifndef XDPSEC_DEVICES_H
#define XDPSEC_DEVICES_H

#include "plane/plane.h"

/* Connect the two maps, once the programs are loaded. Without pins (self-test, benchmark) the inner one is
 * created. 0, or -errno after a message. */
int devices_prepare(struct plane *plane);

/* Set the device to that index, in the caller's namespace. 0, or -errno after a message. */
int devices_set(const struct plane *plane, enum xdpsec_device which, unsigned int index);

/* The index of the device; 0: the kernel has emptied the element, or it was never set. */
unsigned int devices_get(const struct plane *plane, enum xdpsec_device which);

#endif
