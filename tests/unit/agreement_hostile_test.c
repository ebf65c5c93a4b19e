// SPDX-License-Identifier: GPL-2.0-or-later
/* Two ends of the key agreement, and somebody between them: changed, repeated and forged messages, and a flood. */
#include "agreement_two_ends.h"

/* All that a wrong message of each kind may do is to be counted. */
static void test_each_bit(void **state)
{
	struct end_message message, flipped;
	const char *steps[] = { "Initiation", "Response", "Confirm", "Ack" };

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	ask(&a);
	for (unsigned int step = 0; step < ARRAY_SIZE(steps); step++) {
		struct end *from = step % 2 ? &b : &a, *to = step % 2 ? &a : &b;
		uint32_t highest = to->agreement->machine.peers[0].highest;

		assert_true(end_take(from, &message));
		assert_int_equal(from->n_box, 0);
		for (size_t bit = 0; bit < 8 * message.n; bit++) {
			/* MAC2 is not looked at unless there is load; wrong Responses are to be tried at once. */
			if (step == 0 && bit >= 8 * INITIATION_MAC2)
				break;
			flipped = message;
			flipped.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			to->agreement->wrong = 0;
			to->agreement->peers[0].wrong = 0;
			end_deliver(to, from, &flipped);
			if (to->n_box || to->agreement->machine.peers[0].highest != highest)
				fail_msg("%s: bit %zu is not seen", steps[step], bit);
		}
		if (step < 2)
			assert_nothing_agreed();
		end_deliver(to, from, &message);
	}
	assert_agreed();
	assert_int_equal(end_counter(&a, "acks"), 1);
}

/* Recorded messages do nothing, and are not answered but for the Confirm: five Acks a second. */
static void test_replay(void **state)
{
	struct end_message messages[4], ignored;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	ask(&a);
	for (unsigned int step = 0; step < 4; step++) {
		assert_true(end_take(step % 2 ? &b : &a, &messages[step]));
		end_deliver(step % 2 ? &a : &b, step % 2 ? &b : &a, &messages[step]);
	}
	pass(NS_PER_SECOND);
	end_deliver(&b, &a, &messages[0]);
	end_deliver(&a, &b, &messages[1]);
	end_deliver(&a, &b, &messages[3]);
	assert_int_equal(a.n_box + b.n_box, 0);
	assert_int_equal(end_counter(&b, "replayed"), 1);
	assert_int_equal(end_counter(&a, "no_session"), 2);
	for (unsigned int i = 0; i < 20; i++)
		end_deliver(&b, &a, &messages[2]);
	assert_int_equal(b.n_box, 5);
	/* A Confirm again does not move the endpoint. */
	assert_int_equal(b.moves, 1);
	while (end_take(&b, &ignored))
		;
	/* The agent starts again: the Initiation makes a pair that nobody can confirm, and nothing moves. */
	end_restart(&b, 1, NULL);
	end_add(&b, 0, &a, NULL);
	{
		struct agreement_record records[SLOTS_PEER];

		agreement_adopt(b.agreement, records, plane_records(&b.plane, records), now);
	}
	end_deliver(&b, &a, &messages[0]);
	end_deliver(&b, &a, &messages[2]);
	assert_int_equal(end_counter(&b, "responses_sent"), 1);
	assert_int_equal(end_counter(&b, "handshakes"), 0);
	assert_int_equal(b.moves, 1);
	assert_agreed();
}

/* Ours that comes back, a stranger's, and what is too soon. */
static void test_initiation_refused(void **state)
{
	static struct end stranger;
	struct end_message message, again;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	end_init(&stranger, 3, 1, NULL, &now);
	assert_int_equal(end_add(&stranger, 0, &b, NULL), 0);
	agreement_wanted(stranger.agreement, 0, now);
	assert_true(end_take(&stranger, &message));
	end_deliver(&b, &stranger, &message);
	assert_int_equal(end_counter(&b, "unknown_key"), 1);
	end_release(&stranger);

	ask(&a);
	assert_true(end_take(&a, &message));
	end_deliver(&a, &a, &message);
	assert_int_equal(end_counter(&a, "bad_mac1"), 1); /* it has b's MAC1 */
	pass(1400 * NS_PER_MS);
	assert_true(end_take(&a, &again));
	end_deliver(&b, &a, &message);
	end_deliver(&b, &a, &again);
	assert_int_equal(end_counter(&b, "too_soon"), 1);
	now += 20 * NS_PER_MS;
	end_deliver(&b, &a, &again);
	assert_int_equal(end_counter(&b, "responses_sent"), 2);
}

