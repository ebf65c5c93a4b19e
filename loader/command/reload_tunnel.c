// SPDX-License-Identifier: GPL-2.0-or-later
/* Reload, except SAs and prefixes: the settings of the data plane, and in tunnel mode endpoints,
 * keepalives, routes, and the settings of the device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "command/reload.h"
#include "config/group.h"
#include "device/endpoint.h"
#include "device/pair.h"
#include "device/route_taken.h"
#include "device/rule.h"
#include "device/tunnel.h"
#include "device/uplink.h"
#include "net/sysctl.h"
#include "plane/policy.h"

static void note_prefix(const struct xdpsec_prefix *prefix, void *data)
{
	struct reload *reload = data;

	reload->routes[reload->n_routes++] = *prefix;
}

/* One more than the highest peer index in use, before or after this reload. */
static __u32 count_indexes(const struct reload *reload)
{
	__u32 count = 0;

	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use)
			count = i + 1;
	for (size_t i = 0; i < reload->config.n_peers; i++)
		if (reload->changes[i].index >= count)
			count = reload->changes[i].index + 1;
	return count;
}

/* Prepare the device for the routes: IPv6 is on, and the MTU is large enough. */
static int adapt(struct reload *reload)
{
	const struct instance *instance = &reload->instance;
	struct netdev near, far;
	int silent = 0, err;

	if (pair_near_elsewhere(instance))
		return 0;
	err = netdev_find_index(instance->near_index, &near);
	if (!err)
		err = netdev_find_index(instance->far_index, &far);
	if (err)
		return fail(-err, "%s: cannot query it: %s", instance->near, strerror(-err));
	sysctl_get("ipv6", instance->near, "disable_ipv6", &silent);
	/* Somebody may have changed the MAC addresses. */
	memcpy(reload->settings.near_mac, near.address, sizeof(near.address));
	memcpy(reload->settings.far_mac, far.address, sizeof(far.address));
	reload->mtu_before = near.mtu;
	reload->silent_before = silent;
	err = tunnel_adapt(instance, &reload->config, reload->settings.mtu);
	if (!err)
		reload_mend_addresses(reload);
	return err;
}

/* The first default route needs a table, which must be recorded for cleaning up. */
static int reload_find_table(struct reload *reload)
{
	unsigned int before = reload->instance.table;
	int err = tunnel_find_table(&reload->config, &reload->instance);

	/* The rules are removed after the mark. */
	if (reload->instance.table && !reload->config.tunnel.mark_given)
		reload->config.tunnel.mark = FULL_TUNNEL_MARK;
	return err || reload->instance.table == before
		       ? err
		       : plane_write_instance(&reload->plane, &reload->instance);
}

int reload_prepare_tunnel(struct reload *reload)
{
	__u32 key = 0;
	int err;

	err = plane_read(&reload->plane, MAP_CONFIG, &key, &reload->settings);
	if (err)
		return err;
	reload->settings.hosts = policy_prefers_hosts(&reload->config);
	if (reload->plane.mode != MODE_TUNNEL) {
		group_write_config(&reload->settings, &reload->config);
		reload->settings.listen_port = reload->config.agreed ? (__u16)reload->config.listen_port : 0;
		return 0;
	}
	err = reload_find_table(reload);
	if (err)
		return err;
	tunnel_write_config(&reload->settings, &reload->config, &reload->device);
	reload->settings.peers = count_indexes(reload);
	reload->routes = calloc(XDPSEC_MAX_PREFIXES, sizeof(*reload->routes));
	if (!reload->routes)
		return fail(ENOMEM, "out of memory");
	err = endpoints_check_routes(&reload->config, reload->instance.near_index);
	if (err)
		return err;
	routes_check_own(&reload->config);
	uplink_check(&reload->config, reload->device.index);
	err = adapt(reload);
	return err ?: tunnel_add_routes(&reload->instance, &reload->config, note_prefix, reload);
}

void reload_undo_tunnel(const struct reload *reload)
{
	const struct instance *instance = &reload->instance;

	for (size_t i = 0; i < reload->n_routes; i++)
		tunnel_delete_route(instance, &reload->routes[i]);
	if (reload->mtu_before)
		netdev_set_mtu(instance->near_index, reload->mtu_before);
	if (reload->silent_before)
		sysctl_silence_ipv6(instance->near);
}

int reload_switch_tunnel(const struct reload *reload)
{
	__u32 key = 0;

	return plane_write(&reload->plane, MAP_CONFIG, &key, &reload->settings);
}

int reload_switch_endpoint(const struct reload *reload, const struct change *change)
{
	const struct peer_config *peer = change->peer;
	int err;

	if (reload->plane.mode != MODE_TUNNEL)
		return 0;
	if (change->is_new)
		err = endpoint_set(&reload->plane, change->index, &reload->config, peer);
	else
		err = endpoint_change(&reload->plane, change->index, &change->before, &reload->config, peer);
	/* Also if nothing changed: an earlier reload may have been killed in between, and setting the
	 * device down removes all of them. */
	return err ?: tunnel_set_keepalive(&reload->instance, change->index, tunnel_has_keepalives(peer));
}

int reload_sweep_routes(const struct reload *reload)
{
	const struct instance *instance = &reload->instance;
	int err;

	if (reload->plane.mode != MODE_TUNNEL)
		return 0;
	err = tunnel_sweep_routes(instance, &reload->config);
	return err || !instance->table ? err : rules_set(&reload->config, instance->table);
}

static bool endpoint_is_blank(const struct xdpsec_endpoint *endpoint)
{
	static const struct xdpsec_endpoint none;

	return memcmp(&endpoint->current, &none.current, sizeof(none) - sizeof(none.lock)) == 0;
}

static int clear_endpoints(const struct reload *reload)
{
	_cleanup_free_ struct xdpsec_endpoint *endpoints = calloc(XDPSEC_MAX_PEERS, sizeof(*endpoints));
	int err;

	if (!endpoints)
		return fail(ENOMEM, "out of memory");
	err = plane_read_all(&reload->plane, MAP_ENDPOINTS, endpoints);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (!reload_change_of(reload, i) && !endpoint_is_blank(&endpoints[i]))
			err = endpoint_clear(&reload->plane, i);
	return err;
}

int reload_sweep_endpoints(const struct reload *reload)
{
	bool ticks[XDPSEC_MAX_PEERS];
	const struct change *change;
	int err;

	if (reload->plane.mode != MODE_TUNNEL)
		return 0;
	err = tunnel_list_keepalives(&reload->instance, ticks);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		change = ticks[i] ? reload_change_of(reload, i) : NULL;
		if (ticks[i] && !(change && tunnel_has_keepalives(change->peer)))
			err = tunnel_set_keepalive(&reload->instance, i, false);
	}
	return err ?: clear_endpoints(reload);
}
