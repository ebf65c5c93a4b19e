// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "endpoint.h"
#include "message.h"

/* The data plane writes it too. */
static int write_locked(const struct plane *plane, __u32 index, const struct xdpsec_endpoint *endpoint)
{
	if (bpf_map_update_elem(plane->maps[MAP_ENDPOINTS], &index, endpoint, BPF_F_LOCK))
		return fail(errno, "%s: map %s: cannot write it: %s", plane->name,
			    plane_map_name(MAP_ENDPOINTS), strerror(errno));
	return 0;
}

int endpoint_set(const struct plane *plane, __u32 index, const struct peer_config *peer)
{
	const struct xdpsec_endpoint endpoint = {
		.at[0] = peer->endpoint,
		.roams = peer->roams,
		.keepalive = peer->keepalive,
	};

	return write_locked(plane, index, &endpoint);
}

/*
 * The new location is complete before it becomes the current one. Where an authenticated packet moves the
 * peer between our reading and writing, that move is lost, and the next packet makes it again.
 */
int endpoint_change(const struct plane *plane, __u32 index, const struct peer_record *before,
		    const struct peer_config *peer)
{
	bool moves = peer->endpoint.known &&
		     (memcmp(&peer->endpoint, &before->endpoint, sizeof(peer->endpoint)) != 0 ||
		      (before->roams && !peer->roams));
	struct xdpsec_endpoint endpoint;
	int err;

	if (!moves && before->roams == peer->roams && before->keepalive == peer->keepalive)
		return 0;
	if (bpf_map_lookup_elem_flags(plane->maps[MAP_ENDPOINTS], &index, &endpoint, BPF_F_LOCK))
		return fail(errno, "%s: map %s: cannot read it: %s", plane->name,
			    plane_map_name(MAP_ENDPOINTS), strerror(errno));
	endpoint.roams = peer->roams;
	endpoint.keepalive = peer->keepalive;
	if (moves) {
		endpoint.at[!endpoint.current] = peer->endpoint;
		endpoint.path_mtu_until = 0;
	}
	err = write_locked(plane, index, &endpoint);
	if (err || !moves)
		return err;
	endpoint.current = !endpoint.current;
	return write_locked(plane, index, &endpoint);
}

int endpoint_clear(const struct plane *plane, __u32 index)
{
	const struct xdpsec_endpoint none = {};

	return write_locked(plane, index, &none);
}
