/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sites, and one handshake of the key agreement between them: site_i initiates, site_r responds. A test changes what
 * it likes, and takes a step again.
 */
#ifndef XDPSEC_AGREEMENT_SITES_H
#define XDPSEC_AGREEMENT_SITES_H

#include "unit.h"

#include "agreement/handshake.h"

enum { SESSION = 0x11111111, SPI = 0x22222222 };

extern struct site {
	struct identity identity;
	struct mac_keys keys;
} site_i, site_r;

extern struct secret psk;
extern struct initiation initiation;			    /* what site_i remembers */
extern uint8_t first[INITIATION_LEN], second[RESPONSE_LEN]; /* the Initiation, and the Response */
extern struct handshake_result result_i, result_r;
/* Terms of the first, and of the second. */
extern struct initiation_payload offered;
extern struct response_payload chosen;

/* Setup and teardown of a group of tests. */
int sites_set_up(void **state);
int sites_tear_down(void **state);

/* Setup of a test: the inputs of the example in docs/agreement.md, and the whole handshake. */
int fixed_handshake(void **state);
#define after_a_handshake(function) cmocka_unit_test_setup(function, fixed_handshake)

struct secret filled_with(uint8_t byte);
/* The same in each run. */
struct secret random_secret(void);
void make_site(struct site *site, struct secret private_key);

/* site_i makes `first`. */
int initiate(struct secret ephemeral, const struct cookie *cookie);
/* site_r opens an Initiation. */
enum message_refusal take(const uint8_t *message, struct opening *opening,
			  struct initiation_payload *payload);
/* site_r makes `second`. */
int respond(struct opening *opening, struct secret ephemeral);
/* site_i reads a Response with one of n preshared keys. */
enum message_refusal conclude(const uint8_t *message, const struct secret *psks, size_t n, size_t *used,
			      struct response_payload *payload);
void expect_same_keys(void);

#endif
