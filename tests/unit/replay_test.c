// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The replay window (RFC 6479) as the real open program keeps it, with packets that OpenSSL sealed: the truth
 * table that WireGuard and OpenBSD share, a random walk beside a model that remembers everything, and two
 * CPUs at once.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <bpf/libbpf.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

enum { RANDOM_STEPS = 1000000 };

/* One packet under SLOT_B_RX with a payload of four bytes, to be sealed again and again. */
struct sender {
	struct oracle *oracle;
	struct bound bound;
	struct frame frame, out;
	uint8_t *payload;
};

static const uint8_t text[4] = "ping";

static void sender_init(struct sender *sender)
{
	uint8_t nothing[XDPSEC_OVERHEAD + sizeof(text)] = {};
	struct packet packet = packet_reversed(packet_udp(REMOTE_B4, PORT, nothing, sizeof(nothing)));
	struct layout layout;

	packet.udp_checksum = 0;
	packet_build(&sender->frame, &packet);
	assert_true(frame_layout(&sender->frame, &layout));
	sender->payload = sender->frame.bytes + layout.payload;
	sender->bound = site_bound(&packet, SLOT_B_RX);
	sender->oracle = oracle_new(site_sas[SLOT_B_RX].key, site_sas[SLOT_B_RX].key_length);
}

/* Whether the open program takes the packet with this number. */
static bool receives(struct sender *sender, uint64_t sequence)
{
	int verdict;

	oracle_seal(sender->oracle, site_sas[SLOT_B_RX].spi, XDPSEC_NEXT_UDP, sequence, &sender->bound, text,
		    sizeof(text), sender->payload);
	verdict = rig_run(PROGRAM_OPEN, &sender->frame, &sender->out);
	assert_true(verdict == XDP_PASS || verdict == XDP_DROP);
	return verdict == XDP_PASS;
}

/*
 * The numbered table of the Linux kernel's drivers/net/wireguard/selftest/counter.c, which OpenBSD's
 * noise_counter_test() has too. COUNTER_WINDOW_SIZE and REJECT_AFTER_MESSAGES have our names; their values
 * are the same.
 */
#define LIMIT (XDPSEC_REPLAY_WINDOW + 1ULL)
#define REJECT XDPSEC_SEQUENCE_LIMIT

static const struct truth {
	unsigned int number;
	uint64_t sequence;
	bool taken;
} truths[] = {
	{ 1, 0, true },
	{ 2, 1, true },
	{ 3, 1, false },
	{ 4, 9, true },
	{ 5, 8, true },
	{ 6, 7, true },
	{ 7, 7, false },
	{ 8, LIMIT, true },
	{ 9, LIMIT - 1, true },
	{ 10, LIMIT - 1, false },
	{ 11, LIMIT - 2, true },
	{ 12, 2, true },
	{ 13, 2, false },
	{ 14, LIMIT + 16, true },
	{ 15, 3, false },
	{ 16, LIMIT + 16, false },
	{ 17, LIMIT * 4, true },
	{ 18, LIMIT * 4 - (LIMIT - 1), true },
	{ 19, 10, false },
	{ 20, LIMIT * 4 - LIMIT, false },
	{ 21, LIMIT * 4 - (LIMIT + 1), false },
	{ 22, LIMIT * 4 - (LIMIT - 2), true },
	{ 23, LIMIT * 4 + 1 - LIMIT, false },
	{ 24, 0, false },
	{ 25, REJECT, false },
	{ 26, REJECT - 1, true },
	{ 27, REJECT, false },
	{ 28, REJECT - 1, false },
	{ 29, REJECT - 2, true },
	{ 30, REJECT + 1, false },
	{ 31, REJECT + 2, false },
	{ 32, REJECT - 2, false },
	{ 33, REJECT - 3, true },
	{ 34, 0, false },
};

