// SPDX-License-Identifier: GPL-2.0-or-later
/* Running a program over a frame, and comparing everything that it may have changed. */
#include <bpf/libbpf.h>

#include "unit.h"
#include "expect.h"

static const char *const drop_names[] = {
#define DROP_NAME(id, name, text) name,
	XDPSEC_DROP_REASONS(DROP_NAME)
#undef DROP_NAME
};

enum { TALLY_SLOTS = TALLY_SAS / 2 * XDPSEC_SLOTS_PER_PEER };

static void take_counters(struct tally *tally)
{
	int cpus = libbpf_num_possible_cpus();
	struct xdpsec_counters counters[TALLY_SAS][cpus];
	uint64_t drops[XDPSEC_DROP_COUNT][cpus];

	map_read_first(rig.maps.drops, XDPSEC_DROP_COUNT, drops);
	map_read_first(rig.maps.sa_counters, TALLY_SAS, counters);
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (int reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
			tally->drops[reason] += drops[reason][cpu];
		for (int slot = 0; slot < TALLY_SAS; slot++) {
			struct tally_sa *sa = &tally->sas[slot];

			sa->packets += counters[slot][cpu].packets;
			sa->bytes += counters[slot][cpu].bytes;
			if (counters[slot][cpu].last_seen > sa->last_seen)
				sa->last_seen = counters[slot][cpu].last_seen;
			for (int reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
				sa->drops[reason] += counters[slot][cpu].drops[reason];
		}
	}
}

void tally_take(struct tally *tally)
{
	struct xdpsec_sequence sequences[TALLY_SLOTS];
	struct xdpsec_replay windows[TALLY_SLOTS];
	struct xdpsec_sa parameters[TALLY_SLOTS];

	memset(tally, 0, sizeof(*tally));
	take_counters(tally);
	map_read_first(rig.maps.sequences, TALLY_SLOTS, sequences);
	map_read_first(rig.maps.replay_windows, TALLY_SLOTS, windows);
	map_read_first(rig.maps.sas, TALLY_SLOTS, parameters);
	map_read_first(rig.maps.endpoints, TALLY_PEERS, tally->endpoints);
	for (int sa = 0; sa < TALLY_SAS; sa++) {
		tally->sas[sa].sequence = sequences[rig_slot(sa)];
		tally->sas[sa].window = windows[rig_slot(sa)];
		tally->sas[sa].parameters = parameters[rig_slot(sa)];
	}
}

static void expect_same_drops(const uint64_t *got, const uint64_t *expected, const char *where, int slot)
{
	for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
		if (got[i] != expected[i])
			fail_msg("%s %d: drops of %s: %llu, expected %llu", where, slot, drop_names[i],
				 (unsigned long long)got[i], (unsigned long long)expected[i]);
}

static void expect_same_endpoint(int peer, const struct xdpsec_endpoint *got,
				 const struct xdpsec_endpoint *expected)
{
	struct xdpsec_endpoint without = *got;

	/* A cache of the last check, not compared. */
	without.checked = expected->checked;
	without.usable = expected->usable;
	if (memcmp(&without, expected, sizeof(without)) == 0)
		return;
	for (int i = 0; i < 2; i++)
		if (memcmp(&got->at[i], &expected->at[i], sizeof(got->at[i])) != 0)
			print_message("# endpoint %d: another location %d, port %u\n", peer, i,
				      got->at[i].port);
	fail_msg("endpoint %d: current %u, moves %u, path_mtu %u until %llu, sent %llu; expected %u, %u, %u "
		 "until %llu, %llu",
		 peer, got->current, got->moves, got->path_mtu, (unsigned long long)got->path_mtu_until,
		 (unsigned long long)got->sent, expected->current, expected->moves, expected->path_mtu,
		 (unsigned long long)expected->path_mtu_until, (unsigned long long)expected->sent);
}

void expect_same_tally(const struct tally *got, const struct tally *expected)
{
	for (int peer = 0; peer < TALLY_PEERS; peer++)
		expect_same_endpoint(peer, &got->endpoints[peer], &expected->endpoints[peer]);
	expect_same_drops(got->drops, expected->drops, "all", 0);
	for (int slot = 0; slot < TALLY_SAS; slot++) {
		const struct tally_sa *sa = &got->sas[slot], *want = &expected->sas[slot];

		expect_same_drops(sa->drops, want->drops, "SA", slot);
		assert_int_equal(sa->packets, want->packets);
		assert_int_equal(sa->bytes, want->bytes);
		assert_int_equal(sa->last_seen, want->last_seen);
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

static bool is_xdp(enum program program)
{
	return program == PROGRAM_OPEN || program == PROGRAM_DECAPSULATE || program == PROGRAM_FAST_OUT ||
	       program == PROGRAM_FAST_IN;
}

static int pass_of(enum program program)
{
	return is_xdp(program) ? XDP_PASS : SEAL_PASS;
}

static int drop_of(enum program program)
{
	return is_xdp(program) ? XDP_DROP : TC_DROP;
}

void expect_passed_as(enum program program, const struct frame *frame, const struct frame *passed)
{
	static struct tally before, after;
	static struct frame out;

	tally_take(&before);
	assert_int_equal(rig_run(program, frame, &out), pass_of(program));
	tally_take(&after);
	expect_same_frame(&out, passed);
	expect_same_tally(&after, &before);
}

void expect_untouched(enum program program, const struct frame *frame)
{
	expect_passed_as(program, frame, frame);
}

void expect_packet_untouched(enum program program, const struct packet *packet)
{
	static struct frame frame;

	packet_build(&frame, packet);
	expect_untouched(program, &frame);
}

void tally_add_drop(struct tally *tally, enum xdpsec_drop reason, int slot)
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
	tally_add_drop(&expected, reason, slot);
	verdict = rig_run(program, frame, &out);
	tally_take(&after);
	expect_same_tally(&after, &expected);
	assert_int_equal(verdict, drop_of(program));
}

void expect_packet_drop(enum program program, const struct packet *packet, enum xdpsec_drop reason, int slot)
{
	static struct frame frame;

	packet_build(&frame, packet);
	expect_drop(program, &frame, reason, slot);
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

void tally_add_packet(struct tally *expected, const struct tally *after, int slot, size_t bytes)
{
	struct tally_sa *sa = &expected->sas[slot];
	uint64_t seen = after->sas[slot].last_seen;

	assert_true(seen && seen >= sa->last_seen);
	sa->last_seen = seen;
	sa->packets++;
	sa->bytes += bytes;
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
	if (plain->vlans && !plain->pppoe)
		frame_untag(&expected_frame);
	expected.sas[slot].sequence.next++;
	assert_int_equal(rig_run(program, &in, &out), verdict);
	tally_take(&after);
	tally_add_packet(&expected, &after, slot, plain->length);
	expect_same_tally(&after, &expected);
	expect_same_frame(&out, &expected_frame);
}

void tally_move_window(struct tally *expected, const struct tally *after, int slot)
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
	assert_int_equal(rig_run(PROGRAM_OPEN, &in, &out), pass_of(PROGRAM_OPEN));
	tally_take(&after);
	tally_add_packet(&expected, &after, slot, plain->length);
	tally_move_window(&expected, &after, slot);
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
	tally_add_drop(&expected, reason, slot);
	assert_int_equal(rig_run(program, frame, answer), TC_REDIRECT);
	tally_take(&after);
	expect_same_tally(&after, &expected);
}

void expect_few_answers(enum program program, const struct packet *packet, enum xdpsec_drop reason, int slot)
{
	static struct tally expected, after;
	static struct frame frame, out;
	enum { PACKETS = 2000 };
	int answered = 0;

	packet_build(&frame, packet);
	rig_allow_answers();
	tally_take(&expected);
	for (int i = 0; i < PACKETS; i++) {
		int verdict = rig_run(program, &frame, &out);

		assert_true(verdict == TC_REDIRECT || verdict == TC_DROP);
		answered += verdict == TC_REDIRECT;
		tally_add_drop(&expected, reason, slot);
	}
	tally_take(&after);
	expect_same_tally(&after, &expected);
	assert_in_range(answered, 50, PACKETS - 1);
}
