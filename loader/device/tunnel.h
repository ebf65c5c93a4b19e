/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel device: a veth pair. Routes point to its near end, which has the tunnel's addresses and its MTU.
 * Packets are encapsulated at its far end, and decapsulated ones are injected there to arrive on the near
 * end.
 */
#ifndef XDPSEC_TUNNEL_H
#define XDPSEC_TUNNEL_H

#include "config/config.h"
#include "net/netlink.h"
#include "plane/instance.h"

/*
 * The least overhead towards any peer, as far as is known; the MTU follows from it. Both ends must accept the
 * same size. A hub with one peer over IPv6, or one whose endpoint is not known yet, still receives large
 * packets from peers over IPv4. A packet that does not fit the path to one peer is answered
 * (tc/encapsulate.bpf.c).
 */
unsigned int tunnel_overhead(const struct config *config);
/* The greatest overhead: the size that fits for every peer is less by it. */
unsigned int tunnel_most_overhead(const struct config *config);
unsigned int tunnel_mtu(const struct config *config, const struct netdev *underlay);
/* Write the fields of tunnel mode, except the MAC addresses of the tunnel device's ends. */
void tunnel_write_config(struct xdpsec_config *data_plane, const struct config *config,
			 const struct netdev *underlay);
/* Does the tunnel carry IPv6? */
bool tunnel_has_ipv6(const struct config *config);

/* Set the near end's name, the addresses and other values of [Interface] in instance. */
void tunnel_describe(struct instance *instance, const struct config *config);
/* Set the far end's name. number distinguishes instances on one device. */
void tunnel_name_far(struct instance *instance, unsigned int number);
/* Choose a table if the configuration has default routes and there is none yet: instance->table. Write it
 * before it is used. 0 or -errno after a message. */
int tunnel_find_table(const struct config *config, struct instance *instance);

/* Check that no device has that name yet. -EEXIST after a message. */
int tunnel_check_name(const struct config *config);
/* Warn if a socket on this machine listens on ListenPort: it will receive nothing. */
void tunnel_check_port(const struct config *config);

/* Create the pair, down, and record the indexes. 0, or -errno after a message; then nothing is left
 * behind. */
int tunnel_create(struct instance *instance, const struct config *config, unsigned int mtu,
		  const __u32 secret[4], struct netdev *near, struct netdev *far);
/* Set the device up: addresses, keepalives, and at last the routes. 0 or -errno after a message. */
int tunnel_start(const struct instance *instance, const struct config *config);

/*
 * Addresses and routes of the device (tunnel_route.c). Routes are in the main table or, if somebody has put
 * the device into a VRF, in the table of the VRF.
 *
 * Add addresses, and routes to their networks, that the device lacks. *added, unless NULL, gets their number.
 */
int tunnel_add_addresses(const struct instance *instance, unsigned int *added);
/* Add routes for the prefixes of the configuration that have none on the device. added(), unless NULL, is
 * called for each. 0 or -errno after a message. */
int tunnel_add_routes(const struct instance *instance, const struct config *config,
		      void (*added)(const struct xdpsec_prefix *prefix, void *data), void *data);
/* The routes of the device, for repeated queries; NULL after a message. The caller frees them. */
struct tunnel_routes;
struct tunnel_routes *tunnel_read_routes(const struct instance *instance);
bool tunnel_has_route(const struct tunnel_routes *routes, const struct xdpsec_prefix *prefix);
void tunnel_free_routes(struct tunnel_routes *routes);

int tunnel_delete_route(const struct instance *instance, const struct xdpsec_prefix *prefix);
/* Remove routes of tunnel_add_routes() for prefixes not in the configuration, or in another table. */
int tunnel_sweep_routes(const struct instance *instance, const struct config *config);

/* Is the far end to be woken for the peer? */
bool tunnel_has_keepalives(const struct peer_config *peer);
/* Have the kernel wake the far end every few seconds for the peer, or stop. 0 or -errno after a message. */
int tunnel_set_keepalive(const struct instance *instance, __u32 index, bool on);
/* Find the peers for which it does. */
int tunnel_list_keepalives(const struct instance *instance, bool found[XDPSEC_MAX_PEERS]);

/* Is forwarding of the far end on? Without it no route lookup from the far end succeeds. Switching
 * forwarding of the whole machine on and off switches it off. */
bool tunnel_forwards(const char *far);
int tunnel_let_forward(const char *far);

/* Check that both ends exist and are those that were made. -ENODEV after a message. */
int tunnel_check_device(const struct instance *instance);

/* Apply a change of the configuration: the MTU, and IPv6 if there was none. */
int tunnel_adapt(const struct instance *instance, const struct config *config, unsigned int mtu);

#endif
