// SPDX-License-Identifier: GPL-2.0-or-later
/* The main loop of the fuzzers of packets, and the judgement of each run. */
#include <errno.h>
#include <stdlib.h>

#include "unit/unit.h"
#include "fuzz/chance.h"
#include "unit/expect.h"
#include "flow.h"
#include "fuzz.h"
#include "fuzz/limits.h"
#include "numbers.h"

enum {
	SHORT_RUN = 15 * FUZZ_ROUND,
	REFRESH = 500,
	ALTER = 50,	/* one in so many */
	FAULTS_MAX = 3, /* that are shown */
};

struct run run;

static const char *const outcome_names[OUTCOMES] = {
	[OUTCOME_FAULT] = "faults",
	[OUTCOME_REFUSED] = "refused by the kernel",
	[OUTCOME_DROPPED] = "dropped",
	[OUTCOME_ENDED] = "ended",
	[OUTCOME_UNDUE] = "not due",
	[OUTCOME_PASSED] = "passed as they were",
	[OUTCOME_SEALED] = "sealed",
	[OUTCOME_OPENED] = "opened",
	[OUTCOME_HOPPED] = "to the hop",
	[OUTCOME_ANSWERED] = "answered",
	[OUTCOME_CUT] = "quotes cut",
	[OUTCOME_LOWERED] = "MTUs lowered",
	[OUTCOME_ENCAPSULATED] = "encapsulated",
	[OUTCOME_DELIVERED] = "delivered",
	[OUTCOME_TICK] = "ticks",
};

static uint64_t totals[PROGRAMS][OUTCOMES], altered[OUTCOMES], noticed[OUTCOMES], round_seed;
static unsigned int faults, missed;

/* ---- what went wrong --------------------------------------------------------------------------------- */

static void show_frame(const char *which, const struct frame *frame)
{
	printf("# %s: %zu bytes\n", which, frame->length);
	for (size_t i = 0; i < frame->length && i < 256; i++)
		printf("%s%02x%s", i % 32 ? "" : "#   ", frame->bytes[i],
		       i % 32 == 31 || i + 1 == frame->length || i == 255 ? "\n" : " ");
}

static void show(const char *kind, const char *what)
{
	printf("# %s: program %d, verdict %d: %s\n", kind, run.program, run.verdict, what);
	printf("# GSO %u, from device %u, first buffer %u\n", run.in.gso_size, run.in.ingress, run.in.linear);
	show_frame("in", &run.in);
	show_frame("out", &run.out);
	printf("# repeat it with SEED=%#llx FUZZ_PACKETS=1\n", (unsigned long long)round_seed);
	fflush(stdout);
}

enum outcome fault(const char *what)
{
	if (!run.again && faults++ < FAULTS_MAX)
		show("fault", what);
	return OUTCOME_FAULT;
}

/* ---- one packet -------------------------------------------------------------------------------------- */

static bool is_drop(enum outcome outcome)
{
	return outcome == OUTCOME_DROPPED || outcome == OUTCOME_ENDED || outcome == OUTCOME_UNDUE;
}

/* One bit of what came out, or what was dropped passes. */
static void alter(enum outcome outcome)
{
	static const int passes[PROGRAMS] = {
		[PROGRAM_SEAL] = SEAL_PASS,	   [PROGRAM_HOP] = TC_REDIRECT,
		[PROGRAM_OPEN] = XDP_PASS,	   [PROGRAM_ENCAPSULATE] = TC_REDIRECT,
		[PROGRAM_KEEPALIVE] = TC_REDIRECT, [PROGRAM_DECAPSULATE] = XDP_REDIRECT,
	};

	if (is_drop(outcome)) {
		run.verdict = passes[run.program];
		run.out = run.in;
	} else {
		run.out.bytes[run.first + below(run.judged - run.first)] ^= 1 << below(8);
	}
}

/* Some drops are the programs' choice (a rate, a queue of clear fragments): passed instead, they may be
 * right. */
static void judge_altered(const struct fuzz_target *target, enum outcome outcome)
{
	alter(outcome);
	run.again = true;
	altered[outcome]++;
	if (target->judge() == OUTCOME_FAULT)
		noticed[outcome]++;
	else if (!is_drop(outcome) && missed++ < FAULTS_MAX)
		show("a changed bit goes unnoticed", outcome_names[outcome]);
	run.again = false;
}

static void fuzz_one(const struct fuzz_target *target)
{
	enum outcome outcome;

	run.program = target->program;
	target->make(&run.in);
	if (run.in.length < ETHERNET_LEN || !rig_try(target->program, &run.in, &run.out, &run.verdict)) {
		totals[target->program][OUTCOME_REFUSED]++;
		return;
	}
	run.first = 0;
	run.judged = run.out.length;
	outcome = target->judge();
	totals[target->program][outcome]++;
	if (outcome != OUTCOME_FAULT && one_in(ALTER))
		judge_altered(target, outcome);
}

/* ---- a round ----------------------------------------------------------------------------------------- */

