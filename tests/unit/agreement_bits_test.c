// SPDX-License-Identifier: GPL-2.0-or-later
/* No bit of any message of the key agreement can be changed. */
#include <errno.h>

#include "agreement_sites.h"

/* All that an Initiation or a Response could change. */
struct everything {
	struct site i, r;
	struct initiation initiation;
	struct handshake_result result;
};

static void remember(struct everything *everything)
{
	memset(everything, 0, sizeof(*everything));
	everything->i = site_i;
	everything->r = site_r;
	everything->initiation = initiation;
	everything->result = result_i;
}

static void expect_unchanged(const struct everything *before)
{
	assert_memory_equal(&before->i, &site_i, sizeof(site_i));
	assert_memory_equal(&before->r, &site_r, sizeof(site_r));
	assert_memory_equal(&before->initiation, &initiation, sizeof(initiation));
	assert_memory_equal(&before->result, &result_i, sizeof(result_i));
}

static void expect_initiation_refused(const uint8_t *message, enum message_refusal least)
{
	static const struct opening no_opening;
	struct opening opening = {};
	struct initiation_payload payload, before;
	enum message_refusal refusal;

	memset(&payload, 0xa5, sizeof(payload));
	before = payload;
	refusal = take(message, &opening, &payload);
	if (refusal < least || refusal > REFUSED_DECRYPT)
		fail_msg("%s", message_refusal_name(refusal));
	assert_memory_equal(&payload, &before, sizeof(payload));
	assert_memory_equal(&opening, &no_opening, sizeof(opening));
}

static void no_bit_of_an_initiation_can_be_changed(void **state)
{
	struct everything before;
	size_t bit;

	(void)state;
	remember(&before);
	for (bit = 0; bit < 8 * INITIATION_MAC2; bit++) {
		uint8_t changed[INITIATION_LEN];

		memcpy(changed, first, sizeof(changed));
		changed[bit / 8] ^= 1 << bit % 8;
		expect_initiation_refused(changed, REFUSED_LENGTH);
		/* And by somebody who knows the receiver's public key. */
		if (bit < 8 * INITIATION_MAC1) {
			assert_int_equal(mac1_write(changed, INITIATION_MAC1, &site_r.keys), 0);
			expect_initiation_refused(changed, REFUSED_LENGTH);
		}
	}
	expect_unchanged(&before);
}

/* An answer is found by its Session before all else. */
static bool header_refused(const uint8_t *message, size_t n, enum message_type type, uint32_t session)
{
	struct message_header header;

	return message_read_header(&header, message, n) || header.type != type || header.session != session;
}

static void expect_response_refused(const uint8_t *message, size_t n_psks)
{
	struct response_payload payload, before;
	enum message_refusal refusal;
	size_t used = 9;

	memset(&payload, 0xa5, sizeof(payload));
	before = payload;
	refusal = conclude(message, &psk, n_psks, &used, &payload);
	if (refusal != REFUSED_BAD_MAC1 && refusal != REFUSED_DECRYPT && refusal != REFUSED_LOW_ORDER)
		fail_msg("%s", message_refusal_name(refusal));
	assert_memory_equal(&payload, &before, sizeof(payload));
	assert_int_equal(used, 9);
}

static void no_bit_of_a_response_can_be_changed(void **state)
{
	struct everything before;
	size_t bit;

	(void)state;
	remember(&before);
	for (bit = 0; bit < 8 * RESPONSE_LEN; bit++) {
		uint8_t changed[RESPONSE_LEN];

		memcpy(changed, second, sizeof(changed));
		changed[bit / 8] ^= 1 << bit % 8;
		if (header_refused(changed, sizeof(changed), MESSAGE_RESPONSE, SESSION))
			continue;
		assert_true(bit / 8 >= MESSAGE_HEADER_LEN);
		expect_response_refused(changed, 1);
		if (bit < 8 * RESPONSE_MAC1) {
			assert_int_equal(mac1_write(changed, RESPONSE_MAC1, &site_i.keys), 0);
			expect_response_refused(changed, 1);
		}
	}
	expect_unchanged(&before);
}

static void no_bit_of_a_proof_can_be_changed(void **state)
{
	uint8_t confirm[CONFIRM_LEN], ack[CONFIRM_LEN];
	size_t bit;

	(void)state;
	for (bit = 0; bit < 8 * CONFIRM_LEN; bit++) {
		memcpy(confirm, result_i.proofs.confirm, CONFIRM_LEN);
		memcpy(ack, result_r.proofs.ack, CONFIRM_LEN);
		assert_true(confirm_right(&result_r.proofs, confirm));
		assert_true(ack_right(&result_i.proofs, ack));
		confirm[bit / 8] ^= 1 << bit % 8;
		ack[bit / 8] ^= 1 << bit % 8;
		assert_false(confirm_right(&result_r.proofs, confirm));
		assert_false(ack_right(&result_i.proofs, ack));
	}
	/* Neither is taken for the other. */
	assert_false(confirm_right(&result_r.proofs, result_r.proofs.ack));
	assert_false(ack_right(&result_i.proofs, result_i.proofs.confirm));
	assert_false(header_refused(result_i.proofs.confirm, CONFIRM_LEN, MESSAGE_CONFIRM, SPI));
	assert_false(header_refused(result_i.proofs.ack, CONFIRM_LEN, MESSAGE_ACK, SESSION));
}

static void no_bit_of_a_cookie_message_can_be_changed(void **state)
{
	const struct cookie_source source = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 };
	struct cookie_secrets secrets = {};
	struct secret secret = random_secret(), nonce = random_secret();
	uint8_t message[COOKIE_LEN], mac1[MAC_LEN];
	struct cookie cookie, before;
	size_t bit;

	(void)state;
	assert_int_equal(cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce.bytes),
			 -EAGAIN);
	cookie_secrets_renew(&secrets, &secret, 1);
	assert_int_equal(cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce.bytes),
			 0);
	memset(&cookie, 0xa5, sizeof(cookie));
	before = cookie;
	for (bit = 0; bit < 8 * COOKIE_LEN; bit++) {
		message[bit / 8] ^= 1 << bit % 8;
		if (bit / 8 < MESSAGE_HEADER_LEN)
			assert_true(header_refused(message, sizeof(message), MESSAGE_COOKIE, SESSION));
		else
			assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, initiation.mac1),
					 -EBADMSG);
		message[bit / 8] ^= 1 << bit % 8;
	}
	for (bit = 0; bit < 8 * MAC_LEN; bit++) {
		memcpy(mac1, initiation.mac1, sizeof(mac1));
		mac1[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, mac1), -EBADMSG);
	}
	assert_int_equal(cookie_message_open(&cookie, message, &site_i.keys, initiation.mac1), -EBADMSG);
	assert_memory_equal(&cookie, &before, sizeof(cookie));
	assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, initiation.mac1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		after_a_handshake(no_bit_of_an_initiation_can_be_changed),
		after_a_handshake(no_bit_of_a_response_can_be_changed),
		after_a_handshake(no_bit_of_a_proof_can_be_changed),
		after_a_handshake(no_bit_of_a_cookie_message_can_be_changed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("changed messages", tests, sites_set_up, sites_tear_down);
}
