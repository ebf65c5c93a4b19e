/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State that must survive restarts and crashes: which sequence numbers of a key are used, and that a key is
 * for one direction only.
 *
 * There is one file for each key and direction in the state directory, named FINGERPRINT.tx or
 * FINGERPRINT.rx. It is written under a temporary name, fsynced and renamed, and the directory is fsynced,
 * before a number of the range is used, or one is received. A power failure at any moment loses numbers, and
 * never repeats one.
 */
#ifndef XDPSEC_STATE_H
#define XDPSEC_STATE_H

#include <stdbool.h>
#include <linux/types.h>

#include "config/key.h"

#define STATE_DIR "/var/lib/xdpsec"

/* Numbers reserved at a time. At ten million packets a second they last 325 days. A reboot without `down`
 * loses one of the 65536 ranges. */
#define STATE_RANGE (1ULL << 48)

enum state_use {
	STATE_TX,
	STATE_RX,
};

/* Statements of the user about keys that cannot be checked here. */
struct state_claims {
	bool new_key; /* a key without state has never been used */
	bool moved;   /* a state file that is a copy is the latest, and the only one in use */
};

/*
 * Would the next two functions refuse? Nothing is changed. -ENOENT: a Tx key without state that is not
 * claimed to be new; -EKEYREJECTED: a key that was used in the other direction; -ESTALE: the state is a copy;
 * -EBADMSG; -ERANGE: XDPSEC_SEQUENCE_LIMIT is reached. 0, or -errno after a message, in which peer is the
 * peer's name.
 */
int state_check(const char *dir, const char *fingerprint, enum state_use use,
		const struct state_claims *claims, const char *peer);

/* Reserve the next range for sealing: [*first, *limit). */
int state_reserve(const char *dir, const char *fingerprint, const struct state_claims *claims,
		  const char *peer, __u64 *first, __u64 *limit);

/* Give back the rest of the range after the SA is gone; next is the first unused number. The file is
 * changed only if it still says limit, so that a range reserved since is never lowered. */
int state_return(const char *dir, const char *fingerprint, __u64 next, __u64 limit);

/* The highest number accepted under a key, plus one (0: none). So packets received before a restart cannot
 * be replayed after it. From now on the key is recorded as an Rx key. */
int state_receive(const char *dir, const char *fingerprint, const struct state_claims *claims,
		  const char *peer, __u64 *next);
int state_save_received(const char *dir, const char *fingerprint, __u64 next);

#endif
