/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the peers of a tunnel are: map "endpoints", and the routes to them. */
#ifndef XDPSEC_ENDPOINT_H
#define XDPSEC_ENDPOINT_H

#include "config.h"
#include "plane.h"

/* As the configuration has it, whatever was there. 0, or -errno after a message. */
int endpoint_set(const struct plane *plane, __u32 index, const struct config *config,
		 const struct peer_config *peer);
/* What differs from what is there. A peer that may roam stays where it is unless its Endpoint is another one
 * than in before; one that may not is at its Endpoint. */
int endpoint_change(const struct plane *plane, __u32 index, const struct peer_record *before,
		    const struct config *config, const struct peer_config *peer);
/* Of a peer that is no more. */
int endpoint_clear(const struct plane *plane, __u32 index);

/*
 * The routes to the endpoints must lead elsewhere than into the tunnel, which takes one that is more specific
 * than every prefix of AllowedIPs around the endpoint. tunnel is the index of the tunnel device, 0 where
 * there is none yet. An endpoint without a route is only warned of: it may come. 0, or -errno after a
 * message.
 */
int endpoints_check_routes(const struct config *config, unsigned int tunnel);

#endif
