/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flowtables of nftables, in the network namespace of the process. */
#ifndef XDPSEC_FLOWTABLE_H
#define XDPSEC_FLOWTABLE_H

#include <stddef.h>

/*
 * Is there a flowtable that has all of these devices? *missing gets the first one that is in no flowtable beside the
 * first device, NULL if there is one with all. 0, or -errno without a message, if the kernel does not say (an ordinary
 * user, no nftables).
 */
int flowtable_find(const char *const *devices, size_t n, const char **missing);

#endif