/* The table's six loops: every number of a range, up or down, then single ones. */
static const struct sweep {
	const char *name;
	uint64_t first, last; /* inclusive; last < first: downwards */
	struct {
		uint64_t sequence;
		bool taken;
	} then[2];
	unsigned int n_then;
} sweeps[] = {
	{ "1 up to the window, then 0", 1, LIMIT - 1, { { 0, true }, { 0, false } }, 2 },
	{ "2 up to the window + 1, then 1 and 0", 2, LIMIT, { { 1, true }, { 0, false } }, 2 },
	{ "the window down to 0", LIMIT - 1, 0, {}, 0 },
	{ "the window + 1 down to 1, then 0", LIMIT, 1, { { 0, false } }, 1 },
	{ "the window down to 1, then the window + 1 and 0",
	  LIMIT - 1,
	  1,
	  { { LIMIT, true }, { 0, false } },
	  2 },
	{ "the window down to 0, then the window + 1", LIMIT - 1, 1, { { 0, true }, { LIMIT, true } }, 2 },
};

static struct sender sender;

static int setup(void **state)
{
	site_setup(state);
	sender_init(&sender);
	return 0;
}

static int teardown(void **state)
{
	oracle_free(sender.oracle);
	return site_teardown(state);
}

static void test_truth_table(void **state)
{
	(void)state;
	for (const struct truth *truth = truths; truth < truths + ARRAY_SIZE(truths); truth++)
		if (receives(&sender, truth->sequence) != truth->taken)
			fail_msg("number %u: sequence %llu", truth->number,
				 (unsigned long long)truth->sequence);
}

static void test_sweep(void **state)
{
	const struct sweep *sweep = *state;
	uint64_t step = sweep->first < sweep->last ? 1 : -1, sequence;

	for (sequence = sweep->first; sequence != sweep->last + step; sequence += step)
		if (!receives(&sender, sequence))
			fail_msg("sequence %llu", (unsigned long long)sequence);
	for (unsigned int i = 0; i < sweep->n_then; i++)
		assert_int_equal(receives(&sender, sweep->then[i].sequence), sweep->then[i].taken);
}

/* The model: every number that was taken, and the highest. */
struct model {
	uint64_t *taken; /* a hash table, open addressing; 0 is an empty place, so that numbers are kept plus
			    one */
	uint64_t highest;
	bool any;
};

enum { MODEL_PLACES = 1 << 22 };

static uint64_t *model_find(struct model *model, uint64_t sequence)
{
	uint64_t i = (sequence * 0x9e3779b97f4a7c15ULL) >> 42;

	while (model->taken[i] && model->taken[i] != sequence + 1)
		i = (i + 1) % MODEL_PLACES;
	return &model->taken[i];
}

static bool model_takes(struct model *model, uint64_t sequence)
{
	uint64_t *place = model_find(model, sequence);

	if (sequence >= XDPSEC_SEQUENCE_LIMIT || *place)
		return false;
	if (model->any && sequence + XDPSEC_REPLAY_WINDOW < model->highest)
		return false;
	*place = sequence + 1;
	if (!model->any || sequence > model->highest)
		model->highest = sequence;
	model->any = true;
	return true;
}

