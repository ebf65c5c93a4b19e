// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The five messages of the key agreement, byte by byte: the example of docs/agreement.md, and random ones both ways
 * against tests/agreement/oracle.py.
 */
#include <openssl/evp.h>

#include "agreement_sites.h"
#include "other_end.h"
#include "xdpsec/wire.h"

enum { ROUNDS = 40 };

/* Digests and keys by another implementation: `tests/agreement/oracle.py example`. */
static void expect_digest(const void *bytes, size_t n, const char *want)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	assert_int_equal(EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL), 1);
	assert_string_equal(hex(digest, 16), want);
}

static void example_is_that_of_the_page(void **state)
{
	static const uint8_t nonce[32] = { [0 ... 31] = 6 };
	const struct cookie_source source = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 };
	struct cookie_secrets secrets = {};
	struct secret secret = filled_with(7);
	uint8_t message[COOKIE_LEN];
	struct cookie cookie;

	(void)state;
	expect_digest(second, sizeof(second), "e62d25b16941865dbc6f93f235deb4ef");
	expect_digest(result_i.proofs.confirm, CONFIRM_LEN, "2ae8cb6054c35e9d596afb43a708b6bf");
	expect_digest(result_r.proofs.ack, CONFIRM_LEN, "9aecbac3b02e837b32e1befa28ca5310");
	assert_int_equal(result_i.send.length, 16);
	assert_string_equal(hex(result_i.send.bytes, 16), "759652ca6bdcdb73cc1233ef68523c93");
	assert_string_equal(hex(result_r.send.bytes, 16), "5eb1feb791432215037eef3153b03388");
	cookie_secrets_renew(&secrets, &secret, 1);
	assert_int_equal(cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce), 0);
	expect_digest(message, sizeof(message), "d85ad29035e03f1d42b8dcd4736d1036");
	assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, initiation.mac1), 0);
	assert_int_equal(initiate(filled_with(2), &cookie), 0);
	expect_digest(first, sizeof(first), "f4d7470c3e5bc651139dda3a7b4ba4f9");
}

static void random_terms(void)
{
	static const uint8_t suites[] = { SUITE_AES_128_OCB, SUITE_AES_256_OCB, SUITE_AES_128_GCM,
					  SUITE_AES_256_GCM };

	repeatable(&offered.timestamp, sizeof(offered.timestamp));
	offered.generation = 1 + repeatable_below(GENERATION_END - 1);
	repeatable(&offered.life, sizeof(offered.life));
	offered.carries = repeatable_below(2) ? CARRIES_TUNNEL : CARRIES_INLINE;
	offered.binding = repeatable_below(3);
	offered.suites = 1 + repeatable_below(15);
	offered.reject_after = REJECT_AFTER_MIN + repeatable_below(0x10000 - REJECT_AFTER_MIN);
	chosen.spi = XDPSEC_SPI_MIN + repeatable_below(UINT32_MAX - XDPSEC_SPI_MIN);
	chosen.generation = offered.generation + repeatable_below(GENERATION_END - offered.generation);
	repeatable(&chosen.life, sizeof(chosen.life));
	chosen.carries = offered.carries;
	chosen.binding = offered.binding;
	chosen.suite = suite_choose(offered.suites, suites, ARRAY_SIZE(suites));
	chosen.reject_after = REJECT_AFTER_MIN +
			      repeatable_below(offered.reject_after - REJECT_AFTER_MIN + 1);
}

static const char *terms_of_initiation(void)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "timestamp=%s generation=#%u life=#%llu carries=#%u binding=#%u suites=#%u reject_after=#%u",
		 hex(&offered.timestamp, TIMESTAMP_LEN), offered.generation, (unsigned long long)offered.life,
		 offered.carries, offered.binding, offered.suites, offered.reject_after);
	return text;
}

static const char *terms_of_response(void)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "spi=#%u generation=#%u life=#%llu carries=#%u binding=#%u suite=#%u reason=#%u "
		 "reject_after=#%u",
		 chosen.spi, chosen.generation, (unsigned long long)chosen.life, chosen.carries,
		 chosen.binding, chosen.suite, chosen.denial, chosen.reject_after);
	return text;
}

/* Everything that a handshake gives, from this end's point of view. */
static void expect_results(const struct handshake_result *result, bool initiator)
{
	uint8_t want[64];
	size_t n = suite_key_length(chosen.suite);

	assert_int_equal(result->send.length, n);
	assert_int_equal(result->receive.length, n);
	other_end_bytes(initiator ? "i_r" : "r_i", want, n);
	assert_memory_equal(result->send.bytes, want, n);
	other_end_bytes(initiator ? "r_i" : "i_r", want, n);
	assert_memory_equal(result->receive.bytes, want, n);
	other_end_bytes("confirm", want, CONFIRM_LEN);
	assert_true(confirm_right(&result->proofs, want));
	other_end_bytes("ack", want, CONFIRM_LEN);
	assert_true(ack_right(&result->proofs, want));
}

