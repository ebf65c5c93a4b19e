// SPDX-License-Identifier: GPL-2.0-or-later
/* AES-OCB by OpenSSL. */
#undef NDEBUG /* the assertions here have effects */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "oracle.h"
#include "packet.h"

/* A context for each direction, keyed once: expanding the key is most of the cost of a short packet. */
struct oracle {
	EVP_CIPHER_CTX *encrypt, *decrypt;
};

static EVP_CIPHER_CTX *context_new(const uint8_t *key, size_t key_length, int encrypt)
{
	const EVP_CIPHER *cipher = key_length == 32 ? EVP_aes_256_ocb() : EVP_aes_128_ocb();
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	assert(key_length == 16 || key_length == 32);
	assert(context && EVP_CipherInit_ex(context, cipher, NULL, NULL, NULL, encrypt) == 1);
	assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, XDPSEC_NONCE_LEN, NULL) == 1);
	assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, XDPSEC_TAG_LEN, NULL) == 1);
	assert(EVP_CipherInit_ex(context, NULL, NULL, key, NULL, encrypt) == 1);
	return context;
}

struct oracle *oracle_new(const uint8_t *key, size_t key_length)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	assert(oracle);
	oracle->encrypt = context_new(key, key_length, 1);
	oracle->decrypt = context_new(key, key_length, 0);
	return oracle;
}

void oracle_free(struct oracle *oracle)
{
	if (!oracle)
		return;
	EVP_CIPHER_CTX_free(oracle->encrypt);
	EVP_CIPHER_CTX_free(oracle->decrypt);
	free(oracle);
}

void oracle_encrypt(struct oracle *oracle, const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *associated,
		    size_t n_associated, const uint8_t *plain, size_t n, uint8_t *cipher,
		    uint8_t tag[XDPSEC_TAG_LEN])
{
	EVP_CIPHER_CTX *context = oracle->encrypt;
	uint8_t rest[XDPSEC_BLOCK_LEN];
	int done = 0, last = 0;

	assert(EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) == 1);
	if (n_associated)
		assert(EVP_EncryptUpdate(context, NULL, &done, associated, n_associated) == 1);
	done = 0;
	if (n)
		assert(EVP_EncryptUpdate(context, cipher, &done, plain, n) == 1);
	assert(EVP_EncryptFinal_ex(context, rest, &last) == 1 && (size_t)(done + last) == n);
	if (last)
		memcpy(cipher + done, rest, last);
	assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, XDPSEC_TAG_LEN, tag) == 1);
}

bool oracle_decrypt(struct oracle *oracle, const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *associated,
		    size_t n_associated, const uint8_t *cipher, size_t n, const uint8_t tag[XDPSEC_TAG_LEN],
		    uint8_t *plain)
{
	EVP_CIPHER_CTX *context = oracle->decrypt;
	uint8_t rest[XDPSEC_BLOCK_LEN], copy[XDPSEC_TAG_LEN];
	int done = 0, last = 0;

	memcpy(copy, tag, sizeof(copy));
	assert(EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) == 1);
	assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof(copy), copy) == 1);
	if (n_associated)
		assert(EVP_DecryptUpdate(context, NULL, &done, associated, n_associated) == 1);
	done = 0;
	if (n)
		assert(EVP_DecryptUpdate(context, plain, &done, cipher, n) == 1);
	if (EVP_DecryptFinal_ex(context, rest, &last) != 1)
		return false;
	if (last)
		memcpy(plain + done, rest, last);
	return true;
}

static const struct bound nothing;

size_t oracle_seal_header(struct oracle *oracle, const struct bound *bound, const uint8_t *plain, size_t n,
			  uint8_t *out)
{
	bound = bound ?: &nothing;
	oracle_encrypt(oracle, out + XDPSEC_NONCE_OFFSET, bound->bytes, bound->length, plain, n,
		       out + XDPSEC_OVERHEAD, out + XDPSEC_HEADER_LEN);
	return XDPSEC_OVERHEAD + n;
}

size_t oracle_seal(struct oracle *oracle, uint32_t spi, uint8_t next_header, uint64_t sequence,
		   const struct bound *bound, const uint8_t *plain, size_t n, uint8_t *out)
{
	write32(out, spi);
	write32(out + 4, (uint32_t)next_header << 24 | 1 /* the version */ << 16);
	write64(out + 8, sequence);
	return oracle_seal_header(oracle, bound, plain, n, out);
}

bool oracle_open(struct oracle *oracle, const struct bound *bound, const uint8_t *sealed, size_t n,
		 uint8_t *plain)
{
	bound = bound ?: &nothing;
	if (n < XDPSEC_OVERHEAD)
		return false;
	return oracle_decrypt(oracle, sealed + XDPSEC_NONCE_OFFSET, bound->bytes, bound->length,
			      sealed + XDPSEC_OVERHEAD, n - XDPSEC_OVERHEAD, sealed + XDPSEC_HEADER_LEN,
			      plain);
}
