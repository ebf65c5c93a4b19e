/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must survive restarts and crashes: how far the sequence numbers of a key have been given out.
 *
 * One file for each key and direction in the state directory, named FINGERPRINT.tx or FINGERPRINT.rx,
 * written to a temporary name, fsynced and renamed, and the directory fsynced, before a number of the range
 * is used. Losing power at any instant loses numbers, never repeats one.
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

/*
 * Reserve the next range for sealing: *first is the number to start with, *limit the first that may not be
 * used. A key without state is refused with -ENOENT and a message, unless is_new. -ERANGE when
 * XDPSEC_SEQUENCE_LIMIT is reached. peer names the peer for messages.
 */
int state_reserve(const char *dir, const char *fingerprint, bool is_new, const char *peer, __u64 *first,
		  __u64 *limit);

/* After the SA is gone: next is the first number that it has not used. Gives the rest of the range back.
 * Never lowers the file below what another range has reserved since: only where limit is what the file
 * says. */
int state_return(const char *dir, const char *fingerprint, __u64 next, __u64 limit);

/* The highest number that was accepted under a key, plus one (0: none), so that what was received before a
 * restart cannot be replayed after it. Missing state is 0 and no error. */
int state_load_received(const char *dir, const char *fingerprint, __u64 *next);
int state_save_received(const char *dir, const char *fingerprint, __u64 next);

#endif
