// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses and routes of a tunnel's device: listing, adding missing ones, and removing ours that are
 * obsolete. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "device/pair.h"
#include "device/tunnel.h"
#include "net/route.h"
#include "plane/self.h"

/* The device's routes, and the table for its own ones. */
struct routes {
	struct device_route *all;
	size_t n;
	unsigned int table;
};

static void cleanup_routes(struct routes *routes)
{
	free(routes->all);
}
#define _cleanup_routes_ __attribute__((cleanup(cleanup_routes)))

/* Find the device's table. A VRF has its own, in which packets from its devices are looked up. */
static int find_table(const struct instance *instance, unsigned int *table)
{
	struct netdev near, master;
	int err = netdev_find_index(instance->near_index, &near);

	*table = RT_TABLE_MAIN;
	if (err || !near.master)
		return err;
	err = netdev_find_index(near.master, &master);
	if (!err && master.vrf_table)
		*table = master.vrf_table;
	return err;
}

static int list_routes(const struct instance *instance, struct routes *routes)
{
	int err = find_table(instance, &routes->table);

	if (!err)
		err = routes_through(instance->near_index, &routes->all, &routes->n);
	if (err)
		return fail(-err, "%s: cannot list its routes: %s", instance->near, strerror(-err));
	return 0;
}

/* The table for a route. A default route has a table of its own, because of the default route of the main
 * table. */
static unsigned int table_for(const struct instance *instance, unsigned int table,
			      const struct xdpsec_prefix *prefix)
{
	return instance->table && table == RT_TABLE_MAIN && prefix_is_default(prefix) ? instance->table
										      : table;
}

/* Sorted, as a thousand prefixes may be searched among as many. */
struct tunnel_routes {
	struct xdpsec_prefix *prefixes;
	size_t n;
};

static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct xdpsec_prefix));
}

struct tunnel_routes *tunnel_read_routes(const struct instance *instance)
{
	_cleanup_routes_ struct routes routes = {};
	struct tunnel_routes *found = calloc(1, sizeof(*found));

	if (!found || list_routes(instance, &routes)) {
		free(found);
		return NULL;
	}
	found->prefixes = calloc(routes.n + 1, sizeof(*found->prefixes));
	for (size_t i = 0; found->prefixes && i < routes.n; i++)
		if (routes.all[i].table == table_for(instance, routes.table, &routes.all[i].prefix))
			found->prefixes[found->n++] = routes.all[i].prefix;
	if (found->n)
		qsort(found->prefixes, found->n, sizeof(*found->prefixes), compare_prefixes);
	return found;
}

bool tunnel_has_route(const struct tunnel_routes *routes, const struct xdpsec_prefix *prefix)
{
	return routes->n && bsearch(prefix, routes->prefixes, routes->n, sizeof(*prefix), compare_prefixes);
}

void tunnel_free_routes(struct tunnel_routes *routes)
{
	free(routes->prefixes);
	free(routes);
}

static bool has_route(const struct routes *routes, const struct xdpsec_prefix *prefix, unsigned int table)
{
	for (size_t i = 0; i < routes->n; i++)
		if (routes->all[i].table == table &&
		    memcmp(prefix, &routes->all[i].prefix, sizeof(*prefix)) == 0)
			return true;
	return false;
}

static int cannot_add(const struct instance *instance, const struct xdpsec_prefix *prefix, const char *what,
		      int err)
{
	char text[64];

	return fail(-err, "%s: cannot add the %s %s: %s", instance->near, what,
		    prefix_text(prefix, text, sizeof(text)), strerror(-err));
}

/* Add routes to connected networks. Setting the device down and up removes IPv6 addresses; flushing its
 * routes removes those to all networks. */
static int add_connected(const struct instance *instance, const struct routes *routes,
			 const struct xdpsec_prefix *address)
{
	struct xdpsec_prefix network = prefix_network(address);
	int err;

	if (address->length == 128 || has_route(routes, &network, routes->table))
		return 0;
	err = route_add_connected(address, instance->near_index, routes->table);
	return err && err != -EEXIST ? cannot_add(instance, &network, "route to", err) : 1;
}

