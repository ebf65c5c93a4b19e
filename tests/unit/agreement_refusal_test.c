// SPDX-License-Identifier: GPL-2.0-or-later
/* Two ends of the key agreement that do not suit each other: suites, modes, bindings, preshared keys, used up generations. */
#include "agreement_two_ends.h"

#include "xdpsec/wire.h"

/* A refusal: what each side has, and the reason that both report. */
struct refusal {
	struct agreement_settings settings;
	struct agreement_peer_settings peer;
	enum denial denial;
};

static const struct refusal refusals[] = {
	{ { .carries = CARRIES_TUNNEL, .reject_after = 540 },
	  { .suites = { SUITE_AES_256_OCB }, .n_suites = 1 },
	  DENIAL_SUITE },
	{ { .carries = CARRIES_INLINE, .reject_after = 540 },
	  { .suites = { SUITE_AES_128_OCB }, .n_suites = 1 },
	  DENIAL_CARRIES },
	{ { .carries = CARRIES_TUNNEL, .reject_after = 540 },
	  { .suites = { SUITE_AES_128_OCB }, .n_suites = 1, .binding = XDPSEC_BIND_PORTS },
	  DENIAL_BINDING },
};

static void test_refusal(void **state)
{
	const struct refusal *refusal = *state;
	struct agreement_peer_settings own = { .suites = { SUITE_AES_128_OCB }, .n_suites = 1 };
	struct agreement_status status;

	two_ends(NULL, &refusal->settings, &own, &refusal->peer);
	ask(&a);
	settle();
	assert_nothing_agreed();
	assert_int_equal(a.reports[AGREEMENT_REFUSED], 1);
	assert_int_equal(b.reports[AGREEMENT_REFUSES], 1);
	assert_int_equal(a.denial, refusal->denial);
	assert_int_equal(b.denial, refusal->denial);
	agreement_status(a.agreement, 0, &status, now);
	assert_int_equal(status.denial, refusal->denial);
	assert_int_equal(a.moves + b.moves, 0);
	/* No SA on either side, and no question for 30 s, whoever wants a key. */
	for (unsigned int i = 0; i < SLOTS_PEER; i++)
		assert_false(a.plane.slots[i].filled || b.plane.slots[i].filled);
	pass(29 * NS_PER_SECOND);
	ask(&a);
	assert_int_equal(a.n_box, 0);
	pass(2 * NS_PER_SECOND);
	assert_int_equal(a.n_box, 1);
}

static void set_psk(struct end *end, uint8_t byte)
{
	memset(&end->psk, 0, sizeof(end->psk));
	memset(end->psk.now, byte, sizeof(end->psk.now));
}

static const struct agreement_peer_settings with_psk = { .has_psk = true,
							 .suites = { SUITE_AES_256_OCB },
							 .n_suites = 1 };

static void test_psk(void **state)
{
	(void)state;
	two_ends(NULL, NULL, &with_psk, &with_psk);
	set_psk(&a, 5);
	set_psk(&b, 5);
	ask(&a);
	settle();
	assert_agreed();
	/* It changes at one end first: the initiator takes "before", the responder only "now". */
	set_psk(&a, 6);
	memset(a.psk.before, 5, sizeof(a.psk.before));
	a.psk.has_before = true;
	pass(NS_PER_SECOND);
	ask(&a);
	settle();
	assert_int_equal(end_counter(&a, "handshakes"), 2);
	assert_agreed();
	pass(NS_PER_SECOND);
	ask(&b);
	settle();
	assert_int_equal(end_counter(&b, "handshakes"), 2);
	assert_int_equal(b.reports[AGREEMENT_RESPONSE_WRONG], 1);
	assert_agreed();
}

static void test_psk_wrong(void **state)
{
	(void)state;
	two_ends(NULL, NULL, &with_psk, &with_psk);
	set_psk(&a, 5);
	set_psk(&b, 6);
	ask(&a);
	settle();
	for (unsigned int i = 0; i < 20; i++) {
		pass(NS_PER_SECOND);
		settle();
	}
	assert_nothing_agreed();
	/* Both ends say what it may be. */
	assert_int_equal(a.reports[AGREEMENT_RESPONSE_WRONG], 1);
	assert_int_equal(b.reports[AGREEMENT_UNCONFIRMED], 1);
	assert_true(end_counter(&a, "decrypt") >= 5);
	/* A control: with the right one the next try succeeds. */
	set_psk(&b, 5);
	for (unsigned int i = 0; i < 14; i++) { /* a slot may have to be freed first */
		pass(NS_PER_SECOND);
		settle();
	}
	assert_agreed();
}

