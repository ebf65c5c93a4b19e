/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, as revision 34 of the Noise specification has it, and nothing of ours:
 *
 *	<- s
 *	...
 *	-> e, es, s, ss, payload
 *	<- e, ee, se, psk, payload
 *
 * Payloads have any length, and every AEAD nonce of a handshake is 0, as each follows a new key. Functions return 0 or
 * -errno: -EBADMSG if something does not decrypt, -EINVAL for a point of low order, -EIO if libcrypto fails. After an
 * error the state is of no use but for wiping.
 */
#ifndef XDPSEC_NOISE_H
#define XDPSEC_NOISE_H

#include "agreement/primitive.h"

enum { NOISE_STATIC_LEN = PUBLIC_LEN + AEAD_TAG_LEN };

/* Noise's symmetric state: all secret but h. */
struct noise {
	uint8_t ck[HASH_LEN], h[HASH_LEN], k[SECRET_LEN];
};

void noise_wipe(struct noise *noise);
#define _cleanup_noise_ __attribute__((cleanup(noise_wipe)))

/* The state that both ends begin with: the protocol's name, the prologue, the responder's public key. */
int noise_begin(struct noise *noise, const void *prologue, size_t n, const struct public_key *responder);

/* ---- the first message ------------------------------------------------------------------------------- */

/* out_payload: n_payload + 16 bytes. */
int noise_write_first(struct noise *noise, const struct identity *own, const struct identity *ephemeral,
		      const struct public_key *responder, uint8_t out_static[NOISE_STATIC_LEN],
		      const uint8_t *payload, size_t n_payload, uint8_t *out_payload);

/* The tokens e, es, s: the sender of an Initiation. */
int noise_read_first_static(struct noise *noise, const struct identity *own,
			    const struct public_key *ephemeral, const uint8_t sealed_static[NOISE_STATIC_LEN],
			    struct public_key *initiator);

/* ss, payload: n_sealed counts the tag. */
int noise_read_first_payload(struct noise *noise, const struct identity *own,
			     const struct public_key *initiator, const uint8_t *sealed, size_t n_sealed,
			     uint8_t *payload);

/* ---- the second message ------------------------------------------------------------------------------ */

int noise_write_second(struct noise *noise, const struct identity *ephemeral,
		       const struct public_key *initiator_ephemeral, const struct public_key *initiator,
		       const struct secret *psk, const uint8_t *payload, size_t n_payload,
		       uint8_t *out_payload);

/* e, ee, se */
int noise_read_second_keys(struct noise *noise, const struct identity *own,
			   const struct identity *own_ephemeral, const struct public_key *ephemeral);

/* psk, payload. The state is a copy where another psk may have to be tried. */
int noise_read_second_payload(struct noise *noise, const struct secret *psk, const uint8_t *sealed,
			      size_t n_sealed, uint8_t *payload);

/* ---- the end ----------------------------------------------------------------------------------------- */

/* Split(): what the initiator sends with, and what the responder sends with. */
int noise_split(const struct noise *noise, struct secret *initiator, struct secret *responder);

#endif
