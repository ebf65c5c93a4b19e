// SPDX-License-Identifier: GPL-2.0-or-later
/* Expectations of agreed SAs: one packet each, and what it changes. */
#include "agreed_expect.h"

#include <bpf/libbpf.h>

#include "unit.h"

static const uint8_t text[40] = { 'a', 'g', 'r', 'e', 'e', 'd' };
static uint8_t buffer[FRAME_MAX];

struct agreed_counted agreed_counted(uint32_t index)
{
	int cpus = libbpf_num_possible_cpus();
	struct xdpsec_counters counters[cpus];
	struct agreed_counted sum = {};

	map_read(rig.maps.sa_counters, index, counters);
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += counters[cpu].packets;
		sum.bytes += counters[cpu].bytes;
		for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
			sum.drops[i] += counters[cpu].drops[i];
	}
	return sum;
}

struct xdpsec_activity agreed_seen(void)
{
	struct xdpsec_activity activity;

	map_read(agent.maps[AGREE_ACTIVITY], AGREED_PEER, &activity);
	return activity;
}

struct xdpsec_agreement agreed_record(uint32_t slot)
{
	struct xdpsec_agreement agreement;

	map_read(agent.maps[AGREE_AGREEMENTS], slot, &agreement);
	return agreement;
}

void expect_agreed_seals(int key, uint32_t spi, uint64_t sequence)
{
	struct packet inner = tunnel_inner(INNER_NO_SA4, text, sizeof(text)), outer;
	struct agreed_counted before = agreed_counted(AGREED_COUNTERS_TX), after;
	static uint8_t bytes[FRAME_MAX];
	static struct frame frame, out, want;
	size_t length = tunnel_inner_bytes(&inner, bytes);

	packet_build(&frame, &inner);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	outer = agreed_sealed(key, spi, NEXT_IPV4, sequence, bytes, length, buffer);
	outer.tos = inner.tos;
	packet_build(&want, &outer);
	memcpy(want.bytes, out.bytes, 12);
	expect_same_frame(&out, &want);
	after = agreed_counted(AGREED_COUNTERS_TX);
	assert_int_equal(after.packets, before.packets + 1);
	assert_int_equal(after.bytes, before.bytes + length);
}

void expect_agreed_not_sealed(enum xdpsec_drop reason)
{
	struct packet inner = tunnel_inner(INNER_NO_SA4, text, sizeof(text));
	struct agreed_counted before = agreed_counted(AGREED_COUNTERS_TX), after;
	static struct frame frame, out;

	packet_build(&frame, &inner);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_DROP);
	after = agreed_counted(AGREED_COUNTERS_TX);
	assert_int_equal(after.packets, before.packets);
	/* Without an SA there are no counters to compare. */
	if (reason != XDPSEC_DROP_NO_KEY)
		assert_int_equal(after.drops[reason], before.drops[reason] + 1);
}

int agreed_run_in(const struct packet *outer)
{
	static struct frame frame, out;

	packet_build(&frame, outer);
	return rig_run(PROGRAM_DECAPSULATE, &frame, &out);
}

void expect_agreed_opens(int key, uint32_t spi, uint64_t sequence)
{
	struct packet outer = agreed_incoming(key, spi, sequence, buffer);
	struct agreed_counted before = agreed_counted(AGREED_COUNTERS_RX), after;

	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	after = agreed_counted(AGREED_COUNTERS_RX);
	assert_int_equal(after.packets, before.packets + 1);
}

void expect_agreed_not_opened(const struct packet *outer, enum xdpsec_drop reason)
{
	struct agreed_counted before = agreed_counted(AGREED_COUNTERS_RX), after;

	assert_int_equal(agreed_run_in(outer), XDP_DROP);
	after = agreed_counted(AGREED_COUNTERS_RX);
	assert_int_equal(after.drops[reason], before.drops[reason] + 1);
	assert_int_equal(after.packets, before.packets);
}
