// SPDX-License-Identifier: GPL-2.0-or-later
/* The form of the messages of the key agreement: headers, lengths, and the range of each field. */
#include "agreement_sites.h"
#include "xdpsec/wire.h"

static void each_type_has_one_length(void **state)
{
	static const size_t lengths[256] = { [1] = 176, [2] = 112, [3] = 80, [4] = 32, [5] = 32 };
	uint8_t bytes[512];
	struct message_header header;
	unsigned int type;
	size_t n;

	(void)state;
	for (type = 0; type < 256; type++) {
		message_write_header(bytes, type, SESSION);
		for (n = 0; n <= sizeof(bytes); n++) {
			enum message_refusal want = n < MESSAGE_HEADER_LEN ? REFUSED_LENGTH
						    : !lengths[type]	   ? REFUSED_TYPE
						    : n != lengths[type]   ? REFUSED_LENGTH
									   : ACCEPTED;

			header = (struct message_header){};
			assert_int_equal(message_read_header(&header, bytes, n), want);
			assert_int_equal(header.type, want ? 0 : type);
			assert_int_equal(header.session, want ? 0 : SESSION);
		}
		assert_int_equal(message_length(type), lengths[type]);
	}
}

static void headers_have_one_form(void **state)
{
	uint8_t bytes[CONFIRM_LEN] = {};
	struct message_header header;
	unsigned int version;
	size_t bit;

	(void)state;
	for (version = 0; version < 256; version++) {
		message_write_header(bytes, MESSAGE_ACK, SESSION);
		bytes[5] = version;
		assert_int_equal(message_read_header(&header, bytes, sizeof(bytes)),
				 version == MESSAGE_VERSION ? ACCEPTED : REFUSED_VERSION);
	}
	for (bit = 0; bit < 8 * MESSAGE_HEADER_LEN; bit++) {
		enum message_refusal want = bit < 32 ? REFUSED_TYPE : REFUSED_RESERVED;

		if ((bit >= 32 && bit < 48) || (bit >= 64 && bit < 96))
			continue;
		message_write_header(bytes, MESSAGE_ACK, SESSION);
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(message_read_header(&header, bytes, sizeof(bytes)), want);
	}
}

static void refusals_have_names_of_their_own(void **state)
{
	int i, k;

	(void)state;
	for (i = ACCEPTED; i < MESSAGE_REFUSAL_COUNT; i++) {
		assert_int_equal(strspn(message_refusal_name(i), "abcdefghijklmnopqrstuvwxyz_0123456789"),
				 strlen(message_refusal_name(i)));
		assert_true(strlen(message_refusal_text(i)) > 0);
		for (k = ACCEPTED; k < i; k++)
			assert_string_not_equal(message_refusal_name(i), message_refusal_name(k));
	}
	assert_string_equal(message_refusal_name(MESSAGE_REFUSAL_COUNT), "unknown");
	for (i = DENIAL_NONE; i < DENIAL_COUNT; i++)
		assert_string_not_equal(denial_text(i), denial_text(DENIAL_COUNT));
}

static enum message_refusal offer(struct initiation_payload payload, uint32_t session)
{
	struct secret ephemeral = random_secret();
	uint8_t message[INITIATION_LEN];
	struct initiation made;
	struct opening opening;
	struct initiation_payload taken;

	assert_int_equal(initiation_make(&made, message, &site_i.identity, &site_r.identity.public_key,
					 &site_r.keys, session, &payload, &ephemeral, NULL),
			 0);
	return take(message, &opening, &taken);
}

#define expect_offer(want, ...)                                                                              \
	do {                                                                                                 \
		struct initiation_payload changed = offered, *p = &changed;                                  \
		__VA_ARGS__;                                                                                 \
		assert_int_equal(offer(changed, session), want);                                             \
	} while (0)

static void ranges_of_an_initiation_are_checked(void **state)
{
	uint32_t session = SESSION;

	(void)state;
	expect_offer(ACCEPTED, (void)p);
	expect_offer(REFUSED_MALFORMED, p->generation = 0);
	expect_offer(ACCEPTED, p->generation = GENERATION_END - 1);
	expect_offer(REFUSED_MALFORMED, p->generation = GENERATION_END);
	expect_offer(REFUSED_MALFORMED, p->generation = UINT32_MAX);
	expect_offer(REFUSED_MALFORMED, p->suites = 0);
	expect_offer(ACCEPTED, p->suites = 0x80);
	expect_offer(REFUSED_MALFORMED, p->reject_after = 0);
	expect_offer(REFUSED_MALFORMED, p->reject_after = 179);
	expect_offer(ACCEPTED, p->reject_after = 180);
	expect_offer(ACCEPTED, p->reject_after = 65535);
	expect_offer(ACCEPTED, p->carries = CARRIES_INLINE);
	expect_offer(REFUSED_MALFORMED, p->carries = 0);
	expect_offer(REFUSED_MALFORMED, p->carries = 41);
	expect_offer(ACCEPTED, p->binding = XDPSEC_BIND_ADDRESSES);
	expect_offer(REFUSED_MALFORMED, p->binding = 3);
	expect_offer(ACCEPTED, p->life = 0);
	session = 255;
	expect_offer(REFUSED_MALFORMED, (void)p);
	session = 0;
	expect_offer(REFUSED_MALFORMED, (void)p);
	session = 256;
	expect_offer(ACCEPTED, (void)p);
}

