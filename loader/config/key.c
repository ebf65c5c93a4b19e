// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsing manual keys, wiping them, and making fingerprints. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/message.h"
#include "config/key.h"
#include "config/key_file.h"

#define FINGERPRINT_LABEL "xdpsec key fingerprint 1"

void key_wipe(struct key *key)
{
	explicit_bzero(key, sizeof(*key));
}

/*
 * The value of a hexadecimal digit; for other characters a number with bits above 0xf set. No branch and no
 * table depends on the digit, as in wireguard-tools' encoding.c: caches and branch predictors are shared with
 * other processes.
 */
static unsigned int digit_value(unsigned char digit)
{
	unsigned int letter = (digit & ~0x20U) - 'A', number = digit - '0';
	unsigned int is_letter = -(unsigned int)((letter - 6) >> 31 & 1U & ~(letter >> 31));
	unsigned int is_number = -(unsigned int)((number - 10) >> 31 & 1U & ~(number >> 31));

	return (is_letter & (letter + 10)) | (is_number & number) | (~(is_letter | is_number) & 0x100);
}

static bool all_digits(const char *text, size_t n)
{
	unsigned int bad = 0;
	size_t i;

	for (i = 0; i < n; i++)
		bad |= digit_value(text[i]) >> 4;
	return !bad;
}

static void decode(struct key *key, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		key->bytes[i] = digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]);
	key->length = length;
}

static int parse(struct key *key, const char *text, size_t n, size_t length, const char *path,
		 const char *what)
{
	if (n == 0) {
		fail(EINVAL, "%s: %s: the file is empty", what, path);
		hint("copy it from the other site, or make it and copy it there: xdpsec genkey --manual "
		     "--bits %zu",
		     length * 8);
		return -EINVAL;
	}
	if (!all_digits(text, n)) {
		fail(EINVAL, "%s: %s: expected one line of hexadecimal digits", what, path);
		hint("copy it from the other site, or make it and copy it there: xdpsec genkey --manual "
		     "--bits %zu",
		     length * 8);
		return -EINVAL;
	}
	if (n != 2 * length) {
		fail(EINVAL, "%s: %s: the key has %zu bits, the cipher needs %zu", what, path, n * 4,
		     length * 8);
		hint("`xdpsec genkey --manual --bits %zu` makes a key of this length, for both sites; or "
		     "change Cipher at both",
		     length * 8);
		return -EINVAL;
	}
	decode(key, text, length);
	return 0;
}

int key_read(struct key *key, const char *path, size_t length, const char *what)
{
	char text[KEY_FILE_MAX] __attribute__((cleanup(key_file_wipe)));
	size_t n;
	int err = key_file_read(path, what, false, text, &n);

	if (err == -ENOENT)
		hint("copy it from the other site, or make it and copy it there: (umask 077; xdpsec genkey "
		     "--manual --bits %zu >%s)",
		     length * 8, path);
	return err ?: parse(key, text, n, length, path, what);
}

int key_fingerprint(const struct key *key, char fingerprint[FINGERPRINT_HEX])
{
	unsigned char input[sizeof(FINGERPRINT_LABEL) - 1 + KEY_MAX], digest[EVP_MAX_MD_SIZE];
	size_t label = sizeof(FINGERPRINT_LABEL) - 1;
	int i, ok;

	memcpy(input, FINGERPRINT_LABEL, label);
	memcpy(input + label, key->bytes, key->length);
	ok = EVP_Digest(input, label + key->length, digest, NULL, EVP_sha256(), NULL);
	explicit_bzero(input, sizeof(input));
	if (!ok)
		return fail(EIO, "fingerprint of a key: libcrypto has no SHA-256");
	for (i = 0; i < (FINGERPRINT_HEX - 1) / 2; i++)
		sprintf(fingerprint + 2 * i, "%02x", digest[i]);
	return 0;
}