int tunnel_add_addresses(const struct instance *instance, unsigned int *added)
{
	_cleanup_routes_ struct routes routes = {};
	unsigned int n = 0;
	int err = 0;

	if (pair_near_elsewhere(instance))
		return 0;
	for (unsigned int i = 0; !err && i < instance->n_addresses; i++) {
		err = address_add(&instance->addresses[i], instance->near_index);
		if (err && err != -EEXIST)
			return cannot_add(instance, &instance->addresses[i], "address", err);
		n += !err;
		err = 0;
	}
	err = list_routes(instance, &routes);
	for (unsigned int i = 0; err >= 0 && i < instance->n_addresses; i++) {
		err = add_connected(instance, &routes, &instance->addresses[i]);
		n += err > 0;
	}
	if (err >= 0 && added)
		*added = n;
	return err < 0 ? err : 0;
}

static int add_route(const struct instance *instance, const struct xdpsec_prefix *prefix, unsigned int table)
{
	int err = route_add(prefix, instance->near_index, table);
	char text[64];

	if (err == -EEXIST) {
		prefix_text(prefix, text, sizeof(text));
		fail(EEXIST, "%s: AllowedIPs: %s: a route to it through another device exists",
		     instance->name, text);
		hint("`%s%s route show %s` shows it; with Table = off you add the routes yourself", self_ip(),
		     prefix_is_ipv4(prefix) ? "" : " -6", text);
		return err;
	}
	return err ? cannot_add(instance, prefix, "route to", err) : 0;
}

int tunnel_add_routes(const struct instance *instance, const struct config *config,
		      void (*added)(const struct xdpsec_prefix *prefix, void *data), void *data)
{
	_cleanup_routes_ struct routes routes = {};
	const struct peer_config *peer;
	int err;

	if (instance->no_routes || pair_near_elsewhere(instance))
		return 0;
	/* The routes of the addresses; at a reload also earlier ones. */
	err = list_routes(instance, &routes);
	for (peer = config->peers; !err && peer < config->peers + config->n_peers; peer++)
		for (size_t i = 0; !err && i < peer->n_prefixes; i++) {
			unsigned int table = table_for(instance, routes.table, &peer->prefixes[i]);

			if (has_route(&routes, &peer->prefixes[i], table))
				continue;
			err = add_route(instance, &peer->prefixes[i], table);
			if (!err && added)
				added(&peer->prefixes[i], data);
		}
	return err;
}

static int delete_route(const struct instance *instance, const struct xdpsec_prefix *prefix,
			unsigned int table)
{
	int err = route_delete(prefix, instance->near_index, table);
	char text[64];

	if (err)
		return fail(-err, "%s: cannot remove the route to %s: %s", instance->near,
			    prefix_text(prefix, text, sizeof(text)), strerror(-err));
	return 0;
}

int tunnel_delete_route(const struct instance *instance, const struct xdpsec_prefix *prefix)
{
	unsigned int table;
	int err;

	if (instance->no_routes || pair_near_elsewhere(instance))
		return 0;
	err = find_table(instance, &table);
	return err ?: delete_route(instance, prefix, table_for(instance, table, prefix));
}

static bool in_config(const struct config *config, const struct xdpsec_prefix *prefix)
{
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			if (memcmp(&config->peers[i].prefixes[j], prefix, sizeof(*prefix)) == 0)
				return true;
	return false;
}

/* Remove routes of our protocol from the tables that ours may be in. Other tables, and routes of other
 * protocols, belong to others. */
int tunnel_sweep_routes(const struct instance *instance, const struct config *config)
{
	_cleanup_routes_ struct routes routes = {};
	int err;

	if (instance->no_routes || pair_near_elsewhere(instance))
		return 0;
	err = list_routes(instance, &routes);
	for (size_t i = 0; !err && i < routes.n; i++) {
		const struct device_route *route = &routes.all[i];

		if (route->protocol != RTPROT_STATIC ||
		    (route->table != routes.table && route->table != RT_TABLE_MAIN &&
		     (!instance->table || route->table != instance->table)))
			continue;
		if (route->table == table_for(instance, routes.table, &route->prefix) &&
		    in_config(config, &route->prefix))
			continue;
		err = delete_route(instance, &route->prefix, route->table);
	}
	return err;
}
