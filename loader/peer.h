/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A peer of the configuration in the kernel: its two SAs, and the flows that are protected. */
#ifndef XDPSEC_PEER_H
#define XDPSEC_PEER_H

#include <stdbool.h>

#include "config.h"
#include "sa.h"
#include "state.h"

/* What creating an SA needs to know. */
struct peer_context {
	const struct plane *plane;
	const struct config *config;
	const char *state_dir;
	struct sa_slots slots;
	struct state_claims claims;
};

/*
 * Create one SA of a peer in a free slot, which nothing refers to yet: reserve numbers (tx) or load what was
 * received (rx), install the context, derive the tables. same is an SA with the same key and driver, whose
 * context is then shared, or NULL. What the SA is goes to *record. 0, or -errno after a message; the slot is
 * then empty.
 */
int peer_create_tx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		   const struct sa_record *same, struct sa_record *record);
int peer_create_rx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		   struct sa_record *record);

/*
 * In a free slot nothing but a context of the key to seal (sends) or to open with, for another slot to share:
 * no numbers are reserved. record gets slot, fingerprint and driver. 0, or -errno after a message; the slot
 * is then empty.
 */
int peer_create_context(struct peer_context *context, const struct peer_config *peer, bool sends,
			struct sa_record *record);

/* Point the data plane to the SAs: peers[index] for sealing, spis[spi] for opening. */
int peer_use_tx(const struct plane *plane, __u32 index, __u32 slot);
int peer_use_rx(const struct plane *plane, __u32 spi, __u32 slot);
int peer_forget_rx(const struct plane *plane, __u32 spi);

/* Protect the peer's prefixes. */
int peer_add_policies(const struct plane *plane, const struct peer_config *peer, __u32 index);

/* What the configuration says of the peer, into its record. */
void peer_describe(struct peer_record *record, const struct peer_config *peer);

/* What is kept on disk of an SA that no longer seals or opens: the rest of its range, the highest number
 * received. Warns where that fails: numbers are lost then, none is repeated; -errno says that what was
 * received could be received again. An SA has one of the two, and for the other nothing is to be done. */
void peer_save_tx(const struct plane *plane, const char *state_dir, const struct sa_record *record);
int peer_save_rx(const struct plane *plane, const char *state_dir, const struct sa_record *record);
/* The same of every slot that is not free, whatever refers to it. */
void peer_save(const struct plane *plane, const char *state_dir);

#endif
