/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes that are in the place of those that a tunnel makes. */
#ifndef XDPSEC_ROUTE_TAKEN_H
#define XDPSEC_ROUTE_TAKEN_H

#include "config.h"

/*
 * Has the main table a route for one of AllowedIPs already, with the metric that ours would have? Those of
 * the tunnel's device (0: there is none yet), and of its own networks, are no obstacle; nor is a default
 * route. -EEXIST after a message for each.
 */
int routes_check_taken(const struct config *config, unsigned int tunnel);

#endif