static void python_responds(void)
{
	struct secret ephemeral = random_secret();
	struct response_payload read = {};
	size_t used;

	assert_int_equal(initiate(random_secret(), NULL), 0);
	assert_true(other_end_ask("open s=%s message=%s", hex(&site_r.identity.private_key, 32),
				  hex(first, sizeof(first))));
	assert_int_equal(other_end_number("generation"), offered.generation);
	assert_int_equal(other_end_number("life"), offered.life);
	assert_int_equal(other_end_number("carries"), offered.carries);
	assert_int_equal(other_end_number("binding"), offered.binding);
	assert_int_equal(other_end_number("suites"), offered.suites);
	assert_int_equal(other_end_number("reject_after"), offered.reject_after);
	assert_int_equal(other_end_number("session"), SESSION);
	assert_true(other_end_ask("respond e=%s psk=%s %s", hex(&ephemeral, 32), hex(&psk, 32),
				  terms_of_response()));
	other_end_bytes("message", second, sizeof(second));
	assert_int_equal(conclude(second, &psk, 1, &used, &read), ACCEPTED);
	assert_memory_equal(&read, &chosen, sizeof(read));
	expect_results(&result_i, true);
}

static void python_initiates(void)
{
	struct opening opening;
	struct initiation_payload taken = {};
	struct secret ephemeral = random_secret();

	assert_true(other_end_ask("initiation s=%s e=%s peer=%s session=#%u %s",
				  hex(&site_i.identity.private_key, 32), hex(&ephemeral, 32),
				  hex(&site_r.identity.public_key, 32), SESSION, terms_of_initiation()));
	other_end_bytes("message", first, sizeof(first));
	assert_int_equal(take(first, &opening, &taken), ACCEPTED);
	assert_memory_equal(&taken, &offered, sizeof(taken));
	assert_int_equal(opening.session, SESSION);
	assert_int_equal(respond(&opening, random_secret()), 0);
	assert_true(other_end_ask("consume psk=%s message=%s", hex(&psk, 32), hex(second, sizeof(second))));
	assert_int_equal(other_end_number("spi"), chosen.spi);
	assert_int_equal(other_end_number("life"), chosen.life);
	expect_results(&result_r, false);
}

static void either_end_may_be_python(void **state)
{
	int round;

	(void)state;
	if (!have_other_end)
		skip();
	for (round = 0; round < ROUNDS; round++) {
		make_site(&site_i, random_secret());
		make_site(&site_r, random_secret());
		psk = random_secret();
		random_terms();
		python_responds();
		python_initiates();
	}
}

static void cookies_are_those_of_python(void **state)
{
	struct cookie_source source = { .port = 4500 };
	struct cookie_secrets secrets = {};
	struct secret secret = random_secret(), copy = secret, nonce = random_secret();
	uint8_t message[COOKIE_LEN], want[COOKIE_LEN];
	struct cookie cookie;
	int v6;

	(void)state;
	if (!have_other_end)
		skip();
	cookie_secrets_renew(&secrets, &secret, 1);
	for (v6 = 0; v6 < 2; v6++) {
		repeatable(source.address, sizeof(source.address));
		if (!v6)
			memcpy(source.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		assert_int_equal(
			cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce.bytes), 0);
		assert_true(other_end_ask(
			"cookie secret=%s address=%s port=#4500 peer=%s nonce=%s message=%s", hex(&copy, 32),
			hex(source.address + (v6 ? 0 : 12), v6 ? 16 : 4),
			hex(&site_r.identity.public_key, 32), hex(&nonce, 32), hex(first, sizeof(first))));
		other_end_bytes("message", want, sizeof(want));
		assert_memory_equal(message, want, sizeof(want));
		assert_int_equal(cookie_message_open(&cookie, want, &site_r.keys, first + INITIATION_MAC1),
				 0);
		other_end_bytes("cookie", want, MAC_LEN);
		assert_memory_equal(&cookie, want, MAC_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		after_a_handshake(example_is_that_of_the_page),
		after_a_handshake(either_end_may_be_python),
		after_a_handshake(cookies_are_those_of_python),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("messages of another implementation", tests, other_end_set_up,
					   other_end_tear_down);
}
