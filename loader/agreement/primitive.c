// SPDX-License-Identifier: GPL-2.0-or-later
/* The primitives, by libcrypto's EVP. */
#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "agreement/primitive.h"

/* More than libcrypto's functions use for one operation. */
#define STACK_USED 16384

/* Fetched once: a fetch by name costs more than a hash. HMAC is apart from BLAKE2SMAC, as both keep parameters. */
static struct {
	EVP_MD *blake2s;
	EVP_CIPHER *chacha;
	EVP_MD_CTX *hash;
	EVP_MAC_CTX *mac, *hmac;
	EVP_CIPHER_CTX *cipher;
} library;

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_key_context(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
}

#define _cleanup_pkey_ __attribute__((cleanup(free_key)))
#define _cleanup_pkey_context_ __attribute__((cleanup(free_key_context)))

/* libcrypto keeps a queue of errors for its thread, which would grow. */
static int failed(int err)
{
	ERR_clear_error();
	return err;
}

void secret_wipe(struct secret *secret)
{
	OPENSSL_cleanse(secret, sizeof(*secret));
}

void identity_wipe(struct identity *identity)
{
	OPENSSL_cleanse(identity, sizeof(*identity));
}

/* ---- set up ------------------------------------------------------------------------------------------ */

static EVP_MAC_CTX *mac_context(const char *name, const OSSL_PARAM *params)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac); /* the context has its own reference */
	if (context && params && EVP_MAC_CTX_set_params(context, params) != 1) {
		EVP_MAC_CTX_free(context);
		return NULL;
	}
	return context;
}

int primitive_setup(void)
{
	char digest[] = "BLAKE2S-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	if (library.cipher)
		return 0;
	library.blake2s = EVP_MD_fetch(NULL, digest, NULL);
	library.chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	library.mac = mac_context("BLAKE2SMAC", NULL);
	library.hmac = mac_context("HMAC", params);
	library.hash = EVP_MD_CTX_new();
	library.cipher = EVP_CIPHER_CTX_new();
	if (library.blake2s && library.chacha && library.mac && library.hmac && library.hash &&
	    library.cipher && EVP_EncryptInit_ex2(library.cipher, library.chacha, NULL, NULL, NULL) == 1)
		return 0;
	primitive_release();
	return failed(-ENOTSUP);
}

void primitive_release(void)
{
	EVP_MD_CTX_free(library.hash);
	EVP_MAC_CTX_free(library.mac);
	EVP_MAC_CTX_free(library.hmac);
	EVP_CIPHER_CTX_free(library.cipher);
	EVP_MD_free(library.blake2s);
	EVP_CIPHER_free(library.chacha);
	memset(&library, 0, sizeof(library));
}

static __attribute__((noinline)) void burn_stack(void)
{
	unsigned char stack[STACK_USED];

	OPENSSL_cleanse(stack, sizeof(stack));
}

void primitive_forget(void)
{
	static const uint8_t zero[SECRET_LEN];
	uint8_t out[AEAD_TAG_LEN];

	if (primitive_mac(out, MAC_LEN, zero, sizeof(zero), zero, sizeof(zero)) ||
	    primitive_expand(out, sizeof(out), zero, zero, 1) ||
	    primitive_seal(out, zero, 0, zero, sizeof(zero), NULL, 0))
		primitive_release();
	burn_stack();
}

/* ---- hashes ------------------------------------------------------------------------------------------ */

int primitive_hash(uint8_t out[HASH_LEN], const void *a, size_t n_a, const void *b, size_t n_b)
{
	EVP_MD_CTX *context = library.hash;

	if (!context || EVP_DigestInit_ex2(context, library.blake2s, NULL) != 1 ||
	    EVP_DigestUpdate(context, a, n_a) != 1 || EVP_DigestUpdate(context, b, n_b) != 1 ||
	    EVP_DigestFinal_ex(context, out, NULL) != 1)
		return failed(-EIO);
	return 0;
}

int primitive_mac(uint8_t *out, size_t n_out, const uint8_t *key, size_t n_key, const void *data, size_t n)
{
	size_t size = n_out, written;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};

	if (!library.mac || EVP_MAC_init(library.mac, key, n_key, params) != 1 ||
	    EVP_MAC_update(library.mac, data, n) != 1 ||
	    EVP_MAC_final(library.mac, out, &written, n_out) != 1 || written != n_out)
		return failed(-EIO);
	return 0;
}

/* HMAC-BLAKE2s(key, data || number). */
static int hmac(uint8_t out[HASH_LEN], const uint8_t key[HASH_LEN], const uint8_t *data, size_t n,
		const uint8_t *number)
{
	size_t written;

	if (!library.hmac || EVP_MAC_init(library.hmac, key, HASH_LEN, NULL) != 1 ||
	    (n && EVP_MAC_update(library.hmac, data, n) != 1) ||
	    (number && EVP_MAC_update(library.hmac, number, 1) != 1) ||
	    EVP_MAC_final(library.hmac, out, &written, HASH_LEN) != 1 || written != HASH_LEN)
		return failed(-EIO);
	return 0;
}

/*
 * Composed of libcrypto's HMAC as in Noise 4.3: its EVP_KDF frees the salt, which is ck, without wiping it (hkdf.c of
 * OpenSSL 3.0).
 */
