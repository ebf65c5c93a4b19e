/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel holds, read from the maps of the data plane. The records of peers say what a reload was
 * about to do: after one that was killed they are behind or ahead, and nothing may be derived from them.
 */
#ifndef XDPSEC_HELD_H
#define XDPSEC_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "instance.h"
#include "plane.h"

/* An element of map "spis". */
struct opened {
	__u32 spi, slot;
	__u32 peer; /* that the SA is of */
};

struct held {
	struct sa_record *slots;   /* all of XDPSEC_MAX_SAS; of a free one, slot is XDPSEC_NO_SA */
	struct xdpsec_peer *peers; /* all of XDPSEC_MAX_PEERS: what seals */
	struct opened *opened;
	size_t n_opened;
};

/* 0, or -errno after a message. To be freed in both cases. */
int held_read(struct held *held, const struct plane *plane);
void held_free(struct held *held);

/* Does anything that packets pass refer to the slot? */
bool held_in_use(const struct held *held, __u32 slot);
/* Does anything refer to the peer? */
bool held_peer(const struct held *held, __u32 peer);
/* The SA with the key of this fingerprint that the peer's packets are opened with, or with fingerprint NULL
 * any that they are; NULL: none. */
const struct opened *held_receives(const struct held *held, __u32 peer, const char *fingerprint);

/* Do the records say something else: is there work for the next reload? */
bool held_differs(const struct held *held, const struct peer_record *records);

#endif