static void test_cookie(void **state)
{
	struct agreement_path path = { 0 };
	struct end_message message, cookie;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	path.remote = a.address;
	ask(&a);
	assert_true(end_take(&a, &message));
	agreement_receive(b.agreement, &path, message.bytes, message.n, true, now);
	assert_int_equal(end_counter(&b, "under_load"), 1);
	assert_int_equal(end_counter(&b, "initiations"), 0);
	assert_true(end_take(&b, &cookie));
	assert_int_equal(cookie.n, COOKIE_LEN);
	assert_int_equal(cookie.peer, AGREEMENT_NO_PEER);
	/* The Initiation is repeated at once, with MAC2; a second Cookie for one counts for nothing. */
	end_deliver(&a, &b, &cookie);
	assert_true(end_take(&a, &message));
	end_deliver(&a, &b, &cookie);
	assert_int_equal(a.n_box, 0);
	assert_int_equal(end_counter(&a, "cookies"), 1);
	agreement_receive(b.agreement, &path, message.bytes, message.n, true, now);
	settle();
	assert_agreed();
	/* From another address the cookie is worth nothing. */
	pass(NS_PER_SECOND);
	ask(&a);
	assert_true(end_take(&a, &message));
	path.remote.address[15] ^= 1;
	agreement_receive(b.agreement, &path, message.bytes, message.n, true, now);
	assert_int_equal(end_counter(&b, "under_load"), 2);
}

/* Whoever sees our Initiation can make a Cookie: one from elsewhere makes us ask for nothing. */
static void test_cookie_from_elsewhere(void **state)
{
	struct agreement_path path = { 0 };
	struct end_message message, cookie;
	struct end elsewhere = { 0 };
	unsigned int i;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	path.remote = a.address;
	ask(&a);
	assert_true(end_take(&a, &message));
	agreement_receive(b.agreement, &path, message.bytes, message.n, true, now);
	assert_true(end_take(&b, &cookie));
	for (i = 0; i < 4; i++) {
		elsewhere.address = b.address;
		if (i % 2)
			elsewhere.address.port++;
		else
			elsewhere.address.address[15] ^= 1;
		end_deliver(&a, &elsewhere, &cookie);
	}
	assert_int_equal(a.n_box, 0);
	assert_int_equal(end_counter(&a, "cookies"), 0);
	assert_int_equal(end_counter(&a, "no_session"), 4);
	/* And the true one is taken after them. */
	end_deliver(&a, &b, &cookie);
	assert_int_equal(a.n_box, 1);
}

/* A good cookie, and too often: dropped without an answer. */
static void test_bucket(void **state)
{
	struct agreement_path path = { 0 };
	struct end_message message;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	path.remote = a.address;
	for (unsigned int i = 0; i < 20; i++) {
		end_restart(&a, 1, NULL);
		assert_int_equal(end_add(&a, 0, &b, NULL), 0);
		ask(&a);
		while (end_take(&a, &message))
			agreement_receive(b.agreement, &path, message.bytes, message.n, true, now);
		while (end_take(&b, &message))
			if (message.n == COOKIE_LEN)
				end_deliver(&a, &b, &message);
		while (end_take(&a, &message))
			agreement_receive(b.agreement, &path, message.bytes, message.n, true, now);
	}
	assert_true(end_counter(&b, "rate") > 0);
	assert_true(end_counter(&b, "initiations") <= 5);
}

/* More than 400 in a second, without a full batch. */
static void test_load(void **state)
{
	struct end_message message;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	ask(&a);
	assert_true(end_take(&a, &message));
	for (unsigned int i = 0; i < 600; i++) {
		now += NS_PER_MS;
		end_deliver(&b, &a, &message);
	}
	assert_in_range(end_counter(&b, "under_load"), 190, 201);
	now += 2 * NS_PER_SECOND;
	end_deliver(&b, &a, &message);
	assert_in_range(end_counter(&b, "under_load"), 190, 201);
}

/* Somebody who sees the Initiation forges Responses: the true one is taken all the same. */
static void test_wrong_responses(void **state)
{
	struct end_message initiation, response, forged;
	struct end elsewhere = { 0 };

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	elsewhere.address = b.address;
	elsewhere.address.port++;
	ask(&a);
	assert_true(end_take(&a, &initiation));
	end_deliver(&b, &a, &initiation);
	assert_true(end_take(&b, &response));
	for (unsigned int i = 0; i < 500; i++) {
		forged = response;
		forged.bytes[RESPONSE_PAYLOAD] ^= 1;
		assert_int_equal(mac1_write(forged.bytes, RESPONSE_MAC1, &a.agreement->own_keys), 0);
		end_deliver(&a, &elsewhere, &forged);
	}
	assert_int_equal(end_counter(&a, "decrypt"), WRONG_RESPONSES);
	assert_true(end_counter(&a, "waiting_full") > 400);
	/* Without a right MAC1 there is no place in the queue, wherever it says that it comes from. */
	for (unsigned int i = 0; i < 500; i++) {
		forged = response;
		forged.bytes[RESPONSE_PAYLOAD] ^= 1;
		end_deliver(&a, &b, &forged);
	}
	assert_int_equal(end_counter(&a, "bad_mac1"), 500);
	end_deliver(&a, &b, &response);
	assert_nothing_agreed();
	pass(WRONG_RESPONSES_TIME);
	settle();
	assert_agreed();
	/* None of those from elsewhere was tried before it. */
	assert_int_equal(end_counter(&a, "decrypt"), WRONG_RESPONSES);
}

#define TEST(function) cmocka_unit_test_teardown(function, two_ends_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_bit),
		TEST(test_replay),
		TEST(test_initiation_refused),
		TEST(test_cookie),
		TEST(test_cookie_from_elsewhere),
		TEST(test_bucket),
		TEST(test_load),
		TEST(test_wrong_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
