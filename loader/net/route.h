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
	struct xdpsec_prefix prefix; /* destination */
	unsigned int device;	     /* index; the first of several next hops; 0: none */
	unsigned int table;
	unsigned char gateway[16];
	bool has_gateway;
	bool is_local;	 /* to an address of this machine */
	bool is_unicast; /* not local, blackhole, unreachable... */
	__u32 mtu;	 /* that was set for the route; 0: none */
	bool mtu_counts; /* for packets that are forwarded, and so for ours */
};

/* The route that the kernel uses for packets to the address with this mark, in a VRF (0: in none). */
int route_find(const unsigned char address[16], unsigned int vrf, __u32 mark, struct route *route);

/* A route through a device. */
struct device_route {
	struct xdpsec_prefix prefix;
	unsigned int table;
	unsigned char protocol; /* RTPROT_* */
};

/* -EEXIST if the table has a route to the same prefix with the same metric. */
int route_add(const struct xdpsec_prefix *prefix, unsigned int device, unsigned int table);
/* Deletes only a route made by route_add(). No such route is no error. */
int route_delete(const struct xdpsec_prefix *prefix, unsigned int device, unsigned int table);
/* The route to the address's network, as the kernel makes it with the address. */
int route_add_connected(const struct xdpsec_prefix *address, unsigned int device, unsigned int table);

/* List all routes through the device, of all tables, except those to local addresses, in *routes, which
 * the caller frees. */
int routes_through(unsigned int device, struct device_route **routes, size_t *n);

/* Add an address to the device. IPv6 addresses can be used at once (duplicates cannot occur). */
int address_add(const struct xdpsec_prefix *address, unsigned int device);

/*
 * A neighbour that the kernel probes by ARP every few seconds as long as it exists (NTF_EXT_MANAGED): a timer
 * without a process. address_be is an IPv4 address.
 */
int neighbour_manage(__be32 address_be, unsigned int device);
int neighbour_delete(__be32 address_be, unsigned int device);
/* Call each for every IPv4 neighbour of the device. */
int neighbours_of(unsigned int device, void (*each)(__be32 address_be, void *data), void *data);

#endif
