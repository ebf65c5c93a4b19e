/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Advice of `up` and `status` about what could be faster. Nothing is wrong then. */
#ifndef XDPSEC_ADVICE_H
#define XDPSEC_ADVICE_H

#include <stddef.h>

#define ADVICE_MAX 2

struct advice {
	char text[256];
	char hint[256];
};

/* Does some peer leave the choice to the kernel (Driver is not set)? Then say what that costs and what would be better. name
 * is that of the instance. Returns how many there are. */
size_t advice_find(const char *name, struct advice advice[ADVICE_MAX]);

#endif
