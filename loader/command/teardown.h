/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking an instance down: whole, half made, or left by a loader that was killed. */
#ifndef XDPSEC_TEARDOWN_H
#define XDPSEC_TEARDOWN_H

#include "plane/plane.h"

/*
 * Detach, release the keys, save the state of SAs, remove the pins, as far as they exist. The network
 * namespace must be the instance's, or be gone: otherwise -EXDEV after a message, and nothing was done. 0, or
 * -errno after a message; everything that could be done was done.
 */
int teardown(struct plane *plane);

/* The same for the rest of a killed `up` of that name, in whatever namespace. No leftover is no error.
 * Call it under the lock. */
int teardown_leftover(const char *name);

#endif