static uint64_t random64(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ULL;

	x ^= x << 13; /* xorshift64, the same walk every time */
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static uint64_t back(uint64_t from, uint64_t by)
{
	return by > from ? 0 : from - by;
}

/* Mostly what networks do, and everything that attackers would. */
static uint64_t random_sequence(uint64_t highest)
{
	uint64_t r = random64(), kind = r % 10000, step = r >> 32;

	if (kind < 4000)
		return highest + 1 + step % 3;
	if (kind < 6500)
		return back(highest, step % 64); /* out of order, or again */
	if (kind < 8500)
		return back(highest,
			    step % (XDPSEC_REPLAY_WINDOW + 64)); /* in the window and around its end */
	if (kind < 9000)
		return back(highest, XDPSEC_REPLAY_WINDOW + 2) + step % 5;
	if (kind < 9900)
		return step % (highest + 1); /* anything old */
	if (kind < 9990)
		return highest + step % 256; /* a gap, by words */
	if (kind < 9995)
		return highest + step % (2 * XDPSEC_REPLAY_BITS); /* by more than the ring */
	if (kind < 9996)
		return highest + (step << (r >> 8) % 12); /* far ahead */
	return XDPSEC_SEQUENCE_LIMIT + step % 5;
}

static void test_random_walk(void **state)
{
	struct model model = { .taken = calloc(MODEL_PLACES, sizeof(uint64_t)) };
	unsigned int taken = 0;

	(void)state;
	assert_non_null(model.taken);
	for (unsigned int i = 0; i < RANDOM_STEPS; i++) {
		uint64_t sequence = random_sequence(model.highest), before = model.highest;
		bool expected = model_takes(&model, sequence);

		if (receives(&sender, sequence) != expected)
			fail_msg("step %u: sequence %llu after %llu: expected %s", i,
				 (unsigned long long)sequence, (unsigned long long)before,
				 expected ? "taken" : "refused");
		taken += expected;
	}
	/* That the walk saw both, in quantity. */
	assert_in_range(taken, RANDOM_STEPS / 4, RANDOM_STEPS * 3 / 4);
	free(model.taken);
}

static struct frame *sealed_frame(uint64_t sequence)
{
	oracle_seal(sender.oracle, site_sas[SLOT_B_RX].spi, XDPSEC_NEXT_UDP, sequence, &sender.bound, text,
		    sizeof(text), sender.payload);
	return &sender.frame;
}

static void test_replay_is_counted(void **state)
{
	(void)state;
	assert_true(receives(&sender, 5));
	expect_drop(PROGRAM_OPEN, sealed_frame(5), XDPSEC_DROP_REPLAYED, SLOT_B_RX);
	assert_true(receives(&sender, 5 + LIMIT));
	expect_drop(PROGRAM_OPEN, sealed_frame(4), XDPSEC_DROP_REPLAYED, SLOT_B_RX);
	assert_true(receives(&sender, 6));
}

static void test_limit_is_counted(void **state)
{
	(void)state;
	for (uint64_t sequence = XDPSEC_SEQUENCE_LIMIT; sequence; sequence++)
		if (sequence < XDPSEC_SEQUENCE_LIMIT + 100 || sequence > UINT64_MAX - 100)
			expect_drop(PROGRAM_OPEN, sealed_frame(sequence), XDPSEC_DROP_REPLAYED, SLOT_B_RX);
	assert_true(receives(&sender, 0));
}

/* Authenticate first: a forged number far ahead must not push the real ones out of the window. */
static void test_forged_moves_nothing(void **state)
{
	static const uint64_t sequences[] = { 0, 1, 100, 101, LIMIT, 1ULL << 40, XDPSEC_SEQUENCE_LIMIT - 1 };

	(void)state;
	assert_true(receives(&sender, 100));
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
		struct frame *frame = sealed_frame(sequences[i]);

		sender.payload[XDPSEC_HEADER_LEN] ^= 1;
		expect_drop(PROGRAM_OPEN, frame, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
	}
	assert_true(receives(&sender, 99));
	assert_true(receives(&sender, 101));
	assert_false(receives(&sender, 100));
}

/* One SA's window is its own. */
static void test_windows_are_apart(void **state)
{
	struct packet other = packet_reversed(packet_udp(REMOTE_C4, PORT, text, sizeof(text)));

	(void)state;
	assert_true(receives(&sender, 1ULL << 50));
	expect_opens(&other, SLOT_C_RX, 3);
}

enum { RACE_NUMBERS = 80000, RACE_ROUND = 8, RACERS = 2 };

struct racer {
	pthread_t thread;
	int cpu, number;
	struct sender sender;
	uint8_t *taken; /* by sequence number */
	bool failed;
};

/* Wait until all are here. Spinning, so that they leave at the same time; yielding, in case of one CPU. */
static void meet(unsigned int round)
{
	static atomic_uint arrived;

	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < (round + 1) * RACERS)
		sched_yield();
}

