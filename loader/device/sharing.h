/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conflicts between several instances on one device.
 *
 * The instances judge each packet one after the other, inline mode first (chain.h), so no two may want the
 * same packet. Tunnels have different ports, prefixes of inline mode do not overlap, and none of them covers
 * packets that a tunnel sends.
 */
#ifndef XDPSEC_SHARING_H
#define XDPSEC_SHARING_H

#include "config/config.h"
#include "plane/sharers.h"

/* Can the configuration be up beside these instances on its device? 0, or -errno after a message. */
int sharing_check(const struct config *config, const struct sharers *sharers);

/* A number that no other instance on the device uses in its device names: 0 for the first, up to
 * SHARERS_MAX - 1. */
unsigned int sharing_number(const struct instance *instance, const struct sharers *sharers);

#endif