/* One has none: then neither has the other's 32 zero bytes. */
static void test_psk_missing(void **state)
{
	(void)state;
	two_ends(NULL, NULL, &with_psk, NULL);
	set_psk(&a, 5);
	ask(&a);
	settle();
	assert_nothing_agreed();
	/* Unreadable at the initiator: the Response counts for nothing. At the responder: it says nothing. */
	a.psk_error = -2;
	pass(2 * NS_PER_SECOND);
	settle();
	assert_int_equal(a.reports[AGREEMENT_PSK_UNREADABLE], 1);
	ask(&b);
	settle();
	assert_true(end_counter(&a, "psk_unreadable") >= 2);
	/* All zero is no preshared key. */
	a.psk_error = 0;
	set_psk(&a, 0);
	pass(5 * NS_PER_SECOND);
	settle();
	assert_nothing_agreed();
}

/* b's generations are used up, by a peer that was faulty once. */
static void use_up_generations(void)
{
	b.agreement->machine.peers[0].highest = GENERATION_RESET;
}

/* The next Initiation of a, in time. */
static void asked_by_a(struct end_message *message)
{
	a.n_box = b.n_box = 0;
	pass(NS_PER_SECOND);
	agreement_ask_all(a.agreement, now);
	for (unsigned int i = 0; i < 100 && !a.n_box; i++)
		pass(100 * NS_PER_MS);
	assert_true(end_take(&a, message));
}

/* An Initiation that makes generations begin again costs all keys. So none that is refused may do that. */
static void test_refused_at_the_limit(void **state)
{
	struct end_message old, asked;

	(void)state;
	two_ends(NULL, NULL, &with_psk, &with_psk);
	set_psk(&a, 5);
	set_psk(&b, 5);
	asked_by_a(&old);
	end_deliver(&b, &a, &old);
	settle();
	assert_agreed();
	use_up_generations();
	/* Replayed. */
	pass(NS_PER_SECOND);
	end_deliver(&b, &a, &old);
	assert_int_equal(end_counter(&b, "replayed"), 1);
	assert_agreed();
	/* The preshared key cannot be read. */
	b.psk_error = -2;
	asked_by_a(&asked);
	end_deliver(&b, &a, &asked);
	assert_int_equal(end_counter(&b, "psk_unreadable"), 1);
	assert_agreed();
	b.psk_error = 0;
	/* Denied. */
	b.agreement->machine.carries = CARRIES_INLINE;
	asked_by_a(&asked);
	end_deliver(&b, &a, &asked);
	assert_int_equal(end_counter(&b, "refusals_sent"), 1);
	assert_agreed();
	assert_int_equal(end_counter(&b, "resets"), 0);
	b.agreement->machine.carries = CARRIES_TUNNEL;
	/* One that is taken. */
	asked_by_a(&asked);
	end_deliver(&b, &a, &asked);
	assert_int_equal(end_counter(&b, "resets"), 1);
	assert_int_equal(b.reports[AGREEMENT_RESET], 1);
	for (unsigned int i = 0; i < 14; i++) {
		pass(NS_PER_SECOND);
		settle();
	}
	assert_agreed();
	assert_true(plane_seals(&b.plane, 0)->sa.record.generation < 10);
}

#define TEST(function) cmocka_unit_test_teardown(function, two_ends_end)
#define REFUSAL(text, index)                                                                                 \
	(struct CMUnitTest)                                                                                  \
	{                                                                                                    \
		.name = (text), .test_func = test_refusal, .teardown_func = two_ends_end,                    \
		.initial_state = (void *)&refusals[index]                                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		REFUSAL("refused: no common suite", 0),
		REFUSAL("refused: carries differs", 1),
		REFUSAL("refused: binding differs", 2),
		TEST(test_psk),
		TEST(test_psk_wrong),
		TEST(test_psk_missing),
		TEST(test_refused_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
