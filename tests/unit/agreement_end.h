/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end of the key agreement with real cryptography: agreement.h over the test's data plane, and a box of what it sends. */
#ifndef XDPSEC_AGREEMENT_END_H
#define XDPSEC_AGREEMENT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agreement_plane.h"
#include "agreement/exchange.h"

enum { END_BOX = 64 };

struct end_message {
	uint32_t peer;
	struct agreement_path path;
	uint8_t bytes[MESSAGE_LEN_MAX];
	size_t n;
};

struct end {
	struct agreement *agreement;
	struct plane plane;
	uint8_t private_key[AGREEMENT_KEY_LEN], public_key[AGREEMENT_KEY_LEN];
	struct agreement_address address; /* where it is */
	struct end_message box[END_BOX];  /* sent, and not taken out yet */
	size_t n_box, lost;
	uint8_t (*keys)[AGREEMENT_KEY_LEN]; /* that were installed, by slot */
	struct agreement_psk psk;
	int psk_error;
	struct agreement_report report; /* the last one of each kind */
	unsigned int reports[AGREEMENT_UNCONFIRMED + 1];
	unsigned int denial;
	struct agreement_path endpoint; /* the last that was moved */
	unsigned int moves, keepalives, floors;
	int install_error;		 /* of what seals */
	struct agreement_address *peers; /* where peers are */
	uint8_t floor[AGREEMENT_STAMP_LEN];
	int64_t realtime; /* plus now */
	const uint64_t *now;
	uint64_t random;
};

/* number makes key and address. settings NULL: tunnel, 540 s. */
void end_init(struct end *end, unsigned int number, uint32_t peers, const struct agreement_settings *settings,
	      const uint64_t *now);
void end_release(struct end *end);
/* The agent starts again on the same data plane. */
void end_restart(struct end *end, uint32_t peers, const struct agreement_settings *settings);
/* other is a peer of end. */
int end_add(struct end *end, uint32_t peer, const struct end *other,
	    const struct agreement_peer_settings *settings);
/* Take the oldest out of the box; false: it is empty. */
bool end_take(struct end *end, struct end_message *message);
/* Deliver it, as from the address of `from`. */
void end_deliver(struct end *end, const struct end *from, const struct end_message *message);
/* Deliver everything that is under way between two ends, also what comes of it. */
void end_settle(struct end *a, struct end *b);
/* The key of what seals, and whether the other end opens with it. */
bool end_opens(const struct end *end, uint32_t peer, const struct end *sealer, uint32_t sealers_peer);
/* A counter by its name; fails if there is none. */
uint64_t end_counter(const struct end *end, const char *name);

#endif
