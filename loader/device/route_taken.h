/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of others that conflict with those that a tunnel adds. */
#ifndef XDPSEC_ROUTE_TAKEN_H
#define XDPSEC_ROUTE_TAKEN_H

#include "config/config.h"

/*
 * Does the main table already have a route for one of AllowedIPs, with the metric that ours would have?
 * Routes of the tunnel's device (0: it does not exist yet) and to its own networks do not conflict, nor does
 * a default route. -EEXIST after a message for each.
 */
int routes_check_taken(const struct config *config, unsigned int tunnel);

#endif
