/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initiation, Response, Confirm and Ack: made and consumed. The caller (the state machine) decides generations, SPIs,
 * suites and when; here is what is proved and derived. Pure: no clock, no randomness of its own.
 *
 * The initiator:	initiation_make() -> send; response_consume() -> keys; send proofs.confirm;
 *			ack_right()
 * The responder:	message_read_header(), mac1_right(), [load, cookie], initiation_open() -> who is it?
 *			initiation_open_payload() -> what does it offer?
 *			response_make() -> keys, send; confirm_right(); send proofs.ack
 *
 * Secrets are moved: a function that takes a pointer to an ephemeral or a state "consumed" wipes it in all cases.
 */
#ifndef XDPSEC_HANDSHAKE_H
#define XDPSEC_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agreement/cookie.h"
#include "agreement/message.h"
#include "agreement/noise.h"
#include "agreement/primitive.h"

/* A key of the data plane: moved into the kernel once, and wiped. There is no way to get it again. */
struct data_key {
	uint8_t bytes[32];
	uint8_t length; /* 16 or 32; 0: none */
};

void data_key_wipe(struct data_key *key);
#define _cleanup_data_key_ __attribute__((cleanup(data_key_wipe)))

/*
 * The whole Confirm and the whole Ack of a pair, as both ends must see them; kept instead of the keys that they were
 * made with. Not to be shown to anybody before they are sent.
 */
struct proofs {
	uint8_t confirm[CONFIRM_LEN];
	uint8_t ack[CONFIRM_LEN];
};

/* All that a handshake gives. suite 0 (refused): no keys, and proofs are zero. */
struct handshake_result {
	struct data_key send, receive; /* from this end's point of view */
	struct proofs proofs;
};

void handshake_result_wipe(struct handshake_result *result);
#define _cleanup_handshake_result_ __attribute__((cleanup(handshake_result_wipe)))

/* ---- the initiator ----------------------------------------------------------------------------------- */

/* An Initiation that was sent: what its Response is consumed with. Secret. */
struct initiation {
	struct identity ephemeral;
	struct noise noise;
	uint32_t session;
	uint8_t mac1[MAC_LEN];		   /* what a Cookie must answer */
	struct initiation_payload offered; /* what a Response must fit */
};

void initiation_wipe(struct initiation *initiation);
#define _cleanup_initiation_ __attribute__((cleanup(initiation_wipe)))

/*
 * Make an Initiation to the peer. session: the SPI of what we will receive. ephemeral: 32 random bytes, consumed.
 * cookie: of this peer, at the address that the message goes to; NULL: MAC2 is zero. 0; -EINVAL: the peer's key is a
 * point of low order; -EIO. On an error *initiation and message are wiped.
 */
int initiation_make(struct initiation *initiation, uint8_t message[INITIATION_LEN],
		    const struct identity *own, const struct public_key *peer,
		    const struct mac_keys *peer_keys, uint32_t session,
		    const struct initiation_payload *payload, struct secret *ephemeral,
		    const struct cookie *cookie);

/*
 * Consume a Response, whose header was right and whose Session is that of *initiation. psks: those that may count, now
 * and before, n of them (1 or 2; a peer without one: 32 zero bytes); *used says which it was. own_keys: of our own public
 * key. *initiation stays as it is, also after ACCEPTED: then the caller wipes it, as nothing may be made of it again. If
 * it is refused, nothing is written.
 */
enum message_refusal response_consume(struct handshake_result *result, struct response_payload *payload,
				      size_t *used, const struct initiation *initiation,
				      const struct identity *own, const struct mac_keys *own_keys,
				      const struct secret *psks, size_t n,
				      const uint8_t message[RESPONSE_LEN]);

/* Is this 32-byte message the Ack of the pair? Constant time. */
bool ack_right(const struct proofs *proofs, const uint8_t message[CONFIRM_LEN]);

/* ---- the responder ----------------------------------------------------------------------------------- */

/* An Initiation that is being opened. Secret. */
struct opening {
	struct noise noise;
	struct public_key ephemeral; /* the initiator's */
	struct public_key initiator; /* who it is */
	uint32_t session;	     /* the SPI of what the initiator will receive */
};

void opening_wipe(struct opening *opening);
#define _cleanup_opening_ __attribute__((cleanup(opening_wipe)))

/* The ephemeral of an Initiation, in clear: one of ours that came back is REFUSED_REFLECTED, by the caller. */
static inline const uint8_t *initiation_ephemeral(const uint8_t message[INITIATION_LEN])
{
	return message + INITIATION_EPHEMERAL;
}

/*
 * The sender of this Initiation, whose header and MAC1 were right. opening->initiator is authentic only when
 * initiation_open_payload() says so as well. ACCEPTED, REFUSED_LOW_ORDER, REFUSED_DECRYPT, REFUSED_FAILED; *opening is
 * wiped if refused.
 */
enum message_refusal initiation_open(struct opening *opening, const struct identity *own,
				     const uint8_t message[INITIATION_LEN]);

/*
 * The payload of an Initiation, when its sender was found among the peers. REFUSED_MALFORMED as well: authentic, out of
 * range. Neither the timestamp nor the 20 ms are judged. *opening is wiped if refused, *payload is untouched then.
 */
enum message_refusal initiation_open_payload(struct opening *opening, struct initiation_payload *payload,
					     const struct identity *own,
					     const uint8_t message[INITIATION_LEN]);

/*
 * Make the Response. *opening and *ephemeral (32 random bytes) are consumed. psk: the peer's, now; 32 zero bytes without
 * one. initiator_keys: of the initiator's public key. payload->suite 0: a refusal, and *result has no keys. 0; -EINVAL: a
 * point of low order; -EIO; on an error *result and message are wiped.
 */
int response_make(struct handshake_result *result, uint8_t message[RESPONSE_LEN], struct opening *opening,
		  const struct mac_keys *initiator_keys, const struct response_payload *payload,
		  struct secret *ephemeral, const struct secret *psk);

/* Is this 32-byte message the Confirm of the pair? Constant time. */
bool confirm_right(const struct proofs *proofs, const uint8_t message[CONFIRM_LEN]);

#endif
