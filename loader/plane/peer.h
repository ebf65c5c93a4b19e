/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A peer of the configuration in the kernel: its SAs, and the flows that are protected. */
#ifndef XDPSEC_PEER_H
#define XDPSEC_PEER_H

#include <stdbool.h>

#include "config/config.h"
#include "plane/sa.h"
#include "plane/state.h"

/* The parameters for creating an SA. */
struct peer_context {
	const struct plane *plane;
	const struct config *config;
	const char *state_dir;
	struct sa_slots slots;
	struct state_claims claims;
};

/*
 * Create one SA of a peer in a free slot that nothing refers to yet: reserve numbers (tx) or load the highest
 * received number (rx), install the context, derive the tables. same is an SA with the same key and driver,
 * whose context is then shared, or NULL. *record gets the SA. 0, or -errno after a message; then the slot is
 * empty.
 */
int peer_create_tx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		   const struct sa_record *same, struct sa_record *record);
int peer_create_rx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		   const struct sa_config *sa, struct sa_record *record);

/*
 * Install only a context of one of the peer's keys in a free slot, for another slot to share. No
 * numbers are reserved. record gets slot, fingerprint and driver. 0, or -errno after a message; then the slot
 * is empty.
 */
int peer_create_context(struct peer_context *context, const struct peer_config *peer, __u32 index,
			const struct sa_config *sa, struct sa_record *record);

/* Point the data plane to the SAs: peers[index] for sealing, spis[spi] for opening. */
int peer_use_tx(const struct plane *plane, __u32 index, __u32 slot);
int peer_use_rx(const struct plane *plane, __u32 spi, __u32 slot);
int peer_forget_rx(const struct plane *plane, __u32 spi);

/* Protect the peer's prefixes. */
int peer_add_policies(const struct plane *plane, const struct peer_config *peer, __u32 index);

/* Does the peer agree on its keys? */
bool peer_is_agreed(const struct peer_record *record);

/* The number by which `agreed` and the agent know the peer's key; 0: it has manual keys. 0, or -errno after a message. */
int peer_key_hash(const struct peer_config *peer, __u64 *key_hash);

/* The peer's Rx SA in that slot; NULL: none. */
const struct sa_record *peer_record_opens(const struct peer_record *record, __u32 slot);

/* Fill the peer's record from the configuration. */
void peer_describe(struct peer_record *record, const struct peer_config *peer);

/*
 * Save an SA that no longer seals or opens to disk: the rest of its range (tx), the highest received number
 * (rx). On failure there is a warning: numbers are lost then, none is repeated. -errno means that received
 * packets could be accepted again. An SA has one of the two; the other call does nothing.
 */
void peer_save_tx(const struct plane *plane, const char *state_dir, const struct sa_record *record);
int peer_save_rx(const struct plane *plane, const char *state_dir, const struct sa_record *record);
/* Save every slot that is not free, whatever refers to it. */
void peer_save(const struct plane *plane, const char *state_dir);

#endif
