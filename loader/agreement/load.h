/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initiations when there are too many: the meter that says so, and a bucket for each address. Pure: clocks are
 * arguments (ns, monotonic).
 */
#ifndef XDPSEC_LOAD_H
#define XDPSEC_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "agreement/cookie.h"
#include "agreement/primitive.h"

enum {
	LOAD_INITIATIONS = 400, /* with a right MAC1, in a second */
	LOAD_WAITING = 64,	/* messages that wait in the socket: a full batch */
	BUCKETS = 4096,
	BUCKET_RATE = 20, /* a second, for one IPv4 address or IPv6 /64 */
	BUCKET_BURST = 5,
};

/* When the last 400 Initiations with a right MAC1 came. All zero: none. */
struct load_meter {
	uint64_t times[LOAD_INITIATIONS]; /* a ring; 0: none */
	unsigned int next;
};

/* Count an Initiation with a right MAC1. */
void load_count(struct load_meter *meter, uint64_t now);
/* More than 400 in the last second, or a full batch still waiting? */
bool load_high(const struct load_meter *meter, uint64_t now, unsigned int waiting);

/* A table of fixed size. Addresses may share a bucket; which do is secret, as the key is. */
struct bucket_table {
	struct secret key;	/* random; drawn once */
	uint64_t full[BUCKETS]; /* ns: when the bucket will be full again */
};

/* Take one token from the bucket of this source. false: it is empty, or libcrypto failed; then nothing changed. */
bool bucket_take(struct bucket_table *table, const struct cookie_source *source, uint64_t now);

#endif
