/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints of a tunnel's peers: map "endpoints", and the routes to them. */
#ifndef XDPSEC_ENDPOINT_H
#define XDPSEC_ENDPOINT_H

#include "config/config.h"
#include "plane/plane.h"

/* Write the configuration's endpoint over whatever is there. 0, or -errno after a message. */
int endpoint_set(const struct plane *plane, __u32 index, const struct config *config,
		 const struct peer_config *peer);
/* Write only differences. A roaming peer keeps its location unless its Endpoint differs from that in
 * before. A peer that does not roam is set to its Endpoint. */
int endpoint_change(const struct plane *plane, __u32 index, const struct peer_record *before,
		    const struct config *config, const struct peer_config *peer);
/* Clear the endpoint of a removed peer. */
int endpoint_clear(const struct plane *plane, __u32 index);

/*
 * The routes to the endpoints must not lead into the tunnel. If a prefix of AllowedIPs contains an endpoint,
 * a more specific route is needed. tunnel is the index of the tunnel device, 0 if it does not exist yet. An
 * endpoint without a route causes only a warning: the route may come later. 0, or -errno after a message.
 */
int endpoints_check_routes(const struct config *config, unsigned int tunnel);

#endif
