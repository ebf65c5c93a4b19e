/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, routes and neighbours by rtnetlink, in the network namespace of the process. Addresses and
 * prefixes are as struct xdpsec_prefix has them: IPv4 is mapped. All return 0 or -errno, without a message.
 */
#ifndef XDPSEC_ROUTE_H
#define XDPSEC_ROUTE_H

#include <stdbool.h>

#include "xdpsec/abi.h"

struct route {
	struct xdpsec_prefix prefix; /* what it is a route to */
	unsigned int device;	     /* index; of several next hops the first; 0: none */
	unsigned int table;
	unsigned char gateway[16];
	bool has_gateway;
	bool is_local;	 /* to an address of this machine */
	bool is_unicast; /* not local, blackhole, unreachable... */
};

/* Of the routes that contain the address, the one that the kernel takes for packets with the mark. */
int route_find(const unsigned char address[16], __u32 mark, struct route *route);

/* A route through a device. */
struct device_route {
	struct xdpsec_prefix prefix;
	unsigned int table;
	unsigned char protocol; /* RTPROT_* */
};

/* -EEXIST where there is one to the same prefix with the same metric in the table. */
int route_add(const struct xdpsec_prefix *prefix, unsigned int device, unsigned int table);
/* Only what route_add() has made; that there is none is no error. */
int route_delete(const struct xdpsec_prefix *prefix, unsigned int device, unsigned int table);
/* The route to the network of the address, as the kernel makes it with the address. */
int route_add_connected(const struct xdpsec_prefix *address, unsigned int device, unsigned int table);

/* All but those to addresses of this machine, of all tables, in *routes, which is to be freed. */
int routes_through(unsigned int device, struct device_route **routes, size_t *n);

/* Of the device; IPv6 addresses can be used at once (there is nobody to detect a duplicate). */
int address_add(const struct xdpsec_prefix *address, unsigned int device);

/*
 * A neighbour that the kernel looks for by ARP every few seconds, for as long as it is there
 * (NTF_EXT_MANAGED): a clock that needs no process. address_be is an IPv4 address.
 */
int neighbour_manage(__be32 address_be, unsigned int device);
int neighbour_delete(__be32 address_be, unsigned int device);
/* Call each for every IPv4 neighbour of the device. */
int neighbours_of(unsigned int device, void (*each)(__be32 address_be, void *data), void *data);

#endif
