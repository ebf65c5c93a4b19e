// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hub with 1000 spokes, with real cryptography: it comes back after a reboot, and how much of a core each end takes
 * (printed; processor time, without sockets and without the data plane).
 */
#include "agreement_end.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"

enum { SPOKES = 1000 };

static struct end hub, *spokes;
static uint64_t now;
static double hub_seconds, spoke_seconds;

static double processor(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int hub_begin(void **state)
{
	(void)state;
	now = 1000 * NS_PER_SECOND;
	hub_seconds = spoke_seconds = 0;
	spokes = calloc(SPOKES, sizeof(*spokes));
	end_init(&hub, 1, SPOKES, NULL, &now);
	for (unsigned int i = 0; i < SPOKES; i++) {
		end_init(&spokes[i], 1000 + i, 1, NULL, &now);
		if (end_add(&hub, i, &spokes[i], NULL) || end_add(&spokes[i], 0, &hub, NULL))
			return -1;
	}
	return 0;
}

static int hub_end(void **state)
{
	(void)state;
	end_release(&hub);
	for (unsigned int i = 0; i < SPOKES; i++)
		end_release(&spokes[i]);
	free(spokes);
	return 0;
}

/* Whose address is it? */
static uint32_t spoke_at(const struct agreement_address *address)
{
	unsigned int number;

	memcpy(&number, address->address + 4, sizeof(number));
	assert_in_range(number, 1000, 1000 + SPOKES - 1);
	return number - 1000;
}

static void deliver(struct end *to, struct end *from, const struct end_message *message)
{
	double before = processor();

	end_deliver(to, from, message);
	*(to == &hub ? &hub_seconds : &spoke_seconds) += processor() - before;
}

/* Everything that the hub, or this spoke, has sent, and what comes of it. */
static void settle_hub(void)
{
	struct end_message message;

	while (end_take(&hub, &message)) {
		struct end *spoke = &spokes[spoke_at(&message.path.remote)];

		deliver(spoke, &hub, &message);
		while (end_take(spoke, &message))
			deliver(&hub, spoke, &message);
	}
}

static void tick_hub(void)
{
	double before = processor();

	agreement_tick(hub.agreement, now);
	hub_seconds += processor() - before;
}

static unsigned int agreed(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SPOKES; i++)
		n += end_opens(&hub, i, &spokes[i], 0) && end_opens(&spokes[i], 0, &hub, i);
	return n;
}

static void print_figures(const char *who)
{
	print_message("# %s: %d handshakes: %.0f a second and core at the hub, %.0f at the spokes\n", who,
		      SPOKES, SPOKES / hub_seconds, SPOKES / spoke_seconds);
}

static void assert_nothing_refused(const struct end *end)
{
	static const char *const names[] = { "no_slot",	 "install_failed", "decrypt",
					     "replayed", "too_soon",	   "bad_mac1" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(end_counter(end, names[i]), 0);
	assert_int_equal(end->lost, 0);
}

/* It knows where they are, and asks 200 a second. */
static void test_hub_asks(void **state)
{
	uint64_t start = now;

	(void)state;
	agreement_start(hub.agreement, now);
	while (end_counter(&hub, "acks") < SPOKES && now < start + 20 * NS_PER_SECOND) {
		now += 2 * NS_PER_MS;
		tick_hub();
		settle_hub();
	}
	assert_int_equal(agreed(), SPOKES);
	print_message("# all in %.1f s\n", (double)(now - start) / 1e9);
	assert_nothing_refused(&hub);
	assert_int_equal(end_counter(&hub, "initiations_sent"), SPOKES);
	print_figures("the hub asks");
}

/* It does not, and all ask within a second: those above 400 have to show that they are there. */
static void test_spokes_ask(void **state)
{
	struct end_message message;
	uint64_t start = now;

	(void)state;
	memset(hub.peers, 0, SPOKES * sizeof(*hub.peers));
	agreement_start(hub.agreement, now);
	for (unsigned int i = 0; i < SPOKES; i++) {
		now = start + i * NS_PER_MS;
		agreement_wanted(spokes[i].agreement, 0, now);
		while (end_take(&spokes[i], &message))
			deliver(&hub, &spokes[i], &message);
		tick_hub();
		settle_hub();
	}
	assert_int_equal(agreed(), SPOKES);
	assert_nothing_refused(&hub);
	assert_in_range(end_counter(&hub, "cookies_sent"), 500, 700);
	assert_int_equal(end_counter(&hub, "under_load"), end_counter(&hub, "cookies_sent"));
	print_figures("spokes ask");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hub_asks, hub_begin, hub_end),
		cmocka_unit_test_setup_teardown(test_spokes_ask, hub_begin, hub_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
