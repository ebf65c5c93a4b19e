// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes by others to a tunnel's device, addresses and routes, and to the routes to its peers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>

#include "command/report.h"
#include "device/pair.h"
#include "device/tunnel.h"
#include "device/uplink.h"
#include "net/ethtool.h"
#include "net/route.h"
#include "net/vrf.h"
#include "plane/devices.h"

static void note_missing(struct missing *missing, const struct xdpsec_prefix *prefix)
{
	if (!missing->count++)
		missing->first = *prefix;
}

static void read_addresses(struct report *report)
{
	const struct instance *instance = &report->instance;
	unsigned int vrf = vrf_of(report->near.index);

	for (unsigned int i = 0; i < instance->n_addresses; i++)
		if (!address_is_here(instance->addresses[i].address, vrf))
			note_missing(&report->addresses, &instance->addresses[i]);
}

static void read_routes(struct report *report)
{
	struct tunnel_routes *routes = report->instance.no_routes ? NULL
								  : tunnel_read_routes(&report->instance);

	if (!routes)
		return;
	for (size_t i = 0; i < report->n_peers; i++)
		for (size_t j = 0; j < report->peers[i].n_prefixes; j++)
			if (!tunnel_has_route(routes, &report->peers[i].prefixes[j].prefix))
				note_missing(&report->routes, &report->peers[i].prefixes[j].prefix);
	tunnel_free_routes(routes);
}

static void note_rival(const struct wanted_route *wanted, enum rival rival, unsigned int device, void *data)
{
	struct report *report = data;

	if (report->rivals.count++)
		return;
	report->rivals.prefix = *wanted->prefix;
	report->rivals.rival = rival;
	if (!if_indextoname(device, report->rivals.device))
		snprintf(report->rivals.device, sizeof(report->rivals.device), "another");
}

/* Networks of other devices that are among AllowedIPs. A VRF has a table of its own. */
static void read_rivals(struct report *report)
{
	const struct instance *instance = &report->instance;
	struct rival_search search = { .own = instance->addresses,
				       .n_own = instance->n_addresses,
				       .tunnel = report->near.index,
				       .networks_only = true,
				       .found = note_rival,
				       .data = report };
	size_t n = 0;

	if (instance->no_routes || report->near.master)
		return;
	for (size_t i = 0; i < report->n_peers; i++)
		n += report->peers[i].n_prefixes;
	search.wanted = calloc(n ?: 1, sizeof(*search.wanted));
	if (!search.wanted)
		return;
	for (size_t i = 0; i < report->n_peers; i++)
		for (size_t j = 0; j < report->peers[i].n_prefixes; j++)
			search.wanted[search.n++].prefix = &report->peers[i].prefixes[j].prefix;
	routes_find_rivals(&search);
	free(search.wanted);
}

/* Look up the way as the data plane does (tc/next_hop.bpf.h). */
static void read_way(const struct report *report, struct peer_report *peer)
{
	const struct xdpsec_endpoint *endpoint = &peer->endpoint;
	bool fixed = endpoint->from[!!endpoint->current].local == XDPSEC_LOCAL_FIXED;
	struct route route = {};
	struct way way = {};
	int err = way_find(peer->location.address, report->vrf, fixed ? peer->uplink.source : NULL,
			   report->config.mark, &way);

	if (!err && !route_find(peer->location.address, report->vrf, report->config.mark, &route)) {
		peer->route.mtu = route.mtu;
		peer->route.mtu_counts = route.mtu_counts;
	}
	/* A source that is not an address of this host has its own warning. */
	peer->no_way = err != -EINVAL && (err || !way.device);
	peer->loops = !err && way.device == report->near.index;
}

/* Successive peers may have the same answer. */
static void read_ways(struct report *report)
{
	const struct peer_report *last = NULL;

	for (struct peer_report *peer = report->peers; peer < report->peers + report->n_peers; peer++) {
		if (!peer->location.known)
			continue;
		if (last && memcmp(&last->uplink, &peer->uplink, sizeof(last->uplink)) == 0 &&
		    memcmp(last->location.address, peer->location.address, sizeof(last->location.address)) ==
			    0) {
			peer->no_way = last->no_way;
			peer->loops = last->loops;
			peer->route = last->route;
		} else {
			read_way(report, peer);
		}
		last = peer;
	}
}

void report_read_near(struct report *report, const struct plane *plane)
{
	struct pair pair;

	pair_find(plane, &report->instance, &pair);
	report->near = pair.near;
	report->near_elsewhere = pair.near_elsewhere;
	report->far = pair.far;
	report->pair_exists = pair.far.index && (pair.near.index || pair.near_elsewhere) &&
			      devices_get(plane, XDPSEC_DEVICE_FAR);
	report->vrf = vrf_of(report->instance.device_index);
	report->other_vrf = pair.far.index && pair.far.master != report->vrf;
	if (!pair.near.index)
		return;
	/* The name may have been changed. */
	memcpy(report->instance.near, pair.near.name, sizeof(report->instance.near));
	report->offloads = offloads_any(pair.near.name);
	if (pair.far.index)
		pair_read_far(&pair.near, &pair.far, &report->far_state);
	report->deaf = !pair.near.xdp_program && !gro_is_on(pair.near.name);
}

void report_read_tunnel(struct report *report)
{
	/* In another namespace somebody else sets them. */
	if (report->near.index && report->near.up) {
		read_addresses(report);
		read_routes(report);
		read_rivals(report);
	}
	read_ways(report);
}
