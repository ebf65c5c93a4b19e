/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel device: a veth pair. Its near end is what routes lead into, with the tunnel's addresses and its
 * MTU; at its far end packets are encapsulated, and into the far end goes what is to arrive on the near one.
 */
#ifndef XDPSEC_TUNNEL_H
#define XDPSEC_TUNNEL_H

#include "config.h"
#include "instance.h"
#include "netlink.h"

/*
 * Where the peers are: the least that it takes to reach one, as far as is known. What one end sends the other
 * must take, and a hub that has a peer over IPv6, or one that is yet to be learned, gets the large packets of
 * those over IPv4 all the same. What does not fit on the way to one peer is answered (tc/encapsulate.bpf.h).
 */
unsigned int tunnel_overhead(const struct config *config);
/* The most: what is to fit for every peer is less by so much. */
unsigned int tunnel_most_overhead(const struct config *config);
unsigned int tunnel_mtu(const struct config *config, const struct netdev *underlay);
/* The fields of tunnel mode, but for the addresses of the tunnel device's ends. */
void tunnel_write_config(struct xdpsec_config *data_plane, const struct config *config,
			 const struct netdev *underlay);
/* Are IPv6 packets to go through it? */
bool tunnel_has_ipv6(const struct config *config);

/* The near end's name, the addresses and what else the instance keeps of [Interface]. */
void tunnel_describe(struct instance *instance, const struct config *config);
/* The far end's name; number tells instances on one device apart. */
void tunnel_name_far(struct instance *instance, unsigned int number);
/* For default routes, where the configuration has some and there is no table yet: instance->table, which is
 * to be written before it is used. 0 or -errno after a message. */
int tunnel_find_table(const struct config *config, struct instance *instance);

/* Nobody has that name yet. -EEXIST after a message. */
int tunnel_check_name(const struct config *config);
/* Somebody on this machine listens on ListenPort, and will get nothing: a warning. */
void tunnel_check_port(const struct config *config);

/* Create the pair, down, and record the indexes. 0 or -errno after a message; nothing is left behind then. */
int tunnel_create(struct instance *instance, const struct config *config, unsigned int mtu,
		  struct netdev *near, struct netdev *far);
/* Set it up: addresses, keepalives, and at last the routes. 0 or -errno after a message. */
int tunnel_start(const struct instance *instance, const struct config *config);

/*
 * Addresses and routes of the device (tunnel_route.c). Routes are in the main table or, where somebody has
 * put the device into a VRF, in that of the VRF.
 *
 * Those addresses, and the routes to their networks, that the device does not have; *added, where that is not
 * NULL, gets their number.
 */
int tunnel_add_addresses(const struct instance *instance, unsigned int *added);
/* Routes for those prefixes of the configuration that the device has none for. Each that was added is passed
 * to added(), where that is not NULL. 0 or -errno after a message. */
int tunnel_add_routes(const struct instance *instance, const struct config *config,
		      void (*added)(const struct xdpsec_prefix *prefix, void *data), void *data);
/* What the device has routes to, for who asks for many; NULL after a message. To be freed. */
struct tunnel_routes;
struct tunnel_routes *tunnel_read_routes(const struct instance *instance);
bool tunnel_has_route(const struct tunnel_routes *routes, const struct xdpsec_prefix *prefix);
void tunnel_free_routes(struct tunnel_routes *routes);

int tunnel_delete_route(const struct instance *instance, const struct xdpsec_prefix *prefix);
/* Remove the routes of tunnel_add_routes() that are for no prefix of the configuration, or in another table.
 */
int tunnel_sweep_routes(const struct instance *instance, const struct config *config);

/* Have the kernel wake the far end every few seconds for the peer, or no longer. 0 or -errno after a message.
 */
int tunnel_set_keepalive(const struct instance *instance, __u32 index, bool on);
/* For which peers it does. */
int tunnel_list_keepalives(const struct instance *instance, bool found[XDPSEC_MAX_PEERS]);

/* Without forwarding no route is found for what comes from the far end. Switching forwarding of the whole
 * machine on and off again takes it away. */
bool tunnel_forwards(const char *far);
int tunnel_let_forward(const char *far);

/* Both ends are there, and those that were made. -ENODEV after a message. */
int tunnel_check_device(const struct instance *instance);

/* After a change of the configuration: the MTU, and IPv6 where there was none. */
int tunnel_adapt(const struct instance *instance, const struct config *config, unsigned int mtu);

#endif
