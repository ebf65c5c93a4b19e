// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sequence numbers when two CPUs seal under one SA: none twice (the nonce would repeat), none left out, none
 * from beyond the limit, and each packet sealed with the number that it carries.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

enum { CPUS = 2, PACKETS = 40000, TEXT_LEN = 21 };

static uint8_t text[TEXT_LEN];

struct sealer {
	pthread_t thread;
	int cpu;
	struct frame plain, sealed;
	struct oracle *oracle;
	struct bound bound;
	pthread_barrier_t *start;
	uint64_t *sequences; /* in the order in which they were used */
	size_t n;
	const char *failure;
};

static uint64_t sequence_of(const uint8_t *payload)
{
	return (uint64_t)read32(payload + 8) << 32 | read32(payload + 12);
}

/* No cmocka in a thread: its assertions jump, and the stack is another. */
static const char *seal_one(struct sealer *sealer)
{
	struct layout layout;
	uint8_t opened[TEXT_LEN];
	const uint8_t *payload;
	int verdict;

	if (!rig_try(PROGRAM_SEAL, &sealer->plain, &sealer->sealed, &verdict))
		return "the kernel did not run the program";
	if (verdict == TC_DROP)
		return NULL;
	if (verdict != SEAL_PASS || !frame_layout(&sealer->sealed, &layout))
		return "a packet was neither sealed nor dropped";
	payload = sealer->sealed.bytes + layout.payload;
	if (!oracle_open(sealer->oracle, &sealer->bound, payload, layout.end - layout.payload, opened) ||
	    memcmp(opened, text, TEXT_LEN))
		return "a packet was not sealed with what it carries";
	sealer->sequences[sealer->n++] = sequence_of(payload);
	return NULL;
}

static void *seal_many(void *argument)
{
	struct sealer *sealer = argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sealer->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		sealer->failure = "no such CPU";
	pthread_barrier_wait(sealer->start);
	for (int i = 0; i < PACKETS && !sealer->failure; i++)
		sealer->failure = seal_one(sealer);
	return NULL;
}

static int nth_cpu(int n)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	n %= CPU_COUNT(&set);
	for (int cpu = 0;; cpu++)
		if (CPU_ISSET(cpu, &set) && n-- == 0)
			return cpu;
}

/* Both CPUs seal PACKETS each, under the SA of slot. How often each number was used, from first on. */
static void seal_on_all(struct sealer *sealers, uint64_t first, uint8_t *times)
{
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, TEXT_LEN);
	pthread_barrier_t start;

	memset(times, 0, CPUS * PACKETS);
	pthread_barrier_init(&start, NULL, CPUS);
	for (int i = 0; i < CPUS; i++) {
		struct sealer *sealer = &sealers[i];

		*sealer = (struct sealer){ .cpu = nth_cpu(i), .start = &start };
		packet_build(&sealer->plain, &packet);
		sealer->bound = site_bound(&packet, SLOT_B_TX);
		sealer->oracle = oracle_new(site_sas[SLOT_B_TX].key, site_sas[SLOT_B_TX].key_length);
		sealer->sequences = calloc(PACKETS, sizeof(*sealer->sequences));
		assert_int_equal(pthread_create(&sealer->thread, NULL, seal_many, sealer), 0);
	}
	for (int i = 0; i < CPUS; i++) {
		struct sealer *sealer = &sealers[i];

		pthread_join(sealer->thread, NULL);
		if (sealer->failure)
			fail_msg("%s", sealer->failure);
		for (size_t k = 0; k < sealer->n; k++) {
			assert_in_range(sealer->sequences[k], first, first + CPUS * PACKETS - 1);
			times[sealer->sequences[k] - first]++;
			if (k)
				assert_true(sealer->sequences[k] > sealer->sequences[k - 1]);
		}
		oracle_free(sealer->oracle);
		free(sealer->sequences);
	}
	pthread_barrier_destroy(&start);
}

static void expect_once(const uint8_t *times, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (times[i] != 1)
			fail_msg("the %zuth number was used %d times", i, times[i]);
}

static void test_each_once(void **state)
{
	static uint8_t times[CPUS * PACKETS];
	static struct sealer sealers[CPUS];
	uint64_t first = (1ULL << 32) - PACKETS;

	(void)state;
	rig_sequence(SLOT_B_TX, first, XDPSEC_SEQUENCE_LIMIT);
	seal_on_all(sealers, first, times);
	expect_once(times, CPUS * PACKETS);
	assert_int_equal(rig_sequence_next(SLOT_B_TX), first + CPUS * PACKETS);
}

static void test_limit(void **state)
{
	enum { LIMIT = PACKETS + PACKETS / 2 };
	static uint8_t times[CPUS * PACKETS];
	static struct sealer sealers[CPUS];
	static struct tally before, after;

	(void)state;
	rig_sequence(SLOT_B_TX, 0, LIMIT);
	tally_take(&before);
	seal_on_all(sealers, 0, times);
	tally_take(&after);
	expect_once(times, LIMIT);
	for (size_t i = LIMIT; i < CPUS * PACKETS; i++)
		assert_int_equal(times[i], 0);
	before.sas[SLOT_B_TX].packets += LIMIT;
	before.sas[SLOT_B_TX].bytes += LIMIT * TEXT_LEN;
	before.sas[SLOT_B_TX].drops[XDPSEC_DROP_SEQUENCE_EXHAUSTED] += CPUS * PACKETS - LIMIT;
	before.drops[XDPSEC_DROP_SEQUENCE_EXHAUSTED] += CPUS * PACKETS - LIMIT;
	/* Each CPU may have asked once too often at the very end. */
	assert_in_range(after.sas[SLOT_B_TX].sequence.next, LIMIT, LIMIT + CPUS - 1);
	before.sas[SLOT_B_TX].sequence.next = after.sas[SLOT_B_TX].sequence.next;
	before.sas[SLOT_B_TX].last_seen = after.sas[SLOT_B_TX].last_seen;
	expect_same_tally(&after, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_once, site_reset),
		cmocka_unit_test_setup(test_limit, site_reset),
	};

	fill_pattern(text, sizeof(text), 17);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sequence", tests, site_setup, site_teardown);
}
