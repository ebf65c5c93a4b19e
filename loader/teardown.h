/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking an instance down: whole, half made, or left by a loader that was killed. */
#ifndef XDPSEC_TEARDOWN_H
#define XDPSEC_TEARDOWN_H

#include "plane.h"

/*
 * Detach, release the keys, save what must outlive them, remove the pins; of each what there is. The network
 * namespace must be the instance's, or gone: -EXDEV after a message otherwise, and nothing was done. 0, or
 * -errno after a message; the rest was done as far as it goes.
 */
int teardown(struct plane *plane);

/* The same for what a killed `up` of that name has left, in whatever namespace that was. No leftover is no
 * error. To be called under the lock. */
int teardown_leftover(const char *name);

#endif
