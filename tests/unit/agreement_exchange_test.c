// SPDX-License-Identifier: GPL-2.0-or-later
/* Two ends of the key agreement with real cryptography: handshakes, refusals, load, preshared keys, a lossy network. */
#include "agreement_end.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "xdpsec/wire.h"

int machine_fault; /* of the test's data plane: none */

void world_broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

static struct end a, b;
static uint64_t now;

static void two_ends(const struct agreement_settings *of_a, const struct agreement_settings *of_b,
		     const struct agreement_peer_settings *peer_of_a,
		     const struct agreement_peer_settings *peer_of_b)
{
	now = 1000 * NS_PER_SECOND;
	end_init(&a, 1, 1, of_a, &now);
	end_init(&b, 2, 1, of_b, &now);
	assert_int_equal(end_add(&a, 0, &b, peer_of_a), 0);
	assert_int_equal(end_add(&b, 0, &a, peer_of_b), 0);
}

static int two_ends_end(void **state)
{
	(void)state;
	end_release(&a);
	end_release(&b);
	return 0;
}

static void settle(void)
{
	end_settle(&a, &b);
}

static void ask(struct end *end)
{
	agreement_wanted(end->agreement, 0, now);
}

static void pass(uint64_t ns)
{
	now += ns;
	agreement_tick(a.agreement, now);
	agreement_tick(b.agreement, now);
}

static void assert_agreed(void)
{
	assert_true(end_opens(&a, 0, &b, 0));
	assert_true(end_opens(&b, 0, &a, 0));
}

static void assert_nothing_agreed(void)
{
	assert_null(plane_seals(&a.plane, 0));
	assert_null(plane_seals(&b.plane, 0));
}

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

/* Where generations have to begin again, keys go. No Initiation that is refused, for whatever reason, does that. */
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

/* ---- load -------------------------------------------------------------------------------------------- */

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

/* Who sees the Initiation forges Responses: the true one is taken all the same. */
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

/* ---- clocks ------------------------------------------------------------------------------------------ */

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

/* ---- a network --------------------------------------------------------------------------------------- */

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
#define REFUSAL(text, index)                                                                                 \
	(struct CMUnitTest)                                                                                  \
	{                                                                                                    \
		.name = (text), .test_func = test_refusal, .teardown_func = two_ends_end,                    \
		.initial_state = (void *)&refusals[index]                                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handshake),
		TEST(test_crossing),
		TEST(test_rekey),
		TEST(test_lost_once),
		TEST(test_relayed_initiation),
		REFUSAL("refused: no common suite", 0),
		REFUSAL("refused: carries differs", 1),
		REFUSAL("refused: binding differs", 2),
		TEST(test_psk),
		TEST(test_psk_wrong),
		TEST(test_psk_missing),
		TEST(test_refused_at_the_limit),
		TEST(test_each_bit),
		TEST(test_replay),
		TEST(test_initiation_refused),
		TEST(test_settings),
		TEST(test_cookie),
		TEST(test_cookie_from_elsewhere),
		TEST(test_bucket),
		TEST(test_load),
		TEST(test_wrong_responses),
		TEST(test_clock_back),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
