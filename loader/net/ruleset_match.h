/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does one statement of an nftables rule match a UDP packet? */
#ifndef XDPSEC_RULESET_MATCH_H
#define XDPSEC_RULESET_MATCH_H

#include "xdpsec/abi.h"

struct json_object;

struct ruleset_packet {
	unsigned char source[16], destination[16]; /* as struct xdpsec_prefix.address */
	__u16 source_port, port;		   /* host byte order */
	const char *in, *out;			   /* names of devices; NULL: none, at this hook */
	const char *state;			   /* "new", "established", as conntrack has it */
};

enum ruleset_match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

/* Does the packet match a statement {"NAME": value}? Every packet matches a statement that tests nothing, as a counter. */
enum ruleset_match ruleset_match(const char *name, struct json_object *value,
				 const struct ruleset_packet *packet);

/* Has the packet's field that value, or one in that range, set or prefix? */
enum ruleset_match ruleset_match_value(struct json_object *field, struct json_object *value,
				       const struct ruleset_packet *packet);

#endif
