/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By which way the packets of a tunnel leave: the kernel is asked as the data plane asks it. */
#ifndef XDPSEC_UPLINK_H
#define XDPSEC_UPLINK_H

#include <stdbool.h>

#include "config.h"

struct way {
	unsigned int device; /* index; 0: there is none */
	unsigned char source[16];
	bool has_source;
	bool is_local; /* the address is one of this machine */
};

/* To an address, from another one (NULL: which the kernel chooses), with a mark. 0 or -errno, without a
 * message; -EINVAL where the source is none of this machine, of IPv4. */
int way_find(const unsigned char address[16], const unsigned char *source, __u32 mark, struct way *way);

/* Is it an address of this machine? */
bool address_is_here(const unsigned char address[16]);

/* Do packets that come by the device belong to what leaves by the other: itself, a bridge or bond that it is
 * a part of, or a VLAN on top of these? */
bool device_carries(unsigned int device, unsigned int other);

/* The bridge or bond that the device is a part of; 0: none. */
unsigned int device_upper(unsigned int device);

/* Warn of endpoints that are routed by another device than the underlay's, and of a Source that is not here.
 */
void uplink_check(const struct config *config, unsigned int device);

#endif
