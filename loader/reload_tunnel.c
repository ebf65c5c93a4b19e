// SPDX-License-Identifier: GPL-2.0-or-later
/* What a reload does beside the SAs and prefixes: endpoints, keepalives, routes, and the settings of the
 * device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "message.h"
#include "reload.h"
#include "tunnel.h"
#include "uplink.h"

static void note_route(const struct xdpsec_prefix *prefix, void *data)
{
	struct reload *reload = data;

	reload->routes[reload->n_routes++] = *prefix;
}

/* Indexes of peers are given out anew only when there is no other: the highest one counts. */
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

int reload_prepare_tunnel(struct reload *reload)
{
	__u32 key = 0;
	int err;

	if (reload->plane.mode != MODE_TUNNEL)
		return 0;
	err = plane_read(&reload->plane, MAP_CONFIG, &key, &reload->settings);
	if (err)
		return err;
	tunnel_write_config(&reload->settings, &reload->config, &reload->device);
	reload->settings.peers = count_indexes(reload);
	reload->routes = calloc(XDPSEC_MAX_PREFIXES, sizeof(*reload->routes));
	if (!reload->routes)
		return fail(ENOMEM, "out of memory");
	err = endpoints_check_routes(&reload->config, reload->instance.hop_near_index);
	if (err)
		return err;
	uplink_check(&reload->config, reload->device.index);
	return tunnel_add_routes(&reload->instance, &reload->config, note_route, reload);
}

void reload_undo_tunnel(const struct reload *reload)
{
	for (size_t i = 0; i < reload->n_routes; i++)
		tunnel_delete_route(&reload->instance, &reload->routes[i]);
}

int reload_switch_tunnel(const struct reload *reload)
{
	__u32 key = 0;
	int err;

	if (reload->plane.mode != MODE_TUNNEL)
		return 0;
	err = tunnel_adapt(&reload->instance, &reload->config, reload->settings.mtu);
	return err ?: plane_write(&reload->plane, MAP_CONFIG, &key, &reload->settings);
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
	/* Also where it is as it was: a reload before this one may have been killed in between. */
	return err ?: tunnel_set_keepalive(&reload->instance, change->index, peer->keepalive != 0);
}

int reload_remove_endpoint(const struct reload *reload, __u32 index)
{
	int err;

	if (reload->plane.mode != MODE_TUNNEL)
		return 0;
	err = tunnel_set_keepalive(&reload->instance, index, false);
	return err ?: endpoint_clear(&reload->plane, index);
}
