// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing, moving and reading the elements of map "endpoints". */
#include <errno.h>
#include <string.h>
#include <net/if.h>
#include <bpf/bpf.h>

#include "base/message.h"
#include "device/endpoint.h"
#include "device/uplink.h"
#include "net/vrf.h"

/* The data plane writes the element, too. */
static int write_locked(const struct plane *plane, __u32 index, const struct xdpsec_endpoint *endpoint)
{
	if (bpf_map_update_elem(plane->maps[MAP_ENDPOINTS], &index, endpoint, BPF_F_LOCK))
		return fail(errno, "%s: map %s: cannot write it: %s", plane->name,
			    plane_map_name(MAP_ENDPOINTS), strerror(errno));
	return 0;
}

/* The configured source for packets to this address. */
static struct xdpsec_source source_for(const struct peer_config *peer, const struct xdpsec_location *location)
{
	struct xdpsec_prefix address = prefix_of(location);
	const struct source_config *fixed =
		&peer->sources[prefix_is_ipv4(&address) ? SOURCE_IPV4 : SOURCE_IPV6];
	struct xdpsec_source source = {};

	if (!location->known || !fixed->line)
		return source;
	memcpy(source.address, fixed->address, sizeof(source.address));
	source.local = XDPSEC_LOCAL_FIXED;
	return source;
}

/* Note the current device of the route, for packets sent while no route can be looked up
 * (tc/next_hop.bpf.h). */
static void note_way(struct xdpsec_endpoint *endpoint, const struct config *config)
{
	const struct xdpsec_location *at = &endpoint->at[!!endpoint->current];
	const struct xdpsec_source *from = &endpoint->from[!!endpoint->current];
	unsigned int vrf = vrf_of(if_nametoindex(config->device));
	struct way way;

	if (!at->known ||
	    way_find(at->address, vrf, from->local ? from->address : NULL, config->tunnel.mark, &way) ||
	    !way.device || !way.has_source || way.is_local)
		return;
	endpoint->device = way.device;
	memcpy(endpoint->source, way.source, sizeof(endpoint->source));
}

/* Write the settings that do not depend on the location. */
static void write_settings(struct xdpsec_endpoint *endpoint, const struct peer_config *peer)
{
	endpoint->roams = peer->roams;
	endpoint->port = peer->keeps_port ? peer->endpoint.port : 0;
	endpoint->keepalive = peer->keepalive;
	for (int family = 0; family < SOURCES; family++)
		memcpy(endpoint->sources[family], peer->sources[family].address,
		       sizeof(endpoint->sources[family]));
}

int endpoint_set(const struct plane *plane, __u32 index, const struct config *config,
		 const struct peer_config *peer)
{
	struct xdpsec_endpoint endpoint = { .at[0] = peer->endpoint };

	endpoint.from[0] = source_for(peer, &peer->endpoint);
	write_settings(&endpoint, peer);
	note_way(&endpoint, config);
	return write_locked(plane, index, &endpoint);
}

static bool same_location(const struct xdpsec_location *a, const struct xdpsec_location *b)
{
	return a->known == b->known && a->port == b->port &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Is the wanted source the one in use? A learned source stays unless one is configured. */
static bool same_source(const struct xdpsec_source *wanted, const struct xdpsec_source *is)
{
	if (wanted->local != XDPSEC_LOCAL_FIXED)
		return is->local != XDPSEC_LOCAL_FIXED;
	return is->local == XDPSEC_LOCAL_FIXED && !memcmp(wanted->address, is->address, sizeof(is->address));
}

/*
 * Write the new location completely, then make it the current one. If an authenticated packet moves the peer
 * between our reading and writing, that move is lost, and the next packet repeats it.
 */
int endpoint_change(const struct plane *plane, __u32 index, const struct peer_record *before,
		    const struct config *config, const struct peer_config *peer)
{
	struct xdpsec_endpoint endpoint, wanted;
	const struct xdpsec_location *at;
	struct xdpsec_source source;
	bool moves;
	int err;

	if (bpf_map_lookup_elem_flags(plane->maps[MAP_ENDPOINTS], &index, &endpoint, BPF_F_LOCK))
		return fail(errno, "%s: map %s: cannot read it: %s", plane->name,
			    plane_map_name(MAP_ENDPOINTS), strerror(errno));
	at = peer->roams ? &before->endpoint : &endpoint.at[!!endpoint.current];
	moves = peer->endpoint.known && !same_location(&peer->endpoint, at);
	at = moves ? &peer->endpoint : &endpoint.at[!!endpoint.current];
	source = source_for(peer, at);
	wanted = endpoint;
	write_settings(&wanted, peer);
	if (!moves && same_source(&source, &endpoint.from[!!endpoint.current])) {
		if (memcmp(&wanted, &endpoint, sizeof(wanted)) == 0)
			return 0;
		return write_locked(plane, index, &wanted);
	}
	wanted.at[!wanted.current] = *at;
	wanted.from[!wanted.current] = source;
	if (moves)
		wanted.path_mtu_until = wanted.hopped = 0;
	err = write_locked(plane, index, &wanted);
	if (err)
		return err;
	wanted.current = !wanted.current;
	wanted.checked = 0;
	note_way(&wanted, config);
	return write_locked(plane, index, &wanted);
}

int endpoint_clear(const struct plane *plane, __u32 index)
{
	const struct xdpsec_endpoint none = {};

	return write_locked(plane, index, &none);
}
