/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of nftables, as `nft -j list ruleset` prints them, judged for one UDP packet. Rules that cannot be judged here
 * (sets, limits, what iptables-nft has translated) make the answer uncertain, not wrong.
 */
#ifndef XDPSEC_RULESET_H
#define XDPSEC_RULESET_H

#include <stdbool.h>

#include "net/ruleset_match.h"

enum ruleset_answer { RULESET_PASSES, RULESET_DROPS, RULESET_UNCERTAIN };

/* The base chain that drops, or may drop. */
struct ruleset_chain {
	char family[16], table[64], name[64];
	int handle; /* of the rule; 0: its policy */
};

/* NULL: there is no nft, or it fails. Release it with json_object_put(). */
struct json_object *ruleset_read(void);

/* Judge a packet at all base chains of a hook ("input", "output" ...). *chain is set unless it passes. */
enum ruleset_answer ruleset_judge(struct json_object *ruleset, const char *hook,
				  const struct ruleset_packet *packet, struct ruleset_chain *chain);

/* Are there rules of the old iptables, which nft does not show? */
bool ruleset_has_legacy(void);

#endif
