// SPDX-License-Identifier: GPL-2.0-or-later
/* The symmetric state of Noise, and the tokens of IKpsk2 in the order of the pattern. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "agreement/noise.h"

static const char protocol_name[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

void noise_wipe(struct noise *noise)
{
	OPENSSL_cleanse(noise, sizeof(*noise));
}

/* ---- section 5.2 ------------------------------------------------------------------------------------- */

static int mix_hash(struct noise *noise, const void *data, size_t n)
{
	return primitive_hash(noise->h, noise->h, HASH_LEN, data, n);
}

static int mix_key(struct noise *noise, const uint8_t *ikm, size_t n)
{
	return primitive_hkdf(noise->ck, noise->k, NULL, noise->ck, ikm, n);
}

static int mix_key_and_hash(struct noise *noise, const struct secret *psk)
{
	_cleanup_secret_ struct secret mixed;

	return primitive_hkdf(noise->ck, mixed.bytes, noise->k, noise->ck, psk->bytes, SECRET_LEN)
		       ?: mix_hash(noise, mixed.bytes, HASH_LEN);
}

/* With a psk in the pattern, each e is mixed into the key too (section 9.2). */
static int mix_ephemeral(struct noise *noise, const struct public_key *ephemeral)
{
	return mix_hash(noise, ephemeral->bytes, PUBLIC_LEN) ?: mix_key(noise, ephemeral->bytes, PUBLIC_LEN);
}

static int mix_dh(struct noise *noise, const struct identity *own, const struct public_key *peer)
{
	_cleanup_secret_ struct secret shared;

	return primitive_dh(&shared, own, peer) ?: mix_key(noise, shared.bytes, SECRET_LEN);
}

static int encrypt_and_hash(struct noise *noise, uint8_t *out, const uint8_t *plain, size_t n)
{
	return primitive_seal(out, noise->k, 0, noise->h, HASH_LEN, plain, n)
		       ?: mix_hash(noise, out, n + AEAD_TAG_LEN);
}

static int decrypt_and_hash(struct noise *noise, uint8_t *plain, const uint8_t *sealed, size_t n)
{
	return primitive_open(plain, noise->k, 0, noise->h, HASH_LEN, sealed, n)
		       ?: mix_hash(noise, sealed, n);
}

int noise_begin(struct noise *noise, const void *prologue, size_t n, const struct public_key *responder)
{
	/* The name is longer than a hash. */
	int err = primitive_hash(noise->h, protocol_name, sizeof(protocol_name) - 1, NULL, 0);

	memcpy(noise->ck, noise->h, HASH_LEN);
	memset(noise->k, 0, SECRET_LEN);
	return err ?: mix_hash(noise, prologue, n) ?: mix_hash(noise, responder->bytes, PUBLIC_LEN);
}

/* ---- -> e, es, s, ss --------------------------------------------------------------------------------- */

int noise_write_first(struct noise *noise, const struct identity *own, const struct identity *ephemeral,
		      const struct public_key *responder, uint8_t out_static[NOISE_STATIC_LEN],
		      const uint8_t *payload, size_t n_payload, uint8_t *out_payload)
{
	return mix_ephemeral(noise, &ephemeral->public_key)
		?: mix_dh(noise, ephemeral, responder)
		?: encrypt_and_hash(noise, out_static, own->public_key.bytes, PUBLIC_LEN)
		?: mix_dh(noise, own, responder)
		?: encrypt_and_hash(noise, out_payload, payload, n_payload);
}

int noise_read_first_static(struct noise *noise, const struct identity *own,
			    const struct public_key *ephemeral, const uint8_t sealed_static[NOISE_STATIC_LEN],
			    struct public_key *initiator)
{
	return mix_ephemeral(noise, ephemeral)
		?: mix_dh(noise, own, ephemeral)
		?: decrypt_and_hash(noise, initiator->bytes, sealed_static, NOISE_STATIC_LEN);
}

int noise_read_first_payload(struct noise *noise, const struct identity *own,
			     const struct public_key *initiator, const uint8_t *sealed, size_t n_sealed,
			     uint8_t *payload)
{
	return mix_dh(noise, own, initiator) ?: decrypt_and_hash(noise, payload, sealed, n_sealed);
}

/* ---- <- e, ee, se, psk ------------------------------------------------------------------------------- */

int noise_write_second(struct noise *noise, const struct identity *ephemeral,
		       const struct public_key *initiator_ephemeral, const struct public_key *initiator,
		       const struct secret *psk, const uint8_t *payload, size_t n_payload,
		       uint8_t *out_payload)
{
	return mix_ephemeral(noise, &ephemeral->public_key)
		?: mix_dh(noise, ephemeral, initiator_ephemeral)
		?: mix_dh(noise, ephemeral, initiator)
		?: mix_key_and_hash(noise, psk)
		?: encrypt_and_hash(noise, out_payload, payload, n_payload);
}

int noise_read_second_keys(struct noise *noise, const struct identity *own,
			   const struct identity *own_ephemeral, const struct public_key *ephemeral)
{
	return mix_ephemeral(noise, ephemeral)
		?: mix_dh(noise, own_ephemeral, ephemeral)
		?: mix_dh(noise, own, ephemeral);
}

int noise_read_second_payload(struct noise *noise, const struct secret *psk, const uint8_t *sealed,
			      size_t n_sealed, uint8_t *payload)
{
	return mix_key_and_hash(noise, psk) ?: decrypt_and_hash(noise, payload, sealed, n_sealed);
}

int noise_split(const struct noise *noise, struct secret *initiator, struct secret *responder)
{
	return primitive_hkdf(initiator->bytes, responder->bytes, NULL, noise->ck, NULL, 0);
}
