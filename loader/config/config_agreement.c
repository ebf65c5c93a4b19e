// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of the configuration file for the key agreement. No message repeats a secret. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/message.h"
#include "config/config_parse.h"
#include "config/key_file.h"

#define NOT_BASE64 "expected 32 bytes in base64, 44 characters"

/* The names of the suites, by their bits. */
static const struct {
	const char *name;
	unsigned char suite;
	unsigned char key_length;
} ciphers[] = {
	{ "aes-128-ocb", SUITE_AES_128_OCB, 16 },
	{ "aes-256-ocb", SUITE_AES_256_OCB, 32 },
};

const char *suite_name(unsigned int suite)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
		if (ciphers[i].suite == suite)
			return ciphers[i].name;
	return "unknown";
}

static int refuse_twice(const struct config_line *where, const char *other, int line)
{
	return fail_at(where, "given beside %s in line %d: only one of them is possible", other, line);
}

int set_private_key_file(struct config *config, const struct config_line *where, char *value)
{
	int line = config->private_key_line;

	config->private_key_line = where->line;
	if (line)
		return refuse_twice(where, "PrivateKey", line);
	return value_path(where, value, config->private_key_file);
}

int set_psk_file(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	int line = peer->psk_line;

	peer->psk_line = where->line;
	if (line)
		return refuse_twice(where, "PresharedKey", line);
	return value_path(where, value, peer->psk_file);
}

/* A secret in the configuration itself, which nobody else may be able to read then. */
static int value_secret(const struct config_line *where, const char *value, const char *command,
			unsigned char key[KEY32_BYTES])
{
	char what[PATH_MAX + 64];
	int err;

	snprintf(what, sizeof(what), "%s:%d: %s", where->path, where->line, where->key);
	err = key_file_check_private(where->path, what);
	if (err)
		return err;
	if (key32_decode(value, key)) {
		fail_at(where, NOT_BASE64);
		hint("xdpsec %s makes one; a file with it is named by %sFile", command, where->key);
		return -EINVAL;
	}
	if (!key32_is_zero(key))
		return 0;
	fail_at(where, "the key is all zero");
	hint("xdpsec %s", command);
	return -EINVAL;
}

int set_private_key(struct config *config, const struct config_line *where, char *value)
{
	int line = config->private_key_line, err;

	config->private_key_line = where->line;
	if (line)
		return refuse_twice(where, "PrivateKeyFile", line);
	err = value_secret(where, value, "genkey", config->private_key);
	config->has_private_key = !err;
	return err;
}

int set_psk(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	int line = peer->psk_line, err;

	peer->psk_line = where->line;
	if (line)
		return refuse_twice(where, "PresharedKeyFile", line);
	err = value_secret(where, value, "genpsk", peer->psk);
	peer->has_psk = !err;
	return err;
}

static int refuse_public_key(const struct config_line *where, const char *value, const char *why)
{
	fail_at(where, "%s: %s", value, why);
	hint("what `xdpsec pubkey` prints for the private key of the other site");
	return -EINVAL;
}

int set_public_key(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	unsigned char key[KEY32_BYTES];
	char text[KEY32_TEXT + 1];

	/* A key that is refused is not missing as well. */
	peer->agreed = config->agreed = true;
	peer->public_key_line = where->line;
	if (key32_decode(value, key))
		return refuse_public_key(where, value, "not a public key: " NOT_BASE64);
	if (key32_is_zero(key))
		return refuse_public_key(where, value, "the key is all zero");
	if (key32_is_low_order(key))
		return refuse_public_key(where, value,
					 "a point of low order: what is agreed with it is no secret");
	if (key[KEY32_BYTES - 1] & 0x80) {
		key[KEY32_BYTES - 1] &= 0x7f;
		key32_encode(key, text);
		fail_at(where, "%s: bit 255 is set, which X25519 ignores", value);
		hint("the same key without it is %s", text);
		return -EINVAL;
	}
	memcpy(peer->public_key, key, sizeof(key));
	return 0;
}

int set_reject_after(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number;

	config->reject_after_line = where->line;
	if (!value_number(value, REJECT_AFTER_MAX, &number) || number < REJECT_AFTER_MIN) {
		fail_at(where, "%s: not a number of seconds from %d to %d", value, REJECT_AFTER_MIN,
			REJECT_AFTER_MAX);
		hint("%d is the default; a new key is agreed on every two minutes, whatever this is",
		     REJECT_AFTER);
		return -EINVAL;
	}
	config->reject_after = (unsigned int)number;
	return 0;
}

int set_idle(struct config *config, const struct config_line *where, char *value)
{
	config->idle_line = where->line;
	if (strcmp(value, "keyed") != 0 && strcmp(value, "silent") != 0) {
		fail_at(where, "%s: neither keyed nor silent", value);
		hint("keyed: there is always a key; silent: no handshake while nothing is sent, and the "
		     "first packets after that are dropped");
		return -EINVAL;
	}
	config->idle_silent = value[0] == 's';
	return 0;
}

static int add_cipher(struct peer_config *peer, const struct config_line *where, const char *name)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(ciphers); i++)
		if (!strcmp(ciphers[i].name, name))
			break;
	if (i == ARRAY_SIZE(ciphers)) {
		fail_at(where, "%s: not a cipher", name);
		hint("aes-128-ocb or aes-256-ocb");
		/* The length of its manual keys is unknown. */
		peer->key_length = 0;
		return -EINVAL;
	}
	for (j = 0; j < peer->n_suites; j++)
		if (peer->suites[j] == ciphers[i].suite)
			return fail_at(where, "%s: given twice", name);
	if (!peer->n_suites) {
		peer->key_length = ciphers[i].key_length;
		strcpy(peer->cipher, name);
	}
	peer->suites[peer->n_suites++] = ciphers[i].suite;
	return 0;
}

int set_cipher(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	char *item;
	int err = 0;

	peer->cipher_line = where->line;
	while (!err && (item = value_next(&value)))
		err = add_cipher(peer, where, item);
	return err;
}
