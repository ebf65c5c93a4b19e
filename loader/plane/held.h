/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state in the kernel, read from the maps of the data plane, without the SAs that an agent has installed: those are
 * the agent's alone. The records of peers say what a reload was about to do: after a killed reload they are behind or
 * ahead, and nothing may be derived from them.
 */
#ifndef XDPSEC_HELD_H
#define XDPSEC_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "plane/instance.h"
#include "plane/plane.h"

/* An element of map "spis". */
struct opened {
	__u32 spi, slot;
	__u32 peer; /* the SA's peer */
};

struct held {
	struct sa_record *slots;   /* all of XDPSEC_MAX_SAS; in a free one, slot is XDPSEC_NO_SA */
	struct xdpsec_peer *peers; /* all of XDPSEC_MAX_PEERS: the Tx SAs */
	struct opened *opened;
	size_t n_opened;
};

/* 0, or -errno after a message. To be freed in both cases. */
int held_read(struct held *held, const struct plane *plane);
void held_free(struct held *held);

/* Does the data plane refer to the slot? */
bool held_in_use(const struct held *held, __u32 slot);
/* Does anything refer to the peer? */
bool held_peer(const struct held *held, __u32 peer);
/* The peer's Rx SA with the key of this fingerprint, or any of its Rx SAs if fingerprint is NULL. NULL:
 * none. */
const struct opened *held_receives(const struct held *held, __u32 peer, const char *fingerprint);

/* Do the records differ from the state: is there work for the next reload? */
bool held_differs(const struct held *held, const struct peer_record *records);

#endif
