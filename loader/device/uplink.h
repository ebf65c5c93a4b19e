/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way by which packets of a tunnel leave. It is looked up as the data plane does it. */
#ifndef XDPSEC_UPLINK_H
#define XDPSEC_UPLINK_H

#include <stdbool.h>

#include "config/config.h"

struct way {
	unsigned int device; /* index; 0: there is none */
	unsigned char source[16];
	bool has_source;
	bool is_local; /* the address is one of this machine */
};

/* Find the way to an address in a VRF (0: in none), from a source (NULL: the kernel chooses) and with a mark. 0 or -errno,
 * without a message; -EINVAL if an IPv4 source is not an address of this machine. */
int way_find(const unsigned char address[16], unsigned int vrf, const unsigned char *source, __u32 mark,
	     struct way *way);

/* Is it an address of this machine, in that VRF? */
bool address_is_here(const unsigned char address[16], unsigned int vrf);

/* Can packets that arrive on the device belong to a tunnel that leaves by the other? It is the device
 * itself, its bridge or bond, or a VLAN on top of these. */
bool device_carries(unsigned int device, unsigned int other);

/* The bridge or bond that the device is a part of; 0: none. */
unsigned int device_upper(unsigned int device);

/* Warn of endpoints routed by another device than the underlay's, and of a Source that is not an address
 * of this host. */
void uplink_check(const struct config *config, unsigned int device);

#endif