static enum message_refusal answer(struct response_payload payload)
{
	struct secret ephemeral = random_secret();
	struct initiation_payload taken;
	struct response_payload read, before;
	struct opening opening;
	enum message_refusal refusal;
	size_t used;

	assert_int_equal(take(first, &opening, &taken), ACCEPTED);
	assert_int_equal(response_make(&result_r, second, &opening, &site_i.keys, &payload, &ephemeral, &psk),
			 0);
	memset(&read, 0xa5, sizeof(read));
	before = read;
	refusal = conclude(second, &psk, 1, &used, &read);
	if (refusal)
		assert_memory_equal(&read, &before, sizeof(read));
	return refusal;
}

#define expect_answer(want, ...)                                                                             \
	do {                                                                                                 \
		struct response_payload changed = chosen, *p = &changed;                                     \
		__VA_ARGS__;                                                                                 \
		assert_int_equal(answer(changed), want);                                                     \
	} while (0)

static void ranges_of_a_response_are_checked(void **state)
{
	(void)state;
	offered.generation = chosen.generation = 7;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	expect_answer(ACCEPTED, (void)p);
	expect_answer(REFUSED_MALFORMED, p->spi = 0);
	expect_answer(REFUSED_MALFORMED, p->spi = 255);
	expect_answer(ACCEPTED, p->spi = 256);
	expect_answer(REFUSED_MALFORMED, p->generation = 6);
	expect_answer(ACCEPTED, p->generation = GENERATION_END - 1);
	expect_answer(REFUSED_MALFORMED, p->generation = GENERATION_END);
	expect_answer(REFUSED_MALFORMED, p->carries = CARRIES_INLINE);
	expect_answer(REFUSED_MALFORMED, p->binding = XDPSEC_BIND_PORTS);
	expect_answer(REFUSED_MALFORMED, p->suite = SUITE_AES_128_OCB | SUITE_AES_256_OCB);
	expect_answer(REFUSED_MALFORMED, p->suite = SUITE_AES_128_GCM);
	expect_answer(REFUSED_MALFORMED, p->suite = 0x80);
	expect_answer(ACCEPTED, p->suite = SUITE_AES_256_OCB);
	expect_answer(ACCEPTED, p->reject_after = 180);
	expect_answer(REFUSED_MALFORMED, p->reject_after = 179);
	expect_answer(REFUSED_MALFORMED, p->reject_after = 541);
	/* A reason beside a suite is not looked at. */
	expect_answer(ACCEPTED, p->denial = 200);
}

static void refusal_has_a_reason_and_no_keys(void **state)
{
	static const struct handshake_result none;
	unsigned int reason;

	(void)state;
	for (reason = 0; reason < 256; reason++) {
		enum message_refusal want = reason && reason < DENIAL_COUNT ? ACCEPTED : REFUSED_MALFORMED;

		expect_answer(want, p->suite = 0, p->spi = 0, p->denial = reason);
		assert_memory_equal(&result_r, &none, sizeof(none));
		if (want == ACCEPTED)
			assert_memory_equal(&result_i, &none, sizeof(none));
	}
	/* The responder says what it has. */
	expect_answer(ACCEPTED, p->suite = 0, p->spi = 0, p->denial = DENIAL_CARRIES,
		      p->carries = CARRIES_INLINE);
	expect_answer(REFUSED_MALFORMED, p->suite = 0, p->denial = DENIAL_SUITE);
	expect_answer(REFUSED_MALFORMED, p->suite = 0, p->spi = 0, p->denial = DENIAL_SUITE,
		      p->generation = 2);
}

static void key_lengths_follow_the_suite(void **state)
{
	static const uint8_t lengths[256] = { [1] = 16, [2] = 32, [4] = 16, [8] = 32 };
	static const uint8_t order[] = { SUITE_AES_256_OCB, SUITE_AES_128_OCB };
	unsigned int suite;

	(void)state;
	for (suite = 0; suite < 256; suite++)
		assert_int_equal(suite_key_length(suite), lengths[suite]);
	expect_answer(ACCEPTED, p->suite = SUITE_AES_256_OCB);
	assert_int_equal(result_i.send.length, 32);
	expect_same_keys();
	assert_int_equal(suite_choose(3, order, 2), SUITE_AES_256_OCB);
	assert_int_equal(suite_choose(0xfd, order, 2), SUITE_AES_128_OCB);
	assert_int_equal(suite_choose(0xfc, order, 2), 0);
	assert_int_equal(suite_choose(3, order, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_one_length),
		cmocka_unit_test(headers_have_one_form),
		cmocka_unit_test(refusals_have_names_of_their_own),
		after_a_handshake(ranges_of_an_initiation_are_checked),
		after_a_handshake(ranges_of_a_response_are_checked),
		after_a_handshake(refusal_has_a_reason_and_no_keys),
		after_a_handshake(key_lengths_follow_the_suite),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("messages", tests, sites_set_up, sites_tear_down);
}
