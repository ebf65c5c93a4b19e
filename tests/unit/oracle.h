/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES-OCB by OpenSSL, and the sealed payload that XDPsec has to come to: an implementation that shares
 * nothing with ours but RFC 7253 and docs/protocol.md. For tests only.
 */
#ifndef XDPSEC_UNIT_ORACLE_H
#define XDPSEC_UNIT_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xdpsec/wire.h"

struct oracle; /* a key, expanded; one thread at a time */

/* A, the associated data: the bytes around the payload that the tag binds. */
struct bound {
	uint8_t bytes[36];
	size_t length;
};

struct oracle *oracle_new(const uint8_t *key, size_t key_length);
void oracle_free(struct oracle *oracle); /* NULL is fine */

/* OCB-ENCRYPT(K, N, A, P) with a nonce of 12 bytes and a tag of 16: cipher gets n bytes. */
void oracle_encrypt(struct oracle *oracle, const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *associated,
		    size_t n_associated, const uint8_t *plain, size_t n, uint8_t *cipher,
		    uint8_t tag[XDPSEC_TAG_LEN]);

/* OCB-DECRYPT. false: the tag does not hold. */
bool oracle_decrypt(struct oracle *oracle, const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *associated,
		    size_t n_associated, const uint8_t *cipher, size_t n, const uint8_t tag[XDPSEC_TAG_LEN],
		    uint8_t *plain);

/* The payload of a sealed datagram: out gets XDPSEC_OVERHEAD + n bytes. Returns that length. bound may be NULL: nothing
 * is bound. */
size_t oracle_seal(struct oracle *oracle, uint32_t spi, uint8_t next_header, uint64_t sequence,
		   const struct bound *bound, const uint8_t *plain, size_t n, uint8_t *out);

/* The same for a header that the caller has written, right or wrong, to the first 16 bytes of out. */
size_t oracle_seal_header(struct oracle *oracle, const struct bound *bound, const uint8_t *plain, size_t n,
			  uint8_t *out);

/* The plaintext of a sealed payload. false: too short, or the tag does not hold. */
bool oracle_open(struct oracle *oracle, const struct bound *bound, const uint8_t *sealed, size_t n,
		 uint8_t *plain);

#endif
