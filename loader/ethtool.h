/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offloads of a network device, as `ethtool -k` and `ethtool -K` have them. */
#ifndef XDPSEC_ETHTOOL_H
#define XDPSEC_ETHTOOL_H

#include <stdbool.h>

/*
 * Switch off everything that lets a device take packets that are not finished: checksum offload, scatter and
 * gather, every kind of segmentation. The stack then hands it only linear packets of MTU size with complete
 * checksums. Read back, because the kernel switches off what it can and calls that success.
 * 0, or -errno after a message.
 */
int offloads_off(const char *device);
/* Is any of these on? */
bool offloads_any(const char *device);

/* Generic receive offload: packets of one flow go up the stack as a large one. Read back. 0, or -errno after
 * a message. */
int gro_on(const char *device);
bool gro_is_on(const char *device);

#endif
