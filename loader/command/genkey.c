// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec genkey: print a random key in the format of key files. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "command/commands.h"
#include "config/key.h"

static void warn_if_exposed(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 077))
		return;
	warning("standard output: permissions %04o are too open: others can read the key",
		st.st_mode & 07777);
	hint("run `umask 077` before, or `chmod 600` on the file now; `xdpsec up` refuses it otherwise");
}

/* No stdio: its buffers would keep a copy of the key. */
static int write_all(const char *text, size_t n)
{
	ssize_t written;

	while (n) {
		written = write(STDOUT_FILENO, text, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail(errno, "standard output: %s", strerror(errno));
		text += written;
		n -= written;
	}
	return 0;
}

int command_genkey(const struct options *options)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * KEY_MAX + 1];
	_cleanup_key_ struct key key = { .length = options->key_bits / 8 };
	size_t i;
	int err;

	warn_if_exposed();
	/* Up to 256 bytes are returned completely or not at all (getrandom(2)). */
	if (getrandom(key.bytes, key.length, 0) != (ssize_t)key.length)
		return fail(errno, "getrandom: %s", strerror(errno));
	for (i = 0; i < key.length; i++) {
		text[2 * i] = digits[key.bytes[i] >> 4];
		text[2 * i + 1] = digits[key.bytes[i] & 15];
	}
	text[2 * key.length] = '\n';
	err = write_all(text, 2 * key.length + 1);
	explicit_bzero(text, sizeof(text));
	return err;
}
