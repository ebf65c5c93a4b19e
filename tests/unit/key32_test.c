// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys of 32 bytes: base64, judged strictly, and public keys of low order. Messages are tested in tests/cli. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "config/key32.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Bytes 0 to 31, by another program: printf '\0\1...' | base64 */
static const char counted_text[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

static void base64_is_as_another_program_has_it(void **state)
{
	unsigned char counted[KEY32_BYTES], key[KEY32_BYTES];
	char text[KEY32_TEXT + 1];

	(void)state;
	for (int i = 0; i < KEY32_BYTES; i++)
		counted[i] = (unsigned char)i;
	key32_encode(counted, text);
	assert_string_equal(text, counted_text);
	assert_int_equal(key32_decode(counted_text, key), 0);
	assert_memory_equal(key, counted, sizeof(key));
}

/* Every character at each place. At the last one, two bits belong to no byte, so 16 of 64 characters are right. */
static void every_character_is_judged(void **state)
{
	char text[KEY32_TEXT + 1];
	unsigned char key[KEY32_BYTES];

	(void)state;
	for (size_t at = 0; at < KEY32_TEXT; at++) {
		for (int c = 1; c < 256; c++) {
			const char *digit = strchr(alphabet, c);
			bool wanted = at == KEY32_TEXT - 1   ? c == '='
				      : at == KEY32_TEXT - 2 ? digit && (digit - alphabet) % 4 == 0
							     : digit != NULL;

			strcpy(text, counted_text);
			text[at] = (char)c;
			if ((key32_decode(text, key) == 0) != wanted)
				fail_msg("character 0x%02x at %zu: judged wrong", c, at);
		}
	}
}

static void only_44_characters_are_a_key(void **state)
{
	char text[100];
	unsigned char key[KEY32_BYTES];

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		memset(text, 'A', sizeof(text));
		text[n] = '\0';
		assert_int_equal(key32_decode(text, key), -EINVAL);
		if (n)
			text[n - 1] = '=';
		assert_int_equal(key32_decode(text, key), n == KEY32_TEXT ? 0 : -EINVAL);
	}
}

static void refused_text_changes_nothing(void **state)
{
	unsigned char key[KEY32_BYTES], before[KEY32_BYTES];

	(void)state;
	memset(key, 0x5a, sizeof(key));
	memcpy(before, key, sizeof(key));
	assert_int_equal(key32_decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", key), -EINVAL);
	assert_memory_equal(key, before, sizeof(key));
}

static void white_space_around_is_allowed(void **state)
{
#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	static const char *const good[] = { " \t\r\n" KEY_TEXT "\n", KEY_TEXT, KEY_TEXT " \r\n\n" };
	static const char *const bad[] = { "",
					   " ",
					   KEY_TEXT KEY_TEXT,
					   KEY_TEXT "\n" KEY_TEXT,
					   "x" KEY_TEXT,
					   KEY_TEXT "x",
					   "AAECAwQFBgcICQoLDA0O DxAREhMUFRYXGBkaGxwdHh8=" };
	unsigned char key[KEY32_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(key32_parse(good[i], strlen(good[i]), key), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(key32_parse(bad[i], strlen(bad[i]), key), -EINVAL);
	/* Characters behind the first n are not looked at. */
	assert_int_equal(key32_parse(KEY_TEXT "x", KEY32_TEXT, key), 0);
}

static void read_hex(const char *text, unsigned char bytes[KEY32_BYTES])
{
	unsigned int byte;

	for (int i = 0; i < KEY32_BYTES; i++) {
		assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
		bytes[i] = (unsigned char)byte;
	}
}

/* All points of small order of the curve and its twist, with the values that stand for the same field element. */
static void points_of_low_order_are_known(void **state)
{
	static const char *const low[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	/* The base point, and the public keys of RFC 7748 section 6.1. */
	static const char *const usual[] = {
		"0900000000000000000000000000000000000000000000000000000000000000",
		"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
		"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	};
	unsigned char key[KEY32_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(low); i++) {
		read_hex(low[i], key);
		assert_true(key32_is_low_order(key));
		key[31] |= 0x80;
		assert_true(key32_is_low_order(key));
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		read_hex(usual[i], key);
		assert_false(key32_is_low_order(key));
	}
}

static void zero_is_known(void **state)
{
	unsigned char key[KEY32_BYTES] = {};

	(void)state;
	assert_true(key32_is_zero(key));
	for (int i = 0; i < KEY32_BYTES; i++) {
		key[i] = 1;
		assert_false(key32_is_zero(key));
		key[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_as_another_program_has_it),
		cmocka_unit_test(every_character_is_judged),
		cmocka_unit_test(only_44_characters_are_a_key),
		cmocka_unit_test(refused_text_changes_nothing),
		cmocka_unit_test(white_space_around_is_allowed),
		cmocka_unit_test(points_of_low_order_are_known),
		cmocka_unit_test(zero_is_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("keys of 32 bytes", tests, NULL, NULL);
}
