/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 7253's test vectors, run through the sealing and opening code of the real programs. */
#ifndef XDPSEC_VECTORS_H
#define XDPSEC_VECTORS_H

#include "plane/plane.h"

/* The number of vectors. */
extern const unsigned int vectors_count;

/*
 * Seal and open every vector with the plane's maps, and check that a flipped bit is refused. slot is a free
 * SA slot, and is erased at the end. driver is "aes" or the name of a driver. The module for many blocks at a time is
 * compared with the kernel's own type as well, as the vectors are too short for it. bound is as of sa_install(). 0, or
 * -errno after a message; -EBADMSG if a result is wrong.
 */
int vectors_check(struct plane *plane, __u32 slot, const char *driver, char bound[DRIVER_LEN]);

#endif