/* No cmocka in here: its assertions jump, and the stack is another. */
static void race_round(struct racer *racer, unsigned int round)
{
	struct sender *s = &racer->sender;

	for (unsigned int i = 0; i < RACE_ROUND; i++) {
		/* The same numbers for both, in an order of their own: now the same one, now one of the same
		 * word. */
		unsigned int sequence = round * RACE_ROUND + (i ^ (racer->number ? round % RACE_ROUND : 0));
		int verdict;

		oracle_seal(s->oracle, site_sas[SLOT_B_RX].spi, XDPSEC_NEXT_UDP, sequence, &s->bound, text,
			    sizeof(text), s->payload);
		if (!rig_try(PROGRAM_OPEN, &s->frame, &s->out, &verdict))
			verdict = -1;
		racer->failed |= verdict != XDP_PASS && verdict != XDP_DROP;
		racer->taken[sequence] = verdict == XDP_PASS;
	}
}

static void *race(void *argument)
{
	struct racer *racer = argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(racer->cpu, &cpus);
	racer->failed = pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) != 0;
	for (unsigned int round = 0; round < RACE_NUMBERS / RACE_ROUND; round++) {
		meet(round);
		race_round(racer, round);
	}
	return NULL;
}

static int allowed_cpus(int *cpus, int n)
{
	cpu_set_t set;
	int found = 0;

	assert_return_code(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && found < n; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[found++] = cpu;
	return found;
}

static void test_two_cpus(void **state)
{
	static struct racer racers[RACERS];
	unsigned int by[RACERS] = {};
	int cpus[RACERS], n_cpus;

	(void)state;
	n_cpus = allowed_cpus(cpus, RACERS);
	if (n_cpus < RACERS)
		printf("# only one CPU: the two take turns on it\n");
	for (int i = 0; i < RACERS; i++) {
		racers[i].cpu = cpus[i % n_cpus];
		racers[i].number = i;
		racers[i].taken = calloc(RACE_NUMBERS, 1);
		sender_init(&racers[i].sender);
	}
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (int i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		assert_false(racers[i].failed);
	}
	for (unsigned int n = 0; n < RACE_NUMBERS; n++) {
		int times = 0;

		for (int i = 0; i < RACERS; i++) {
			times += racers[i].taken[n];
			by[i] += racers[i].taken[n];
		}
		/* Never twice; and not never, as whoever comes first finds it new. */
		if (times != 1)
			fail_msg("sequence %u was taken %d times", n, times);
	}
	printf("# taken: %u on one CPU, %u on the other\n", by[0], by[1]);
	for (int i = 0; i < RACERS; i++) {
		oracle_free(racers[i].sender.oracle);
		free(racers[i].taken);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(sweeps) + 7];
	size_t n = 0;

	tests[n++] = unit_test_row("WireGuard's and OpenBSD's truth table, 1 to 34", test_truth_table, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++)
		tests[n++] = unit_test_row(sweeps[i].name, test_sweep, &sweeps[i]);
	tests[n++] = unit_test_row("10^6 random steps beside a model", test_random_walk, NULL);
	tests[n++] = unit_test_row("replayed and too old are counted", test_replay_is_counted, NULL);
	tests[n++] = unit_test_row("numbers from the limit on are refused", test_limit_is_counted, NULL);
	tests[n++] = unit_test_row("a forged packet moves nothing", test_forged_moves_nothing, NULL);
	tests[n++] = unit_test_row("the windows of two SAs are apart", test_windows_are_apart, NULL);
	tests[n++] = unit_test_row("two CPUs take each number once", test_two_cpus, NULL);
	for (size_t i = 0; i < n; i++)
		tests[i].setup_func = site_reset;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("replay", tests, setup, teardown);
}
