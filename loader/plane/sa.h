/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Security associations in the kernel. An SA is a slot: one index into the maps `sas`, `contexts`,
 * `sequences`, `replay_windows` and `ktops`. Each peer has slots of its own, and counters that outlive an SA. A slot is
 * filled while nothing refers to it; then
 * peers[].tx_sa or spis[] are set to it. It is erased when nothing has referred to it for a grace period.
 */
#ifndef XDPSEC_SA_H
#define XDPSEC_SA_H

#include <stdbool.h>

#include "config/key.h"
#include "plane/plane.h"

struct sa_slots {
	bool used[XDPSEC_MAX_SAS];
};

/*
 * Find the slots in use: those in map "slots", and those that records, peers[].tx_sa or spis[] refer to. 0,
 * or -errno after a message.
 */
int sa_slots_read(const struct plane *plane, struct sa_slots *slots);
/* Take a free slot of the peer, to seal (sends) or to open, and mark it as used. -ENOSPC after a message. */
int sa_slots_take(struct sa_slots *slots, __u32 peer, bool sends, __u32 *slot);
/* Has an agent put an SA into the slot? */
bool sa_is_agreed(const struct plane *plane, __u32 slot);
/* A free slot of no peer that has any, for tests. -ENOSPC after a message. */
int sa_slots_find_spare(const struct sa_slots *slots, __u32 *slot);

/*
 * Write the SA to map "slots" before anything is put into its slot. From then on the slot is in use until
 * sa_erase(). After a crash the record tells whose sequence numbers and window the slot has.
 */
int sa_claim(const struct plane *plane, const struct sa_record *record);

/* Reset the slot except its context: parameters, sequence and window as if never used. */
int sa_reset(const struct plane *plane, __u32 slot, __u32 spi, __u32 peer, enum xdpsec_binding binding);

/* Let an SA that may be in use bind something else from now on. */
int sa_bind(const struct plane *plane, __u32 slot, enum xdpsec_binding binding);

/*
 * Create a context for the key in the slot, and release the previous one. driver is the name of a driver, or "aes": then
 * the module for many blocks at a time (bulk.h) where it is there, and else what the kernel chooses. whose is for messages
 * ("peer site-b"). bound gets what was taken, in the form "ecb(aes-generic)" or "bulk(ecb-aes-aesni)". -EOPNOTSUPP and
 * others after a message with the cause.
 */
int sa_install(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
	       const char *whose, char bound[DRIVER_LEN]);
/* The same without messages, for testing what the kernel supports. bulk: was it the module? */
int sa_try_install(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
		   bool *bulk);
/* One of "aes" without the module, to compare with. Without a message. */
int sa_install_blocks(const struct plane *plane, __u32 slot, const struct key *key);
/* May an error of the kernel's cipher be gone at the next of SA_TRIES tries? */
bool sa_error_passes(int err);
#define SA_TRIES 3

/* Forget what was counted for the peer: the index is given to another one. */
int sa_forget_counters(const struct plane *plane, __u32 peer);

/* Compute the tables of sas[slot] from its context, and give it an id. The slot must not be in use. */
int sa_derive(const struct plane *plane, __u32 slot);
/* Put the context of one slot into another slot as well, and release the previous one there. */
int sa_share(const struct plane *plane, __u32 from, __u32 to);
/* Release the context: packets that still use the slot are dropped from now on (no_key). */
int sa_remove(const struct plane *plane, __u32 slot);
/* After a grace period: release the context and wipe everything derived from the key. Then the slot is
 * free. */
int sa_erase(const struct plane *plane, __u32 slot);

/* Set the range [first, limit) of sequence numbers for sealing. */
int sa_set_range(const struct plane *plane, __u32 slot, __u64 first, __u64 limit);
int sa_get_range(const struct plane *plane, __u32 slot, __u64 *next, __u64 *limit);
/* Set a window that accepts nothing below next. */
int sa_set_window(const struct plane *plane, __u32 slot, __u64 next);
int sa_get_window(const struct plane *plane, __u32 slot, __u64 *next);

#endif
