/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The primitives of the key agreement, all by libcrypto: BLAKE2s-256, keyed BLAKE2s, HKDF (Noise, section 4.3),
 * ChaCha20-Poly1305 and X25519. Each returns 0 or -errno: -EIO if libcrypto fails (no memory, no such algorithm); what
 * an output holds is of no use then. Nothing is printed here. One thread only: contexts are used again.
 */
#ifndef XDPSEC_PRIMITIVE_H
#define XDPSEC_PRIMITIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HASH_LEN = 32,	 /* H */
	MAC_LEN = 16,	 /* MAC */
	SECRET_LEN = 32, /* private keys, preshared keys, cookie secrets, Noise's ck and k */
	PUBLIC_LEN = 32,
	AEAD_TAG_LEN = 16,
	AEAD_NONCE_LEN = 12,
};

/* 32 bytes that nobody else may know. Whoever holds one wipes it. */
struct secret {
	uint8_t bytes[SECRET_LEN];
};

void secret_wipe(struct secret *secret);
#define _cleanup_secret_ __attribute__((cleanup(secret_wipe)))

/* An X25519 public key as it is on the wire, and as it is configured. */
struct public_key {
	uint8_t bytes[PUBLIC_LEN];
};

/* A static key pair. Wiped by whoever holds it. */
struct identity {
	struct secret private_key;
	struct public_key public_key;
};

void identity_wipe(struct identity *identity);
#define _cleanup_identity_ __attribute__((cleanup(identity_wipe)))

/*
 * Fetch the algorithms; the other functions fail with -EIO before. Once a process; again is 0 and does nothing.
 * -ENOTSUP: libcrypto lacks one of them.
 */
int primitive_setup(void);
/* Free them, and wipe the contexts. */
void primitive_release(void);

/* H(a || b). */
int primitive_hash(uint8_t out[HASH_LEN], const void *a, size_t n_a, const void *b, size_t n_b);

/* Keyed BLAKE2s: n_out is MAC_LEN or 32, n_key 16 or 32. */
int primitive_mac(uint8_t *out, size_t n_out, const uint8_t *key, size_t n_key, const void *data, size_t n);

/*
 * Noise's HKDF(ck, ikm) with 2 or 3 outputs; out2 NULL: only the first is written; out3 NULL: 2. ikm may be empty. Each
 * output may be where an input is.
 */
int primitive_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t ck[HASH_LEN],
		   const uint8_t *ikm, size_t n_ikm);

/* The first n <= 32 bytes of RFC 5869's T(1) = HMAC-BLAKE2s(k, info || 0x01). */
int primitive_expand(uint8_t *out, size_t n, const uint8_t k[SECRET_LEN], const uint8_t *info, size_t n_info);

/*
 * ChaCha20-Poly1305 (RFC 8439); Noise's nonce: 4 zero bytes and the counter, little-endian. out of n + AEAD_TAG_LEN
 * bytes; it may be where plain is.
 */
int primitive_seal(uint8_t *out, const uint8_t k[SECRET_LEN], uint64_t counter, const void *ad, size_t n_ad,
		   const uint8_t *plain, size_t n);

/* n counts the tag; out of n - AEAD_TAG_LEN bytes. -EBADMSG: forged, and out is zeroed. */
int primitive_open(uint8_t *out, const uint8_t k[SECRET_LEN], uint64_t counter, const void *ad, size_t n_ad,
		   const uint8_t *sealed, size_t n);

/* The public key that belongs to a private one, which is clamped as RFC 7748 has it, and not changed. */
int primitive_public(struct public_key *public_key, const struct secret *private_key);

/* -EINVAL: the result is zero (a point of low order). */
int primitive_dh(struct secret *shared, const struct identity *own, const struct public_key *peer);

/* Is it a key that a peer can have: bit 255 clear, and not a point of low order (zero is one of them)? */
bool public_key_usable(const struct public_key *public_key);

int identity_make(struct identity *identity, const struct secret *private_key);

/*
 * Overwrite the keys that the contexts still hold, and the part of the stack that libcrypto has used. At the end of each
 * step of a handshake.
 */
void primitive_forget(void);

/* Memory compared in constant time. */
bool primitive_equal(const void *a, const void *b, size_t n);

#endif
