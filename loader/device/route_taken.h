/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of others that conflict with those that a tunnel adds. */
#ifndef XDPSEC_ROUTE_TAKEN_H
#define XDPSEC_ROUTE_TAKEN_H

#include "config/config.h"

/* A prefix of AllowedIPs, and where it is in the configuration. */
struct wanted_route {
	const struct xdpsec_prefix *prefix;
	const char *path;
	int line;
};

/* A route to the same prefix, through another device. */
enum rival {
	RIVAL_EQUAL,  /* of the same metric */
	RIVAL_AHEAD,  /* of a lower one: it is used, and ours is not */
	RIVAL_BEHIND, /* to a network of that device, and ours is used: its hosts cannot be reached */
};

typedef void rival_found(const struct wanted_route *wanted, enum rival rival, unsigned int device,
			 void *data);

struct rival_search {
	struct wanted_route *wanted; /* they get sorted */
	size_t n;
	const struct xdpsec_prefix *own; /* addresses of the tunnel: routes to their networks are no rivals */
	size_t n_own;
	unsigned int tunnel; /* its device, whose routes are none; 0: it does not exist yet */
	bool networks_only; /* of other devices: the kernel then leaves out all others, of which there may be a million */
	rival_found *found;
	void *data;
};

/* Call found for each route of the main table that is a rival of one of those wanted. A default route is none. -errno
 * without a message. */
int routes_find_rivals(struct rival_search *search);

/*
 * Does the main table already have a route for one of AllowedIPs, with the metric that ours would have?
 * -EEXIST after a message for each. Other rivals get a warning.
 */
int routes_check_taken(const struct config *config, unsigned int tunnel);

/* Warn of each of AllowedIPs that is one of the tunnel's own addresses: nothing is ever sent to it, or taken from it. */
void routes_check_own(const struct config *config);

#endif
