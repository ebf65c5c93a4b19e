// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two ends of the key agreement with real cryptography: handshakes, lost messages, a clock that is set back, and thousands
 * of handshakes over a lossy network.
 */
#include "agreement_two_ends.h"

#include <errno.h>
#include <stdlib.h>

static void test_handshake(void **state)
{
	struct agreement_status status;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	ask(&a);
	settle();
	assert_agreed();
	assert_true(agreement_status(a.agreement, 0, &status, now));
	assert_true(status.agreed && status.initiator && !status.asking);
	assert_int_equal(status.suite, SUITE_AES_128_OCB);
	assert_int_equal(status.generation, 1);
	assert_true(status.deadline == now + 540 * NS_PER_SECOND);
	assert_true(agreement_status(b.agreement, 0, &status, now));
	assert_true(status.agreed && !status.initiator);
	assert_int_equal(end_counter(&a, "acks"), 1);
	assert_int_equal(end_counter(&b, "handshakes"), 1);
	/* Both endpoints are proven: by the Response, and by the Confirm. */
	assert_int_equal(a.moves, 1);
	assert_int_equal(b.moves, 1);
	assert_memory_equal(&b.endpoint.remote, &a.address, sizeof(a.address));
}

static void test_crossing(void **state)
{
	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	for (unsigned int round = 0; round < 5; round++) {
		agreement_ask_all(a.agreement, now);
		agreement_ask_all(b.agreement, now);
		pass(2 * NS_PER_SECOND); /* both have asked, and nothing was delivered */
		settle();
		assert_agreed();
		/* Both seal under the same pair. */
		assert_int_equal(plane_seals(&a.plane, 0)->sa.record.generation,
				 plane_seals(&b.plane, 0)->sa.record.generation);
		pass(20 * NS_PER_SECOND);
		settle();
	}
}

static void test_rekey(void **state)
{
	struct agreement_status before, after;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	ask(&a);
	settle();
	agreement_status(a.agreement, 0, &before, now);
	for (unsigned int i = 0; i < 121; i++) {
		pass(NS_PER_SECOND);
		settle();
		assert_agreed();
	}
	agreement_status(a.agreement, 0, &after, now);
	assert_int_equal(after.generation, before.generation + 1);
	assert_true(after.initiator);
}

/* Loss of a message at each place: the handshake ends all the same. */
static void test_lost_once(void **state)
{
	struct end_message message;

	(void)state;
	for (unsigned int lost = 0; lost < 4; lost++) {
		unsigned int n = 0;

		two_ends(NULL, NULL, NULL, NULL);
		ask(&a);
		for (unsigned int i = 0; i < 200; i++) {
			while (end_take(&a, &message))
				if (n++ != lost)
					end_deliver(&b, &a, &message);
			while (end_take(&b, &message))
				if (n++ != lost)
					end_deliver(&a, &b, &message);
			pass(50 * NS_PER_MS);
		}
		assert_agreed();
		assert_int_equal(end_counter(&a, "acks"), 1);
		two_ends_end(NULL);
	}
	two_ends(NULL, NULL, NULL, NULL);
}

/* The Initiation comes by way of a relay, and a packet in place of the Confirm: where the packet came from is not known here. */
static void test_relayed_initiation(void **state)
{
	struct end_message message;
	struct end relay = { 0 };
	unsigned int k = 0;

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	relay.address = a.address;
	relay.address.port++;
	ask(&a);
	assert_true(end_take(&a, &message));
	end_deliver(&b, &relay, &message);
	assert_true(end_take(&b, &message));
	end_deliver(&a, &b, &message);
	while (!b.agreement->machine.peers[0].pairs[k].pending)
		k++;
	agreement_first(b.agreement, SLOTS_SEAL + k, b.agreement->machine.peers[0].pairs[k].terms.spi_rx,
			b.agreement->machine.peers[0].pairs[k].id, now);
	assert_int_equal(end_counter(&b, "handshakes"), 1);
	assert_int_equal(b.moves, 0);
}

static void test_settings(void **state)
{
	struct agreement_settings settings = { .carries = CARRIES_TUNNEL, .reject_after = 179, .peers = 1 };
	struct agreement_host host = { 0 };
	struct agreement *none = NULL;
	struct end zero = { 0 };

	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	assert_int_equal(agreement_create(&none, &settings, &host), -EINVAL);
	settings.reject_after = 180;
	settings.carries = 41;
	assert_int_equal(agreement_create(&none, &settings, &host), -EINVAL);
	assert_int_equal(end_add(&a, 0, &a, NULL), -EINVAL); /* its own key */
	assert_int_equal(end_add(&a, 0, &zero, NULL), -EINVAL);
	assert_int_equal(end_add(&a, 0, &b, NULL), -EEXIST);
	assert_int_equal(end_add(&a, 1, &b, NULL), -EINVAL);
}

/* Set back by a day, and started again: the floor on disk keeps timestamps rising. */
static void test_clock_back(void **state)
{
	(void)state;
	two_ends(NULL, NULL, NULL, NULL);
	ask(&a);
	settle();
	assert_agreed();
	a.realtime -= INT64_C(86400) * 1000000000;
	pass(NS_PER_SECOND);
	ask(&a);
	settle();
	assert_int_equal(end_counter(&b, "handshakes"), 2);
	agreement_stop(a.agreement);
	plane_clear(&a.plane, 0);
	end_restart(&a, 1, NULL);
	end_add(&a, 0, &b, NULL);
	pass(NS_PER_SECOND);
	ask(&a);
	settle();
	assert_int_equal(end_counter(&b, "handshakes"), 3);
	assert_agreed();
	{
		struct agreement_status status;

		agreement_status(b.agreement, 0, &status, now);
		assert_int_equal(status.restarts, 1);
	}
}

/* Thousands of handshakes with loss, both ends asking: what either seals under the other opens, each time. */
static void test_many(void **state)
{
	struct agreement_times times = agreement_times_short(1 * NS_PER_SECOND, 300 * NS_PER_MS);
	struct agreement_settings settings = { .carries = CARRIES_TUNNEL,
					       .reject_after = 180,
					       .times = &times };
	const char *text = getenv("AGREEMENT_HANDSHAKES");
	uint64_t wanted = text ? strtoull(text, NULL, 0) : 3000, random = 1;
	struct end_message message;

	(void)state;
	two_ends(&settings, &settings, NULL, NULL);
	agreement_start(a.agreement, now);
	agreement_start(b.agreement, now);
	while (end_counter(&a, "handshakes") < wanted) {
		for (unsigned int side = 0; side < 2; side++)
			while (end_take(side ? &b : &a, &message)) {
				random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
				if (random >> 60 >= 3)
					end_deliver(side ? &a : &b, side ? &b : &a, &message);
			}
		if (random >> 58 == 7)
			ask(&a), ask(&b);
		pass(10 * NS_PER_MS);
		if (plane_seals(&a.plane, 0) && plane_seals(&b.plane, 0))
			assert_agreed();
	}
	print_message("# %llu handshakes, %llu initiations of a, %llu of b, %llu evicted\n",
		      (unsigned long long)end_counter(&a, "handshakes"),
		      (unsigned long long)end_counter(&a, "initiations_sent"),
		      (unsigned long long)end_counter(&b, "initiations_sent"),
		      (unsigned long long)end_counter(&a, "evicted"));
}

#define TEST(function) cmocka_unit_test_teardown(function, two_ends_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handshake),
		TEST(test_crossing),
		TEST(test_rekey),
		TEST(test_lost_once),
		TEST(test_relayed_initiation),
		TEST(test_settings),
		TEST(test_clock_back),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
