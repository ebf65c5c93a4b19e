/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policies of the data plane in their two maps: "policies" has all prefixes, "hosts" again those that are one
 * address. "hosts" answers first, and at no moment other than "policies" would, whenever a command is killed.
 */
#ifndef XDPSEC_POLICY_H
#define XDPSEC_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "xdpsec/abi.h"

struct config;
struct plane;

/* Set or replace, and remove, the policy of a prefix. 0, or -errno after a message. */
int policy_write(const struct plane *plane, const struct xdpsec_prefix *prefix,
		 const struct xdpsec_policy *policy);
int policy_remove(const struct plane *plane, const struct xdpsec_prefix *prefix);

/*
 * The policies have changed: what programs have kept of them does not hold any more. 0, or -errno after a message.
 *
 * On a processor that reads out of order a program may have read the new generation and the former policy. Only after
 * kernel_wait_for_programs() there is none that does.
 */
int policy_renew(const struct plane *plane);

/* Is "hosts" faster, where so many of all prefixes are in it? For struct xdpsec_config.hosts. */
bool policy_hosts_pay(size_t hosts, size_t all);
bool policy_prefers_hosts(const struct config *config);

#endif