int primitive_hkdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t ck[HASH_LEN],
		   const uint8_t *ikm, size_t n_ikm)
{
	uint8_t *const outs[] = { out1, out2, out3 };
	uint8_t block[HASH_LEN], number = 1;
	_cleanup_secret_ struct secret temporary;
	size_t n = 0;
	int err = hmac(temporary.bytes, ck, ikm, n_ikm, NULL);

	for (; !err && number <= 3 && outs[number - 1]; number++) {
		err = hmac(block, temporary.bytes, block, n, &number);
		n = HASH_LEN;
		if (!err)
			memcpy(outs[number - 1], block, HASH_LEN);
	}
	OPENSSL_cleanse(block, sizeof(block));
	return err;
}

int primitive_expand(uint8_t *out, size_t n, const uint8_t k[SECRET_LEN], const uint8_t *info, size_t n_info)
{
	static const uint8_t number = 1;
	_cleanup_secret_ struct secret block;
	int err = n <= HASH_LEN ? hmac(block.bytes, k, info, n_info, &number) : -EINVAL;

	if (!err)
		memcpy(out, block.bytes, n);
	return err;
}

/* ---- ChaCha20-Poly1305 ------------------------------------------------------------------------------- */

static void make_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t counter)
{
	int i;

	memset(nonce, 0, 4);
	for (i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> (8 * i));
}

int primitive_seal(uint8_t *out, const uint8_t k[SECRET_LEN], uint64_t counter, const void *ad, size_t n_ad,
		   const uint8_t *plain, size_t n)
{
	EVP_CIPHER_CTX *context = library.cipher;
	uint8_t nonce[AEAD_NONCE_LEN], rest[AEAD_TAG_LEN];
	int done = 0;

	make_nonce(nonce, counter);
	if (!context || EVP_EncryptInit_ex2(context, library.chacha, k, nonce, NULL) != 1 ||
	    (n_ad && EVP_EncryptUpdate(context, NULL, &done, ad, (int)n_ad) != 1) ||
	    (n && EVP_EncryptUpdate(context, out, &done, plain, (int)n) != 1) ||
	    EVP_EncryptFinal_ex(context, rest, &done) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, out + n) != 1)
		return failed(-EIO);
	return 0;
}

int primitive_open(uint8_t *out, const uint8_t k[SECRET_LEN], uint64_t counter, const void *ad, size_t n_ad,
		   const uint8_t *sealed, size_t n)
{
	EVP_CIPHER_CTX *context = library.cipher;
	uint8_t nonce[AEAD_NONCE_LEN], tag[AEAD_TAG_LEN], rest[AEAD_TAG_LEN];
	int done = 0;

	if (n < AEAD_TAG_LEN)
		return -EBADMSG;
	n -= AEAD_TAG_LEN;
	memcpy(tag, sealed + n, sizeof(tag));
	make_nonce(nonce, counter);
	if (!context || EVP_DecryptInit_ex2(context, library.chacha, k, nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) != 1 ||
	    (n_ad && EVP_DecryptUpdate(context, NULL, &done, ad, (int)n_ad) != 1) ||
	    (n && EVP_DecryptUpdate(context, out, &done, sealed, (int)n) != 1))
		return failed(-EIO);
	if (EVP_DecryptFinal_ex(context, rest, &done) != 1) {
		OPENSSL_cleanse(out, n);
		return failed(-EBADMSG);
	}
	return 0;
}

/* ---- X25519 ------------------------------------------------------------------------------------------ */

static EVP_PKEY *private_key_new(const struct identity *identity)
{
	_cleanup_pkey_context_ EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	/* The public key as well: else libcrypto multiplies to find it, once for each use of a private one. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY,
						  (void *)identity->private_key.bytes, SECRET_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)identity->public_key.bytes,
						  PUBLIC_LEN),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return key;
}

int primitive_public(struct public_key *public_key, const struct secret *private_key)
{
	_cleanup_pkey_ EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL,
								       private_key->bytes, SECRET_LEN);
	size_t n = PUBLIC_LEN;

	if (!key || EVP_PKEY_get_raw_public_key(key, public_key->bytes, &n) != 1 || n != PUBLIC_LEN)
		return failed(-EIO);
	return 0;
}

int primitive_dh(struct secret *shared, const struct identity *own, const struct public_key *peer)
{
	_cleanup_pkey_ EVP_PKEY *key = private_key_new(own);
	_cleanup_pkey_ EVP_PKEY *other = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer->bytes,
									PUBLIC_LEN);
	_cleanup_pkey_context_ EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)
							   : NULL;
	size_t n = SECRET_LEN;

	if (!context || !other || EVP_PKEY_derive_init(context) != 1 ||
	    EVP_PKEY_derive_set_peer(context, other) != 1)
		return failed(-EIO);
	/* It fails if the result is zero (RFC 7748, section 6.1), and for nothing else. */
	if (EVP_PKEY_derive(context, shared->bytes, &n) != 1 || n != SECRET_LEN)
		return failed(-EINVAL);
	return 0;
}

bool public_key_usable(const struct public_key *public_key)
{
	/* Any private key will do: it is a multiple of 8, and so makes zero of each point of low order. */
	struct identity any = { .private_key.bytes = { [0] = 8, [31] = 64 } };
	_cleanup_secret_ struct secret shared;

	if (public_key->bytes[PUBLIC_LEN - 1] & 0x80)
		return false;
	return !primitive_public(&any.public_key, &any.private_key) &&
	       !primitive_dh(&shared, &any, public_key);
}

int identity_make(struct identity *identity, const struct secret *private_key)
{
	identity->private_key = *private_key;
	return primitive_public(&identity->public_key, private_key);
}

bool primitive_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
