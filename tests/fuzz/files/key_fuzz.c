// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of the key files: what is taken is that many hexadecimal digits, and is what they say. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key.h"
#include "driver.h"

static const char *const words[] = {
	"00", "ff", "0x", "\n", "\r\n", " ", "\t", "0123456789abcdefABCDEF", NULL
};

/* The bytes that the digits stand for; SIZE_MAX: something else is among them, or one is left over. */
static size_t digits_of(const uint8_t *text, size_t n, uint8_t *bytes)
{
	size_t digits = 0;

	while (n > 0 && isspace(text[n - 1]))
		n--;
	for (; digits < n; digits++) {
		char digit[2] = { (char)text[digits] };

		if (!isxdigit(text[digits]) || digits / 2 >= KEY_MAX)
			return SIZE_MAX;
		bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | strtoul(digit, NULL, 16));
	}
	return digits % 2 ? SIZE_MAX : digits / 2;
}

static void read_key_of(size_t length, const uint8_t *expected, size_t n)
{
	struct key key, before;
	int err;

	memset(&key, 0xa5, sizeof(key));
	before = key;
	err = key_read(&key, driver_path("a.key"), length, "site-a.conf:1: TxKeyFile");
	if (err) {
		driver_check(driver_messages()[0]);
		driver_check(memcmp(&key, &before, sizeof(key)) == 0);
		return;
	}
	driver_check(!driver_messages()[0]);
	driver_check(n == length && key.length == length && memcmp(key.bytes, expected, length) == 0);
	key_wipe(&key);
}

static void read_key(const uint8_t *bytes, size_t n)
{
	uint8_t expected[KEY_MAX] = {};
	size_t length = digits_of(bytes, n, expected);

	driver_write("a.key", bytes, n);
	read_key_of(16, expected, length);
	read_key_of(32, expected, length);
}

int main(int argc, char **argv)
{
	static const struct file_fuzzer fuzzer = {
		.name = "key",
		.short_run = 10000,
		.corpus = "tests/fuzz/files/corpus/key",
		.words = words,
		.read = read_key,
	};

	return driver_main(argc, argv, &fuzzer);
}