/* Every packet that is not passed as it was, or handed on, counts once: as dropped, or for its SA. */
static uint64_t counted(void)
{
	static struct tally tally;
	uint64_t sum = 0;

	tally_take(&tally);
	for (int reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
		sum += tally.drops[reason];
	for (int slot = 0; slot < TALLY_SAS; slot++)
		sum += tally.sas[slot].packets;
	return sum;
}

static uint64_t total(enum outcome outcome)
{
	uint64_t sum = 0;

	for (int program = 0; program < PROGRAMS; program++)
		sum += totals[program][outcome];
	return sum;
}

static uint64_t to_be_counted(void)
{
	static const enum outcome outcomes[] = { OUTCOME_DROPPED,  OUTCOME_SEALED,	 OUTCOME_OPENED,
						 OUTCOME_ANSWERED, OUTCOME_ENCAPSULATED, OUTCOME_DELIVERED };
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
		sum += total(outcomes[i]);
	return sum;
}

static const struct fuzz_target *pick_target(const struct fuzzer *fuzzer, unsigned int turn)
{
	const struct fuzz_target *target = fuzzer->targets;

	for (turn %= 8; turn >= target->share; target++)
		turn -= target->share;
	return target;
}

static void fuzz_round(const struct fuzzer *fuzzer, uint64_t seed)
{
	uint64_t before, expected, undue, got;
	unsigned int faults_before = faults;

	round_seed = seed;
	chance_seed(seed);
	numbers_reset();
	flow_forget();
	fuzzer->reset(NULL);
	before = counted();
	expected = to_be_counted();
	undue = total(OUTCOME_UNDUE);
	for (unsigned int i = 0; i < FUZZ_ROUND; i++) {
		if (i % REFRESH == 0 && fuzzer->refresh)
			fuzzer->refresh();
		fuzz_one(pick_target(fuzzer, i));
	}
	got = counted() - before;
	expected = to_be_counted() - expected;
	undue = total(OUTCOME_UNDUE) - undue;
	if (faults != faults_before || (got >= expected && got <= expected + undue))
		return;
	if (faults++ < FAULTS_MAX)
		printf("# of the round SEED=%#llx %llu packets were counted, and %llu were to be\n",
		       (unsigned long long)seed, (unsigned long long)got, (unsigned long long)expected);
}

/* ---- the run ----------------------------------------------------------------------------------------- */

static void report(const struct fuzzer *fuzzer)
{
	for (size_t i = 0; i < fuzzer->n_targets; i++) {
		const uint64_t *counts = totals[fuzzer->targets[i].program];

		printf("# %s:", fuzzer->targets[i].name);
		for (int outcome = 0; outcome < OUTCOMES; outcome++)
			if (counts[outcome])
				printf(" %s %llu%s", outcome_names[outcome],
				       (unsigned long long)counts[outcome], ";");
		printf("\n");
	}
}

/* A run that never came to something shows nothing about it. */
static bool came_to_all(const struct fuzzer *fuzzer)
{
	bool all = true;

	for (int outcome = 0; outcome < OUTCOMES; outcome++)
		if (fuzzer->outcomes & 1U << outcome && !total(outcome)) {
			printf("# none: %s\n", outcome_names[outcome]);
			all = false;
		}
	return all;
}

static bool result(bool good, int number, const char *what)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", number, what);
	return good;
}

int fuzz_main(const struct fuzzer *fuzzer)
{
	struct limits limits = limits_read("FUZZ_PACKETS", SHORT_RUN);
	bool good = true, is_long;
	uint64_t rounds = 0, bits = 0;
	void *state = NULL;
	char text[200];
	double seconds;

	fuzzer->setup(&state);
	limits.started += limits_elapsed(&limits);
	do
		fuzz_round(fuzzer, limits.seed + rounds++);
	while (!limits_reached(&limits, rounds * FUZZ_ROUND));
	seconds = limits_elapsed(&limits);
	for (int outcome = 0; outcome < OUTCOMES; outcome++)
		bits += is_drop(outcome) ? 0 : altered[outcome];
	is_long = rounds * FUZZ_ROUND >= SHORT_RUN;
	fuzzer->teardown(&state);

	printf("1..3\n");
	report(fuzzer);
	snprintf(text, sizeof(text), "%s: %llu packets from seed %#llx, %.0f packets a second: %u faults",
		 fuzzer->name, (unsigned long long)rounds * FUZZ_ROUND, (unsigned long long)limits.seed,
		 rounds * FUZZ_ROUND / seconds, faults);
	good &= result(!faults, 1, text);
	snprintf(text, sizeof(text), "%s: %u of %llu changed bits went unnoticed", fuzzer->name, missed,
		 (unsigned long long)bits);
	good &= result(!missed && (!is_long || noticed[OUTCOME_DROPPED]), 2, text);
	good &= result(!is_long || came_to_all(fuzzer), 3, "everything that can become of a packet has");
	return good ? 0 : 1;
}
