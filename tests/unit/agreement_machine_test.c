// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of the key agreement, under a seeded scheduler: 10^6 events by default in worlds of all kinds, and the faults
 * that must be found. AGREEMENT_EVENTS= says how many, AGREEMENT_SEED= from which seed (it is printed).
 */
#include "agreement_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

enum { WORLD_EVENTS = 10000, FAULT_EVENTS = 5000000 };

/* A fault, and a word of the rule that it must be found to break. */
struct fault {
	enum machine_fault number;
	const char *rule;
};

static uint64_t from_environment(const char *name, uint64_t standard)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : standard;
}

static uint64_t mix(uint64_t seed, uint64_t salt)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + salt * UINT64_C(0xbf58476d1ce4e5b9);

	x ^= x >> 31;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 29;
}

static unsigned int pick(uint64_t *seed, const unsigned int *values, size_t n)
{
	*seed = mix(*seed, 1);
	return values[*seed % n];
}

#define PICK(seed, ...)                                                                                      \
	pick(seed, (const unsigned int[]){ __VA_ARGS__ },                                                    \
	     sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int))

/* A world of each kind: quiet ones and wild ones, long times and short ones. */
static struct world_options options_of(uint64_t seed)
{
	uint64_t r = mix(seed, 2);
	struct world_options options = {
		.seed = mix(seed, 3),
		.events = WORLD_EVENTS,
		.times = agreement_times,
		.reject_after = (uint16_t)PICK(&r, 180, 180, 540),
	};

	if (PICK(&r, 0, 1, 1))
		options.times = agreement_times_short(4 * NS_PER_SECOND, 1 * NS_PER_SECOND);
	options.spokes = PICK(&r, 1, 1, 1, 2, 4);
	options.silent = PICK(&r, 0, 0, 0, 1);
	options.loss = PICK(&r, 0, 10, 100, 300, 500, 800);
	options.duplicate = PICK(&r, 0, 10, 100, 300);
	options.late = PICK(&r, 0, 10, 100, 300);
	options.replay = PICK(&r, 0, 10, 100);
	options.lost_events = PICK(&r, 0, 100, 900);
	options.lost_notes = PICK(&r, 0, 0, 100);
	options.restart = PICK(&r, 0, 0, 5, 50);
	options.reboot = PICK(&r, 0, 0, 2, 20);
	options.reload = PICK(&r, 0, 0, 0, 10);
	options.renew = PICK(&r, 0, 0, 0, 10);
	options.second = PICK(&r, 0, 0, 10, 50);
	options.outage = PICK(&r, 0, 0, 0, 2);
	options.clock = PICK(&r, 0, 0, 20);
	options.high = PICK(&r, 0, 0, 0, 0, 5);
	return options;
}

static void test_rules(void **state)
{
	uint64_t seed = from_environment("AGREEMENT_SEED", 1),
		 events = from_environment("AGREEMENT_EVENTS", 1000000);
	struct world_figures figures = { 0 };

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	while (figures.events < events) {
		struct world_options options = options_of(seed);
		const char *broken = world_run(&options, &figures);

		if (broken)
			fail_msg("AGREEMENT_SEED=%llu: %s", (unsigned long long)seed, broken);
		seed++;
	}
	print_message(
		"# %llu events: %llu messages, %llu pairs, %llu switches, %llu of %llu packets opened\n",
		(unsigned long long)figures.events, (unsigned long long)figures.messages,
		(unsigned long long)figures.pairs, (unsigned long long)figures.switches,
		(unsigned long long)figures.opened, (unsigned long long)figures.data);
	print_message("# %llu restarts, %llu reboots, %llu reloads, %llu renewals, %llu second agents, %llu "
		      "outages\n",
		      (unsigned long long)figures.restarts, (unsigned long long)figures.reboots,
		      (unsigned long long)figures.reloads, (unsigned long long)figures.renews,
		      (unsigned long long)figures.seconds, (unsigned long long)figures.outages);
	print_message("# %llu expired, %llu evicted\n", (unsigned long long)figures.expired,
		      (unsigned long long)figures.evicted);
}

/* Each fault is found, in worlds that break nothing without it. */
static void test_fault(void **state)
{
	const struct fault *fault = *state;
	struct world_figures figures = { 0 };
	const char *broken = NULL;

	machine_fault = fault->number;
	for (uint64_t seed = 1; !broken && figures.events < FAULT_EVENTS; seed++) {
		struct world_options options = options_of(seed);

		broken = world_run(&options, &figures);
	}
	machine_fault = FAULT_NONE;
	if (!broken) {
		fail_msg("not found in %llu events", (unsigned long long)figures.events);
		return;
	}
	print_message("# after %llu events: %s\n", (unsigned long long)figures.events, broken);
	if (!strstr(broken, fault->rule))
		fail_msg("found as something else than: %s", fault->rule);
}

int main(void)
{
	static const struct fault faults[] = {
		{ FAULT_NO_ORDER, "" },	     { FAULT_NO_LIFE, "" },
		{ FAULT_EARLY, "rule 3" },   { FAULT_TX_FIRST, "rule 2" },
		{ FAULT_AGAIN, "" },	     { FAULT_EVENT_BY_PEER, "" },
		{ FAULT_EVICT, "" },	     { FAULT_NO_GRACE, "grace period" },
		{ FAULT_AT_ONCE, "rule 5" }, { FAULT_NO_OWNER, "" },
		{ FAULT_KEEP, "calm" },	     { FAULT_DEAF, "" },
		{ FAULT_SAME_LIFE, "life" },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		unit_test_row("no order", test_fault, &faults[0]),
		unit_test_row("no life", test_fault, &faults[1]),
		unit_test_row("early", test_fault, &faults[2]),
		unit_test_row("Tx first", test_fault, &faults[3]),
		unit_test_row("again", test_fault, &faults[4]),
		unit_test_row("event by peer", test_fault, &faults[5]),
		unit_test_row("evict", test_fault, &faults[6]),
		unit_test_row("no grace period", test_fault, &faults[7]),
		unit_test_row("no GRACE", test_fault, &faults[8]),
		unit_test_row("no owner", test_fault, &faults[9]),
		unit_test_row("keep", test_fault, &faults[10]),
		unit_test_row("deaf", test_fault, &faults[11]),
		unit_test_row("same life", test_fault, &faults[12]),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
