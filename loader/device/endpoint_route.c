// SPDX-License-Identifier: GPL-2.0-or-later
/* The routes to the endpoints: they must not lead into the tunnel. */
#include <errno.h>
#include <string.h>
#include <net/if.h>

#include "base/message.h"
#include "device/endpoint.h"
#include "net/netlink.h"
#include "net/route.h"
#include "net/vrf.h"
#include "plane/self.h"

/* The longest prefix of AllowedIPs, of any peer, that contains the address. Default routes do not count:
 * the tunnel's own packets do not use them (rule.h). */
static const struct xdpsec_prefix *longest_prefix_around(const struct config *config,
							 const struct xdpsec_prefix *address)
{
	const struct xdpsec_prefix *found = NULL, *prefix;
	const struct peer_config *peer;

	for (peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (prefix = peer->prefixes; prefix < peer->prefixes + peer->n_prefixes; prefix++)
			if (!prefix_is_default(prefix) && prefix_contains(prefix, address) &&
			    (!found || prefix->length > found->length) &&
			    /* ::/0 and similar prefixes contain mapped addresses as numbers, but not as
			     * IPv4. */
			    prefix_is_ipv4(prefix) == prefix_is_ipv4(address))
				found = prefix;
	return found;
}

/* Suggest a route to the endpoint by its present way, more specific than the prefix. */
static void hint_route(const struct config *config, const struct xdpsec_prefix *address,
		       const struct route *route, unsigned int tunnel)
{
	char text[64], gateway[64], device[IF_NAMESIZE];

	prefix_text(address, text, sizeof(text));
	if (!route || !route->device || route->device == tunnel || !if_indextoname(route->device, device)) {
		hint("%s route add %s via GATEWAY dev %s", self_ip(), text, config->device);
		return;
	}
	if (route->has_gateway)
		hint("%s route add %s via %s dev %s", self_ip(), text,
		     address_text(route->gateway, gateway, sizeof(gateway)), device);
	else
		hint("%s route add %s dev %s", self_ip(), text, device);
}

static int refuse_endpoint(const struct config *config, const struct peer_config *peer,
			   const struct xdpsec_prefix *prefix, const struct route *route, unsigned int tunnel)
{
	struct xdpsec_prefix address = prefix_of(&peer->endpoint);
	char text[64], inside[64];

	fail(ELOOP,
	     "%s:%d: Endpoint: %s: lies in %s of AllowedIPs without a more specific route: the tunnel's own "
	     "packets would go into the tunnel",
	     peer_path(config, peer), peer->endpoint_line, location_text(&peer->endpoint, text, sizeof(text)),
	     prefix_text(prefix, inside, sizeof(inside)));
	hint_route(config, &address, route, tunnel);
	return -ELOOP;
}

/* An MTU of the route that does not count is one that somebody believes in. */
static void check_route_mtu(const struct config *config, const struct peer_config *peer,
			    const struct route *route)
{
	struct xdpsec_prefix address = prefix_of(&peer->endpoint);
	unsigned int overhead = prefix_is_ipv4(&address) ? XDPSEC_TUNNEL_OVERHEAD_IPV4
							 : XDPSEC_TUNNEL_OVERHEAD_IPV6;
	struct netdev device;
	char text[64];

	if (!route->mtu || route->mtu_counts || netdev_find(config->device, &device) ||
	    route->mtu >= device.mtu || route->mtu <= overhead ||
	    (config->tunnel.mtu && config->tunnel.mtu + overhead <= route->mtu))
		return;
	warning("%s:%d: Endpoint: %s: the route to it has MTU %u, which is not locked and does not count",
		peer_path(config, peer), peer->endpoint_line,
		location_text(&peer->endpoint, text, sizeof(text)), route->mtu);
	hint("`mtu lock %u` in that route, or MTU = %u in [Interface]", route->mtu, route->mtu - overhead);
}

static int check_route(const struct config *config, const struct peer_config *peer, unsigned int tunnel,
		       unsigned int vrf)
{
	struct xdpsec_prefix address = prefix_of(&peer->endpoint);
	const struct xdpsec_prefix *prefix = config->tunnel.no_routes
						     ? NULL
						     : longest_prefix_around(config, &address);
	struct route route = {};
	struct netdev device;
	bool found = route_find(peer->endpoint.address, vrf, config->tunnel.mark, &route) == 0;
	char text[64];

	location_text(&peer->endpoint, text, sizeof(text));
	if (found && route.is_local)
		return fail(EINVAL, "%s:%d: Endpoint: %s: is an address of this host",
			    peer_path(config, peer), peer->endpoint_line, text);
	if (prefix &&
	    !(found && route.is_unicast && route.device != tunnel && route.prefix.length > prefix->length))
		return refuse_endpoint(config, peer, prefix, found ? &route : NULL, tunnel);
	if (!found || !route.is_unicast) {
		warning("%s:%d: Endpoint: %s: no route to it: peer %s cannot be reached until there is one",
			peer_path(config, peer), peer->endpoint_line, text, peer_text(peer));
		if (netdev_find(config->device, &device) == 0 && !device.up)
			hint("%s is down: %s link set dev %s up", config->device, self_ip(), config->device);
		else
			hint_route(config, &address, NULL, tunnel);
	} else {
		check_route_mtu(config, peer, &route);
	}
	return 0;
}

int endpoints_check_routes(const struct config *config, unsigned int tunnel)
{
	unsigned int vrf = vrf_of(if_nametoindex(config->device));
	int err = 0;

	for (size_t i = 0; !err && i < config->n_peers; i++)
		if (config->peers[i].endpoint.known)
			err = check_route(config, &config->peers[i], tunnel, vrf);
	return err;
}
