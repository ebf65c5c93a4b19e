/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must survive restarts and crashes: how far the sequence numbers of a key have been given out, and that
 * a key is for one direction only.
 *
 * One file for each key and direction in the state directory, named FINGERPRINT.tx or FINGERPRINT.rx,
 * written to a temporary name, fsynced and renamed, and the directory fsynced, before a number of the range
 * is used, or one is received. Losing power at any instant loses numbers, never repeats one.
 */
#ifndef XDPSEC_STATE_H
#define XDPSEC_STATE_H

#include <stdbool.h>
#include <linux/types.h>

#include "key.h"

#define STATE_DIR "/var/lib/xdpsec"

/* Numbers reserved at a time. At ten million packets a second they last 325 days; a reboot without `down`
 * loses one range of 65536. */
#define STATE_RANGE (1ULL << 48)

enum state_use {
	STATE_TX,
	STATE_RX,
};

/* What the user says of keys, and nothing here can tell. */
struct state_claims {
	bool new_key; /* without state, a key has never been used */
	bool moved;   /* a state file that is a copy is the latest, and the only one in use */
};

/*
 * What the next two would refuse, without changing anything: -ENOENT a key to seal with without state that is
 * not claimed to be new, -EKEYREJECTED one that was used in the other direction, -ESTALE state that is a
 * copy, -EBADMSG, -ERANGE when XDPSEC_SEQUENCE_LIMIT is reached. 0, or -errno after a message, for which peer
 * is the peer's name.
 */
int state_check(const char *dir, const char *fingerprint, enum state_use use,
		const struct state_claims *claims, const char *peer);

/* Reserve the next range for sealing: *first is the number to start with, *limit the first that may not be
 * used. */
int state_reserve(const char *dir, const char *fingerprint, const struct state_claims *claims,
		  const char *peer, __u64 *first, __u64 *limit);

/* After the SA is gone: next is the first number that it has not used. Gives the rest of the range back.
 * Never lowers the file below what another range has reserved since: only where limit is what the file
 * says. */
int state_return(const char *dir, const char *fingerprint, __u64 next, __u64 limit);

/* The highest number that was accepted under a key, plus one (0: none), so that what was received before a
 * restart cannot be replayed after it. From here on the key is known as one to receive with. */
int state_receive(const char *dir, const char *fingerprint, const struct state_claims *claims,
		  const char *peer, __u64 *next);
int state_save_received(const char *dir, const char *fingerprint, __u64 next);

#endif
