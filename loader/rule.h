/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of routing for a tunnel that takes everything (AllowedIPs = 0.0.0.0/0 or ::/0), as wg-quick makes
 * them:
 *
 *	32764: not from all fwmark MARK lookup main suppress_prefixlength 0
 *	32765: not from all fwmark MARK lookup TABLE
 *
 * What main has a route for goes by that, unless it is a default route; the rest goes by TABLE, which has the
 * default route into the tunnel. The tunnel's own packets have the mark, and go by main alone: its default
 * route stays as it is, and is followed when it changes.
 */
#ifndef XDPSEC_RULE_H
#define XDPSEC_RULE_H

#include <stdbool.h>

#include "config.h"

/* Does the configuration have the rules made, for IPv4 or IPv6? */
bool rules_wanted(const struct config *config, bool ipv6);

/* A table without routes, that no rule names. 0 or -errno after a message. */
int rules_find_table(unsigned int *table);

/* Have exactly those rules that the configuration wants: others of ours are removed, those missing added. The
 * data plane has its mark before. 0 or -errno after a message. */
int rules_set(const struct config *config, unsigned int table);
/* Of both families. That there are none is no error. */
int rules_delete(unsigned int table);

/* Are they there, as they were made? Without a message; false also where it cannot be told. */
bool rules_are_there(unsigned int table, __u32 mark, bool ipv6);

#endif
