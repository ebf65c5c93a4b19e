// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading, writing and judging keys of 32 bytes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/message.h"
#include "config/key32.h"
#include "config/key_file.h"

void key32_wipe(unsigned char (*key)[KEY32_BYTES])
{
	explicit_bzero(key, sizeof(*key));
}

void key32_encode(const unsigned char key[KEY32_BYTES], char text[KEY32_TEXT + 1])
{
	EVP_EncodeBlock((unsigned char *)text, key, KEY32_BYTES);
}

/* EVP_DecodeBlock() accepts white space at both ends, and bits beyond the last byte. Only the text that
 * encoding gives back is a key. */
int key32_decode(const char *text, unsigned char key[KEY32_BYTES])
{
	unsigned char bytes[KEY32_BYTES + 1];
	char again[KEY32_TEXT + 1];
	int err = -EINVAL;

	if (strlen(text) == KEY32_TEXT &&
	    EVP_DecodeBlock(bytes, (const unsigned char *)text, KEY32_TEXT) == sizeof(bytes)) {
		key32_encode(bytes, again);
		if (CRYPTO_memcmp(again, text, KEY32_TEXT) == 0) {
			memcpy(key, bytes, KEY32_BYTES);
			err = 0;
		}
	}
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(again, sizeof(again));
	return err;
}

static bool is_space(char character)
{
	return memchr(" \t\r\n", character, 4) != NULL;
}

int key32_parse(const char *text, size_t n, unsigned char key[KEY32_BYTES])
{
	char alone[KEY32_TEXT + 1] = "";
	int err;

	while (n && is_space(text[n - 1]))
		n--;
	for (; n && is_space(*text); n--)
		text++;
	if (n != KEY32_TEXT)
		return -EINVAL;
	memcpy(alone, text, n);
	err = key32_decode(alone, key);
	explicit_bzero(alone, sizeof(alone));
	return err;
}

bool key32_is_zero(const unsigned char key[KEY32_BYTES])
{
	static const unsigned char zero[KEY32_BYTES];

	return CRYPTO_memcmp(key, zero, KEY32_BYTES) == 0;
}

static void hint_make(const char *path, bool is_preshared)
{
	if (is_preshared)
		hint("(umask 077; xdpsec genpsk >%s), and copy it to the other site", path);
	else
		hint("(umask 077; xdpsec genkey >%s)", path);
}

/* Why the text of a file is no key; NULL: it is one. */
static const char *judge(const char *text, size_t n, unsigned char key[KEY32_BYTES])
{
	if (n == 0)
		return "the file is empty";
	if (key32_parse(text, n, key))
		return "expected one key of 32 bytes in base64, 44 characters";
	return key32_is_zero(key) ? "the key is all zero" : NULL;
}

int key32_read(const char *path, bool is_preshared, unsigned char key[KEY32_BYTES], const char *what)
{
	char text[KEY_FILE_MAX] __attribute__((cleanup(key_file_wipe)));
	const char *reason;
	size_t n;
	int err = key_file_read(path, what, is_preshared, text, &n);

	if (err == -ENOENT)
		hint_make(path, is_preshared);
	if (err)
		return err;
	reason = judge(text, n, key);
	if (!reason)
		return 0;
	fail(EINVAL, "%s: %s: %s", what, path, reason);
	hint_make(path, is_preshared);
	return -EINVAL;
}

void key32_clamp(unsigned char private_key[KEY32_BYTES])
{
	private_key[0] &= 248;
	private_key[31] = (private_key[31] & 127) | 64;
}

int key32_public(const unsigned char private_key[KEY32_BYTES], unsigned char public_key[KEY32_BYTES])
{
	size_t length = KEY32_BYTES;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, KEY32_BYTES);
	bool ok = key && EVP_PKEY_get_raw_public_key(key, public_key, &length) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : fail(EIO, "public key: libcrypto has no X25519");
}

/* X25519 clamps a private key to a multiple of 8, so every one gives zero with a point of low order, which
 * libcrypto refuses (RFC 7748 section 6.1). */
bool key32_is_low_order(const unsigned char public_key[KEY32_BYTES])
{
	static const unsigned char any[KEY32_BYTES] = { 8 };
	EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, any, KEY32_BYTES);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, KEY32_BYTES);
	EVP_PKEY_CTX *context = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	unsigned char result[KEY32_BYTES];
	size_t length = sizeof(result);
	bool ok = context && theirs && EVP_PKEY_derive_init(context) == 1 &&
		  EVP_PKEY_derive_set_peer(context, theirs) == 1 &&
		  EVP_PKEY_derive(context, result, &length) == 1;

	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return !ok;
}
