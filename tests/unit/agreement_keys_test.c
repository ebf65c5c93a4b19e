// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of the key agreement with keys that are not right, and without libcrypto. */
#include <errno.h>

#include "agreement_sites.h"

static void ephemeral_of_low_order_is_refused(void **state)
{
	struct opening opening;
	struct initiation_payload taken;
	struct response_payload read;
	size_t used;

	(void)state;
	memset(first + INITIATION_EPHEMERAL, 0, PUBLIC_LEN);
	mac1_write(first, INITIATION_MAC1, &site_r.keys);
	assert_int_equal(take(first, &opening, &taken), REFUSED_LOW_ORDER);
	memset(second + RESPONSE_EPHEMERAL, 0, PUBLIC_LEN);
	second[RESPONSE_EPHEMERAL] = 1;
	mac1_write(second, RESPONSE_MAC1, &site_i.keys);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_LOW_ORDER);
}

static void static_of_low_order_is_refused(void **state)
{
	static const struct initiation no_initiation;
	static const uint8_t no_message[INITIATION_LEN];
	struct opening opening;
	struct initiation_payload taken;

	(void)state;
	/* An initiator that says that it has one: its private key is any. */
	memset(&site_i.identity.public_key, 0, PUBLIC_LEN);
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(take(first, &opening, &taken), REFUSED_LOW_ORDER);
	/* A peer that has one. */
	memset(&site_r.identity.public_key, 0, PUBLIC_LEN);
	assert_int_equal(initiate(filled_with(2), NULL), -EINVAL);
	assert_memory_equal(&initiation, &no_initiation, sizeof(initiation));
	assert_memory_equal(first, no_message, sizeof(first));
}

static void own_and_unknown_keys_are_seen(void **state)
{
	struct opening opening;
	struct initiation_payload taken;
	struct site other;

	(void)state;
	make_site(&other, filled_with(9));
	site_i = other;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	make_site(&site_i, filled_with(1));
	assert_int_equal(take(first, &opening, &taken), REFUSED_UNKNOWN_KEY);
	/* Our own key is that of no peer. */
	site_i = site_r;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	make_site(&site_i, filled_with(1));
	assert_int_equal(take(first, &opening, &taken), REFUSED_UNKNOWN_KEY);
	assert_memory_equal(&opening.initiator, &site_r.identity.public_key, PUBLIC_LEN);
	/* An Initiation for somebody else. */
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	site_r = other;
	assert_int_equal(take(first, &opening, &taken), REFUSED_BAD_MAC1);
}

static void preshared_key_of_now_or_before_counts(void **state)
{
	struct secret psks[3] = { filled_with(6), psk, filled_with(0) };
	struct response_payload read;
	size_t used = 9;

	(void)state;
	assert_int_equal(conclude(second, psks, 2, &used, &read), ACCEPTED);
	assert_int_equal(used, 1);
	expect_same_keys();
	assert_int_equal(conclude(second, psks, 1, &used, &read), REFUSED_DECRYPT);
	assert_int_equal(conclude(second, &psks[2], 1, &used, &read), REFUSED_DECRYPT);
	assert_int_equal(conclude(second, psks, 0, &used, &read), REFUSED_DECRYPT);
	assert_int_equal(used, 1);
}

static void response_answers_one_initiation(void **state)
{
	struct response_payload read;
	size_t used;

	(void)state;
	assert_int_equal(initiate(filled_with(8), NULL), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_DECRYPT);
	/* Nor does it work with the same ephemeral and another Session: that is in the transcript. */
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), ACCEPTED);
	offered.generation++;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_DECRYPT);
}

static void failure_of_libcrypto_leaves_nothing(void **state)
{
	static const struct initiation no_initiation;
	static const struct handshake_result no_result;
	static const uint8_t zero[INITIATION_LEN];
	struct opening opening = {};
	struct response_payload read;
	size_t used;

	(void)state;
	primitive_release();
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_BAD_MAC1);
	assert_int_equal(initiation_open(&opening, &site_r.identity, first), REFUSED_FAILED);
	assert_int_equal(respond(&opening, filled_with(4)), -EIO);
	assert_memory_equal(&result_r, &no_result, sizeof(no_result));
	assert_memory_equal(second, zero, sizeof(second));
	assert_int_equal(initiate(filled_with(2), NULL), -EIO);
	assert_memory_equal(&initiation, &no_initiation, sizeof(no_initiation));
	assert_memory_equal(first, zero, sizeof(first));
	assert_int_equal(primitive_setup(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		after_a_handshake(ephemeral_of_low_order_is_refused),
		after_a_handshake(static_of_low_order_is_refused),
		after_a_handshake(own_and_unknown_keys_are_seen),
		after_a_handshake(preshared_key_of_now_or_before_counts),
		after_a_handshake(response_answers_one_initiation),
		after_a_handshake(failure_of_libcrypto_leaves_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("keys of messages", tests, sites_set_up, sites_tear_down);
}
