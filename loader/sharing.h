/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several instances on one device: what keeps them from being there together.
 *
 * Each packet is judged by one instance after the other, inline mode first (chain.h), so that no two may want
 * the same one: tunnels have ports of their own, the prefixes of inline mode do not overlap, and none of them
 * protects what a tunnel sends.
 */
#ifndef XDPSEC_SHARING_H
#define XDPSEC_SHARING_H

#include "config.h"
#include "sharers.h"

/* Can the configuration, whose device has that index, be up beside the others? 0, or -errno after a message.
 */
int sharing_check(const struct config *config, const struct sharers *sharers);

/* A number that no other instance on the device has in the names of its devices: 0 for the first, and up to
 * SHARERS_MAX - 1. */
unsigned int sharing_number(const struct instance *instance, const struct sharers *sharers);

#endif
