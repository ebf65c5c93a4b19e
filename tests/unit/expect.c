// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>

#include "unit.h"
#include "expect.h"

static const char *const drop_names[] = {
#define DROP_NAME(id, name, text) name,
	XDPSEC_DROP_REASONS(DROP_NAME)
#undef DROP_NAME
};

void tally_take(struct tally *tally)
{
	int cpus = libbpf_num_possible_cpus();
	struct xdpsec_counters counters[cpus];
	uint64_t drops[cpus];

	memset(tally, 0, sizeof(*tally));
	for (uint32_t reason = 0; reason < XDPSEC_DROP_COUNT; reason++) {
		map_read(rig.maps.drops, reason, drops);
		for (int cpu = 0; cpu < cpus; cpu++)
			tally->drops[reason] += drops[cpu];
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		struct tally_sa *sa = &tally->sas[slot];

		map_read(rig.maps.sa_counters, slot, counters);
		for (int cpu = 0; cpu < cpus; cpu++) {
			sa->packets += counters[cpu].packets;
			sa->bytes += counters[cpu].bytes;
			for (uint32_t reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
				sa->drops[reason] += counters[cpu].drops[reason];
		}
		map_read(rig.maps.sequences, slot, &sa->sequence);
		map_read(rig.maps.replay_windows, slot, &sa->window);
		map_read(rig.maps.sas, slot, &sa->parameters);
	}
}

static void expect_same_drops(const uint64_t *got, const uint64_t *expected, const char *where, int slot)
{
	for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
		if (got[i] != expected[i])
			fail_msg("%s %d: drops of %s: %llu, expected %llu", where, slot, drop_names[i],
				 (unsigned long long)got[i], (unsigned long long)expected[i]);
}

void expect_same_tally(const struct tally *got, const struct tally *expected)
{
	expect_same_drops(got->drops, expected->drops, "all", 0);
	for (int slot = 0; slot < SLOTS; slot++) {
		const struct tally_sa *sa = &got->sas[slot], *want = &expected->sas[slot];

		expect_same_drops(sa->drops, want->drops, "SA", slot);
		assert_int_equal(sa->packets, want->packets);
		assert_int_equal(sa->bytes, want->bytes);
		assert_memory_equal(&sa->sequence, &want->sequence, sizeof(sa->sequence));
		assert_memory_equal(&sa->window, &want->window, sizeof(sa->window));
		assert_memory_equal(&sa->parameters, &want->parameters, sizeof(sa->parameters));
	}
}

void expect_same_frame(const struct frame *got, const struct frame *expected)
{
	assert_int_equal(got->length, expected->length);
	for (size_t i = 0; i < got->length; i++)
		if (got->bytes[i] != expected->bytes[i])
			fail_msg("byte %zu of %zu is %02x, expected %02x", i, got->length, got->bytes[i],
				 expected->bytes[i]);
}

static int pass_of(enum program program)
{
	return program == PROGRAM_OPEN ? 2 /* XDP_PASS */ : SEAL_PASS;
}

static int drop_of(enum program program)
{
	return program == PROGRAM_OPEN ? 1 /* XDP_DROP */ : TC_DROP;
}

void expect_untouched(enum program program, const struct frame *frame)
{
	static struct tally before, after;
	static struct frame out;

	tally_take(&before);
	assert_int_equal(rig_run(program, frame, &out), pass_of(program));
	tally_take(&after);
	expect_same_frame(&out, frame);
	expect_same_tally(&after, &before);
}

static void add_drop(struct tally *tally, enum xdpsec_drop reason, int slot)
{
	tally->drops[reason]++;
	if (slot != SLOT_NONE)
		tally->sas[slot].drops[reason]++;
}

void expect_drop(enum program program, const struct frame *frame, enum xdpsec_drop reason, int slot)
{
	static struct tally expected, after;
	static struct frame out;
	int verdict;

	tally_take(&expected);
	add_drop(&expected, reason, slot);
	verdict = rig_run(program, frame, &out);
	tally_take(&after);
	expect_same_tally(&after, &expected);
	assert_int_equal(verdict, drop_of(program));
}

void expect_redirect(enum program program, const struct frame *frame)
{
	static struct tally before, after;
	static struct frame out;

	tally_take(&before);
	assert_int_equal(rig_run(program, frame, &out), TC_REDIRECT);
	tally_take(&after);
	expect_same_frame(&out, frame);
	expect_same_tally(&after, &before);
}

void expect_sealed(enum program program, const struct packet *plain, int slot, int verdict)
{
	static struct frame in, out, expected_frame;
	static struct tally expected, after;
	static uint8_t buffer[FRAME_MAX];
	struct packet sealed;

	tally_take(&expected);
	sealed = site_sealed(plain, slot, expected.sas[slot].sequence.next, buffer);
	packet_build(&in, plain);
	packet_build(&expected_frame, &sealed);
	/* A tag that has been in the frame ends up beside it, which a test run does not show (the netns tests
	 * see it on the wire). */
	if (plain->vlans)
		frame_untag(&expected_frame);
	expected.sas[slot].sequence.next++;
	expected.sas[slot].packets++;
	expected.sas[slot].bytes += plain->length;
	assert_int_equal(rig_run(program, &in, &out), verdict);
	tally_take(&after);
	expect_same_tally(&after, &expected);
	expect_same_frame(&out, &expected_frame);
}

/* What RFC 6479's ring must come to is the replay test's concern; here: that it has moved. */
static void expect_window_moved(struct tally *expected, const struct tally *after, int slot)
{
	struct xdpsec_replay *before = &expected->sas[slot].window;

	assert_memory_not_equal(before, &after->sas[slot].window, sizeof(*before));
	assert_true(after->sas[slot].window.next >= before->next);
	*before = after->sas[slot].window;
}

void expect_opened(const struct packet *sealed, const struct packet *plain, int slot)
{
	static struct frame in, out, expected_frame;
	static struct tally expected, after;

	packet_build(&in, sealed);
	packet_build(&expected_frame, plain);
	tally_take(&expected);
	expected.sas[slot].packets++;
	expected.sas[slot].bytes += plain->length;
	assert_int_equal(rig_run(PROGRAM_OPEN, &in, &out), pass_of(PROGRAM_OPEN));
	tally_take(&after);
	expect_window_moved(&expected, &after, slot);
	expect_same_tally(&after, &expected);
	expect_same_frame(&out, &expected_frame);
}

void expect_opens(const struct packet *plain, int slot, uint64_t sequence)
{
	static uint8_t buffer[FRAME_MAX];
	struct packet sealed = site_sealed(plain, slot, sequence, buffer);

	expect_opened(&sealed, plain, slot);
}

void expect_answer(enum program program, const struct frame *frame, enum xdpsec_drop reason, int slot,
		   struct frame *answer)
{
	static struct tally expected, after;

	rig_allow_answers();
	tally_take(&expected);
	add_drop(&expected, reason, slot);
	assert_int_equal(rig_run(program, frame, answer), TC_REDIRECT);
	tally_take(&after);
	expect_same_tally(&after, &expected);
}
