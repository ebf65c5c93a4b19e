/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The complete effect of running a program over one frame: the verdict, every byte of the frame, every
 * counter, and the state of every SA. Whatever is not named must not change.
 */
#ifndef XDPSEC_UNIT_EXPECT_H
#define XDPSEC_UNIT_EXPECT_H

#include "site.h"

enum { NO_DROP = -1 };

/* Byte for byte; says where they differ. */
void expect_same_frame(const struct frame *got, const struct frame *expected);

/* Passed as it is, and nothing counted. */
void expect_untouched(enum program program, const struct frame *frame);
void expect_packet_untouched(enum program program, const struct packet *packet);

/* Passed as another one, and nothing counted. */
void expect_passed_as(enum program program, const struct frame *frame, const struct frame *passed);

/*
 * Dropped for reason and counted once: in drops, and where slot is not SLOT_NONE in that SA's counters. No
 * sequence number is used, no window moves.
 */
void expect_drop(enum program program, const struct frame *frame, enum xdpsec_drop reason, int slot);
void expect_packet_drop(enum program program, const struct packet *packet, enum xdpsec_drop reason, int slot);

/* Sent to another device by the program, as it is, and nothing counted. */
void expect_redirect(enum program program, const struct frame *frame);

/*
 * plain, sealed under the SA in slot with its next sequence number, comes out with that verdict and is
 * exactly what OpenSSL makes of it. One sequence number is used, one packet counted.
 */
void expect_sealed(enum program program, const struct packet *plain, int slot, int verdict);

/* sealed comes out as plain, is counted, and moves the window of slot. */
void expect_opened(const struct packet *sealed, const struct packet *plain, int slot);

/* Seal by OpenSSL with sequence, then expect_opened(). */
void expect_opens(const struct packet *plain, int slot, uint64_t sequence);

/* A program answers a frame with one that it sends back where the frame came from, and counts reason. */
void expect_answer(enum program program, const struct frame *frame, enum xdpsec_drop reason, int slot,
		   struct frame *answer);

/*
 * As expect_answer(), but for 2000 packets at once. Each CPU answers 50 at once and 1000 a second, so fewer
 * than these in that time. All are counted.
 */
void expect_few_answers(enum program program, const struct packet *packet, enum xdpsec_drop reason, int slot);

enum { TALLY_SAS = 12, TALLY_PEERS = 6 };

/* Everything that a run can change besides the frame. */
struct tally {
	uint64_t drops[XDPSEC_DROP_COUNT];
	struct tally_sa {
		uint64_t packets, bytes, last_seen;
		uint64_t drops[XDPSEC_DROP_COUNT];
		struct xdpsec_sequence sequence;
		struct xdpsec_replay window;
		struct xdpsec_sa parameters;
	} sas[TALLY_SAS];
	struct xdpsec_endpoint endpoints[TALLY_PEERS]; /* tunnel mode */
};

void tally_take(struct tally *tally);
/* Changes that a run should make. */
void tally_add_drop(struct tally *tally, enum xdpsec_drop reason, int slot);
/* One packet of so many bytes of plaintext, now. */
void tally_add_packet(struct tally *expected, const struct tally *after, int slot, size_t bytes);
/* The window has moved. The replay test checks the contents of its ring. */
void tally_move_window(struct tally *expected, const struct tally *after, int slot);

void expect_same_tally(const struct tally *got, const struct tally *expected);

#endif
