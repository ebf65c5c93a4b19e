// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading keys. Messages and file modes are tested in tests/cli/keys.t, through `xdpsec check`. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "config/key.h"

static char path[] = "/tmp/xdpsec-key-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || close(fd))
		return -1;
	return freopen("/dev/null", "w", stderr) ? 0 : -1;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int read_text(struct key *key, const char *text, size_t n, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	fclose(file);
	return key_read(key, path, length, "test");
}

static void digits_are_decoded(void **state)
{
	static const char text[] = "0123456789abcdefABCDEF9876543210\n";
	static const unsigned char wanted[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
						  0xab, 0xcd, 0xef, 0x98, 0x76, 0x54, 0x32, 0x10 };
	struct key key;

	(void)state;
	assert_int_equal(read_text(&key, text, strlen(text), 16), 0);
	assert_int_equal(key.length, 16);
	assert_memory_equal(key.bytes, wanted, 16);
}

static void every_character_is_judged(void **state)
{
	char text[32];
	struct key key;
	int c, at;

	(void)state;
	for (c = 0; c < 256; c++) {
		for (at = 0; at < 2; at++) {
			memset(text, '0', sizeof(text));
			text[6 + at] = c;
			if ((read_text(&key, text, sizeof(text), 16) == 0) != !!isxdigit(c))
				fail_msg("character 0x%02x at %d: judged wrong", c, at);
			if (isxdigit(c)) {
				unsigned int value = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;

				assert_int_equal(key.bytes[3], at ? value : value << 4);
			}
		}
	}
}

static void lengths_are_exact(void **state)
{
	char text[80];
	struct key key;
	size_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (n = 0; n <= sizeof(text); n++) {
		assert_int_equal(read_text(&key, text, n, 16), n == 32 ? 0 : -EINVAL);
		assert_int_equal(read_text(&key, text, n, 32), n == 64 ? 0 : -EINVAL);
	}
}

static void refused_key_changes_nothing(void **state)
{
	struct key key, before;

	(void)state;
	memset(&key, 0x5a, sizeof(key));
	before = key;
	assert_int_equal(read_text(&key, "0011", 4, 16), -EINVAL);
	assert_memory_equal(&key, &before, sizeof(key));
	assert_int_equal(read_text(&key, "0000000000000000000000000000000g", 32, 16), -EINVAL);
	assert_memory_equal(&key, &before, sizeof(key));
}

static void only_the_end_is_stripped(void **state)
{
	static const char *const bad[] = {
		" 00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff 0",
		"0011223344556677\n8899aabbccddeeff",
		"0x112233445566778899aabbccddeeff",
	};
	static const char good[] = "00112233445566778899aabbccddeeff \t\r\n\n";
	struct key key;
	size_t i;

	(void)state;
	assert_int_equal(read_text(&key, good, strlen(good), 16), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(read_text(&key, bad[i], strlen(bad[i]), 16), -EINVAL);
}

/* Expected values by another program: (printf 'xdpsec key fingerprint 1'; printf '\0\1...') | sha256sum */
static void fingerprint_is_as_documented(void **state)
{
	char fingerprint[FINGERPRINT_HEX];
	struct key key = { .length = 16 };
	int i;

	(void)state;
	for (i = 0; i < KEY_MAX; i++)
		key.bytes[i] = i;
	assert_int_equal(key_fingerprint(&key, fingerprint), 0);
	assert_string_equal(fingerprint, "d5c2f301d8d9024b11bf8aeef1964c95");
	key.length = 32;
	assert_int_equal(key_fingerprint(&key, fingerprint), 0);
	assert_string_equal(fingerprint, "20e4669d2eec8e46c030808d4584707f");
}

static void wiped_key_is_zero(void **state)
{
	static const struct key zero;
	struct key key;

	(void)state;
	memset(&key, 0x5a, sizeof(key));
	key_wipe(&key);
	assert_memory_equal(&key, &zero, sizeof(key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_decoded),	    cmocka_unit_test(every_character_is_judged),
		cmocka_unit_test(lengths_are_exact),	    cmocka_unit_test(refused_key_changes_nothing),
		cmocka_unit_test(only_the_end_is_stripped), cmocka_unit_test(fingerprint_is_as_documented),
		cmocka_unit_test(wiped_key_is_zero),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("keys", tests, make_file, remove_file);
}
