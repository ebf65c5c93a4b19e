/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of routing for a tunnel with a default route (AllowedIPs = 0.0.0.0/0 or ::/0), like those of
 * wg-quick:
 *
 *	32764: not from all fwmark MARK lookup main suppress_prefixlength 0
 *	32765: not from all fwmark MARK lookup TABLE
 *
 * Table main is used first, without its default route. All other packets use TABLE, which has the default
 * route into the tunnel. The tunnel's own packets have the mark, and use only main: its default route is not
 * changed, and changes of it take effect.
 */
#ifndef XDPSEC_RULE_H
#define XDPSEC_RULE_H

#include <stdbool.h>

#include "config/config.h"

/* Does the configuration need the rules, for IPv4 or IPv6? */
bool rules_wanted(const struct config *config, bool ipv6);

/* Find a table without routes that no rule uses. 0 or -errno after a message. */
int rules_find_table(unsigned int *table);

/* Make the rules those of the configuration: remove others of ours, add missing ones. The data plane must
 * have its mark before. 0 or -errno after a message. */
int rules_set(const struct config *config, unsigned int table);
/* Delete the rules of IPv4 and IPv6. No rules are no error. */
int rules_delete(unsigned int table);

/* Do the rules exist as they were made? Without a message; false also if that is not known. */
bool rules_are_there(unsigned int table, __u32 mark, bool ipv6);

#endif
