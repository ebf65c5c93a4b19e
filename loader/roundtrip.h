/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets sealed by the real TC program and opened by the real XDP program. */
#ifndef XDPSEC_ROUNDTRIP_H
#define XDPSEC_ROUNDTRIP_H

#include "plane.h"

/*
 * Load seal and open on the maps of a plane without pins, whose sa.bpf.o is loaded; seal packets of several
 * lengths, see that their payload has changed, open them again, and see that they are what they were, that a
 * flipped bit is refused, and a second time too. 0, or -errno after a message.
 */
int roundtrip_check(struct plane *plane, const char *driver);

#endif
