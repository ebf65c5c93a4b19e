/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Security associations in the kernel. An SA is a slot: one index into the maps `sas`, `contexts`,
 * `sequences`, `replay_windows`, `ktops` and `sa_counters`. A slot is filled while nothing refers to it, and
 * only then peers[].tx_sa or spis[] point to it; it is erased when nothing has referred to it for a grace
 * period.
 */
#ifndef XDPSEC_SA_H
#define XDPSEC_SA_H

#include <stdbool.h>

#include "key.h"
#include "plane.h"

struct sa_slots {
	bool used[XDPSEC_MAX_SAS];
};

/*
 * Which slots are not free: those in map "slots", and whatever else something refers to: records,
 * peers[].tx_sa, spis[]. 0, or -errno after a message.
 */
int sa_slots_read(const struct plane *plane, struct sa_slots *slots);
/* A free one, marked as used; -ENOSPC after a message. */
int sa_slots_take(struct sa_slots *slots, __u32 *slot);

/*
 * What the slot is about to hold, or holds, in map "slots": before anything is put into it. From then on the
 * slot is not free until sa_erase(), and whoever finds it after a crash knows whose numbers and window it
 * has.
 */
int sa_claim(const struct plane *plane, const struct sa_record *record);

/* Everything of the slot but the context: counters, caches, sequence and window as if never used. */
int sa_reset(const struct plane *plane, __u32 slot, __u32 spi, __u32 peer);

/*
 * Create a context for the key in the slot; what was there is released. driver is "aes", or the name of a
 * driver. whose is for messages ("peer site-b"). bound gets the driver that the kernel chose, in the form
 * "ecb(aes-generic)". -EOPNOTSUPP and others after a message that says what it means.
 */
int sa_install(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
	       const char *whose, char bound[DRIVER_LEN]);
/* The same without messages and retries, for asking what the kernel offers. */
int sa_try_install(const struct plane *plane, __u32 slot, const struct key *key, const char *driver);

/* Compute the tables of sas[slot] from its context. Not in a slot that is in use. */
int sa_derive(const struct plane *plane, __u32 slot);
/* The context of one slot also in another, where it replaces what was there. */
int sa_share(const struct plane *plane, __u32 from, __u32 to);
/* Release the context: whatever still uses the slot drops from now on (no_key). */
int sa_remove(const struct plane *plane, __u32 slot);
/* After a grace period: release the context and wipe what was derived from the key. Then the slot is free. */
int sa_erase(const struct plane *plane, __u32 slot);

/* The range [first, limit) to seal with. */
int sa_set_range(const struct plane *plane, __u32 slot, __u64 first, __u64 limit);
int sa_get_range(const struct plane *plane, __u32 slot, __u64 *next, __u64 *limit);
/* A window that accepts nothing below next. */
int sa_set_window(const struct plane *plane, __u32 slot, __u64 next);
int sa_get_window(const struct plane *plane, __u32 slot, __u64 *next);

#endif
