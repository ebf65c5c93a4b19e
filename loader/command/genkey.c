// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec genkey, pubkey and genpsk: make keys, in the format of key files. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/message.h"
#include "command/commands.h"
#include "command/secret_output.h"
#include "config/key.h"
#include "config/key32.h"
#include "config/key_file.h"

/* Up to 256 bytes are returned completely or not at all (getrandom(2)). */
static int make_random(unsigned char *bytes, size_t n)
{
	return getrandom(bytes, n, 0) == (ssize_t)n ? 0 : fail(errno, "getrandom: %s", strerror(errno));
}

static int print_manual(size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * KEY_MAX + 1];
	_cleanup_key_ struct key key = { .length = length };
	size_t i;
	int err = make_random(key.bytes, length);

	if (err)
		return err;
	for (i = 0; i < length; i++) {
		text[2 * i] = digits[key.bytes[i] >> 4];
		text[2 * i + 1] = digits[key.bytes[i] & 15];
	}
	text[2 * length] = '\n';
	err = secret_output_write(STDOUT_FILENO, "standard output", text, 2 * length + 1);
	explicit_bzero(text, sizeof(text));
	return err;
}

static int print_key32(const unsigned char key[KEY32_BYTES])
{
	char text[KEY32_TEXT + 1];
	int err;

	key32_encode(key, text);
	text[KEY32_TEXT] = '\n';
	err = secret_output_write(STDOUT_FILENO, "standard output", text, sizeof(text));
	explicit_bzero(text, sizeof(text));
	return err;
}

static int print_random(bool is_private)
{
	_cleanup_key32_ unsigned char key[KEY32_BYTES];
	int err = make_random(key, sizeof(key));

	if (err)
		return err;
	if (is_private)
		key32_clamp(key);
	return print_key32(key);
}

int command_genkey(const struct options *options)
{
	if (options->key_bits && !options->manual) {
		fail(EINVAL, "genkey: --bits: only manual keys have 128 or 256 bits");
		hint("xdpsec genkey --manual --bits %u", options->key_bits);
		return EXIT_USAGE;
	}
	secret_output_warn();
	return options->manual ? print_manual(options->key_bits ? options->key_bits / 8 : 16)
			       : print_random(true);
}

int command_genpsk(const struct options *options)
{
	(void)options;
	secret_output_warn();
	return print_random(false);
}

int command_pubkey(const struct options *options)
{
	_cleanup_key32_ unsigned char private_key[KEY32_BYTES];
	unsigned char public_key[KEY32_BYTES];
	char text[KEY_FILE_MAX] __attribute__((cleanup(key_file_wipe)));
	size_t n;
	int err = key_file_read_input(text, &n);

	(void)options;
	if (err)
		return err;
	if (key32_parse(text, n, private_key)) {
		fail(EINVAL, "standard input: expected one private key of 32 bytes in base64, 44 characters");
		hint("xdpsec pubkey <site-a.key; `xdpsec genkey` makes the private key");
		return -EINVAL;
	}
	err = key32_public(private_key, public_key);
	return err ?: print_key32(public_key);
}
