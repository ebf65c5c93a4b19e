/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAC1, MAC2 and cookies: cheap checks in front of the expensive ones. MAC1 shows that the sender knows the receiver's
 * public key; MAC2 that it receives at the address that it sends from. Pure: clocks and randomness are arguments.
 */
#ifndef XDPSEC_COOKIE_H
#define XDPSEC_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "agreement/message.h"
#include "agreement/primitive.h"

/* Times in ns, monotonic. */
#define COOKIE_SECRET_LIFE UINT64_C(120000000000) /* from one secret of a responder to the next */
#define COOKIE_SECRET_GRACE                                                                                  \
	UINT64_C(5000000000)		   /* cookies of the last secret count for this long after that */
#define COOKIE_LIFE UINT64_C(115000000000) /* an initiator uses a cookie for this long */

/*
 * Keys that follow from a receiver's public key: of MAC1, and of what a Cookie message is sealed with. Not secret. Kept
 * for oneself and each peer, as a flood must not cost hashes.
 */
struct mac_keys {
	uint8_t mac1[HASH_LEN];	  /* H("xdpsec1 mac1" || public key) */
	uint8_t cookie[HASH_LEN]; /* H("xdpsec1 cookie" || public key) */
};

/* 0, or -EIO. */
int mac_keys_make(struct mac_keys *keys, const struct public_key *receiver);

/* The sender of a message: a cookie is bound to it. */
struct cookie_source {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;	     /* host order */
};

struct cookie {
	uint8_t bytes[MAC_LEN];
};

/* ---- MAC1 -------------------------------------------------------------------------------------------- */

/* MAC1 over all bytes before offset (INITIATION_MAC1 or RESPONSE_MAC1), written at offset. 0, or -EIO. */
int mac1_write(uint8_t *message, size_t offset, const struct mac_keys *receiver);
bool mac1_right(const uint8_t *message, size_t offset, const struct mac_keys *own);

/* ---- the responder ----------------------------------------------------------------------------------- */

/* R of docs/agreement.md, and the last one. The owner wipes them at the end. All zero: none yet, and no MAC2 is right. */
struct cookie_secrets {
	struct secret now, before;
	uint64_t made; /* when `now` was drawn, ns */
	bool have_now, have_before;
};

void cookie_secrets_wipe(struct cookie_secrets *secrets);
/* Is a new secret due? Ask before each use. If so, draw one and call cookie_secrets_renew(). */
bool cookie_secrets_due(const struct cookie_secrets *secrets, uint64_t now);
/* The secret is moved: *fresh is wiped. */
void cookie_secrets_renew(struct cookie_secrets *secrets, struct secret *fresh, uint64_t now);

/* Is MAC2 of this Initiation made with a cookie that we gave to this source? */
bool cookie_mac2_right(const struct cookie_secrets *secrets, const struct cookie_source *source,
		       const uint8_t initiation[INITIATION_LEN], uint64_t now);

/* Make the Cookie message for an Initiation with a right MAC1. nonce: 32 random bytes. 0, -EIO, or -EAGAIN: there is no
 * secret yet. */
int cookie_message_make(uint8_t message[COOKIE_LEN], const struct cookie_secrets *secrets,
			const struct cookie_source *source, const struct mac_keys *own,
			const uint8_t initiation[INITIATION_LEN], const uint8_t nonce[32]);

/* ---- the initiator ----------------------------------------------------------------------------------- */

/*
 * Open a Cookie message, whose header was right, that answers the Initiation with this MAC1. 0; -EBADMSG if it is forged
 * or answers another Initiation; -EIO. After an error *cookie is unchanged.
 */
int cookie_message_open(struct cookie *cookie, const uint8_t message[COOKIE_LEN], const struct mac_keys *peer,
			const uint8_t mac1[MAC_LEN]);

/* MAC2 over bytes 0-159 of an Initiation, written behind them. 0, or -EIO. */
int cookie_mac2_write(uint8_t initiation[INITIATION_LEN], const struct cookie *cookie);

#endif
