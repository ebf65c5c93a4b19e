// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SAs of an agreed peer in the data plane: deadlines, events, what is noted of their use, counters across a change of keys,
 * the limit of a key, which SA moves the endpoint, and a machine that is copied.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "unit.h"
#include "agree_rig.h"
#include "agreed_expect.h"
#include "plane/fork.h"
#include "plane/objects.h"

static const uint64_t second = 1000000000;
static uint8_t text[100], buffer[FRAME_MAX];

/* A number is used once under a key, from 0. */
static void test_seals(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);

	(void)state;
	agreed_use(&sa, 1);
	for (uint64_t sequence = 0; sequence < 3; sequence++)
		expect_agreed_seals(1, sa.spi, sequence);
	assert_int_equal(agree_rig_events(), 0);
}

/* 2^37 packets under a key, and not one more. */
static void test_limit(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);
	const uint64_t limit = 1ULL << 37;
	struct xdpsec_sequence sequence;

	(void)state;
	agreed_use(&sa, 1);
	map_read(rig.maps.sequences, AGREED_TX, &sequence);
	assert_int_equal(sequence.limit, limit);
	sequence.next = limit - 1;
	map_write(rig.maps.sequences, AGREED_TX, &sequence);
	expect_agreed_seals(1, sa.spi, limit - 1);
	expect_agreed_not_sealed(XDPSEC_DROP_SEQUENCE_EXHAUSTED);
	map_read(rig.maps.sequences, AGREED_TX, &sequence);
	assert_int_equal(sequence.next, limit);
}

/* Keys change: each seals from 0, and the counters run on. What was sealed under the old one is opened until it goes. */
static void test_rekey(void **state)
{
	struct agreement_sa tx1 = agreed_sa(AGREED_TX, 1), tx2 = agreed_sa(AGREED_TX + 1, 2),
			    rx1 = agreed_sa(AGREED_RX, 1), rx2 = agreed_sa(AGREED_RX + 1, 2);
	struct agreed_counted sealed = agreed_counted(AGREED_COUNTERS_TX),
			      opened = agreed_counted(AGREED_COUNTERS_RX);

	(void)state;
	agreed_use(&rx1, 2);
	agreed_use(&tx1, 1);
	expect_agreed_seals(1, tx1.spi, 0);
	expect_agreed_seals(1, tx1.spi, 1);
	expect_agreed_opens(2, rx1.spi, 0);
	agreed_use(&rx2, 4);
	agreed_use(&tx2, 3);
	/* The same first nonce as under the other key, in another slot. */
	expect_agreed_seals(3, tx2.spi, 0);
	expect_agreed_opens(4, rx2.spi, 0);
	expect_agreed_opens(2, rx1.spi, 1);
	/* Another SA in the same slot. */
	assert_int_equal(agree_erase(&agent, AGREED_TX), 0);
	tx1.record.generation = 3;
	agreed_use(&tx1, 5);
	expect_agreed_seals(5, tx1.spi, 0);
	agreed_erase(AGREED_RX);
	rx1.record.generation = 3;
	agreed_use(&rx1, 6);
	expect_agreed_opens(6, rx1.spi, 0);
	assert_int_equal(agreed_counted(AGREED_COUNTERS_TX).packets, sealed.packets + 4);
	assert_int_equal(agreed_counted(AGREED_COUNTERS_RX).packets, opened.packets + 4);
}

static void test_seals_until_deadline(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);

	(void)state;
	sa.record.deadline = boot_time(0) - 1;
	agreed_use(&sa, 1);
	expect_agreed_not_sealed(XDPSEC_DROP_EXPIRED);
	assert_int_equal(rig_sequence_next(AGREED_COUNTERS_TX), 0);
	/* The agent is asked for a key: once a second. */
	assert_int_equal(agree_rig_events(), 1);
	assert_int_equal(events[0].kind, XDPSEC_EVENT_WANTED);
	assert_int_equal(events[0].peer, AGREED_PEER);
	expect_agreed_not_sealed(XDPSEC_DROP_EXPIRED);
	assert_int_equal(agree_rig_events(), 0);
	assert_int_equal(agreed_seen().sealed, 0);
}

/* It is over while packets flow: also for those that come within a second of the last look at the clock. */
static void test_deadline_comes(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);
	struct packet inner = tunnel_inner(INNER_NO_SA4, text, 40);
	static struct frame frame, out;
	uint64_t sealed = 0;

	(void)state;
	packet_build(&frame, &inner);
	sa.record.deadline = boot_time(0) + second / 5;
	agreed_use(&sa, 1);
	while (rig_run(PROGRAM_ENCAPSULATE, &frame, &out) == TC_REDIRECT) {
		sealed++;
		/* The coarse clock is late by a tick. */
		assert_true(boot_time(0) < sa.record.deadline + second / 10);
	}
	assert_true(sealed > 0);
	assert_true(boot_time(0) + second / 10 >= sa.record.deadline);
	assert_int_equal(rig_sequence_next(AGREED_COUNTERS_TX), sealed);
	expect_agreed_not_sealed(XDPSEC_DROP_EXPIRED);
}

static void test_opens_until_deadline(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1);
	struct packet outer;
	struct xdpsec_replay window;

	(void)state;
	sa.record.deadline = boot_time(0) - 1;
	agreed_use(&sa, 1);
	/* The first one: no clock was looked at yet, so the tag is verified, and then it is refused. */
	outer = agreed_incoming(1, sa.spi, 7, buffer);
	expect_agreed_not_opened(&outer, XDPSEC_DROP_EXPIRED);
	assert_int_equal(agreed_seen().opened, 0);
	assert_int_equal(agreed_record(AGREED_RX).opened, 0);
	/* The lifetime is checked before the tag: a forged packet is refused for the same reason. */
	map_read(rig.maps.replay_windows, AGREED_RX, &window);
	outer = agreed_incoming(2, sa.spi, 9, buffer);
	expect_agreed_not_opened(&outer, XDPSEC_DROP_EXPIRED);
	map_write(rig.maps.replay_windows, AGREED_RX, &window);
	assert_int_equal(agree_rig_events(), 0);
}

/* Manual keys have none. */
static void test_no_deadline(void **state)
{
	struct packet inner = tunnel_inner(INNER_B4, text, 40), from = tunnel_inner_from(INNER_B4, text, 40),
		      outer;
	struct xdpsec_activity activity, none = {};

	(void)state;
	expect_encapsulated(&inner, TUNNEL_B);
	outer = tunnel_incoming(TUNNEL_B, 5, &from, buffer);
	expect_decapsulated(&outer, &from, TUNNEL_B);
	map_read(agent.maps[AGREE_ACTIVITY], TUNNEL_B, &activity);
	assert_memory_equal(&activity, &none, sizeof(none));
	assert_int_equal(agree_rig_events(), 0);
}

/* No SA at all: asked for once a second, and for agreed peers only. */
static void test_no_key(void **state)
{
	struct packet manual = tunnel_inner(INNER_B4, text, 40);
	static struct frame frame, out;

	(void)state;
	for (int i = 0; i < 3; i++)
		expect_agreed_not_sealed(XDPSEC_DROP_NO_KEY);
	assert_int_equal(agree_rig_events(), 1);
	assert_int_equal(events[0].kind, XDPSEC_EVENT_WANTED);
	assert_int_equal(events[0].peer, AGREED_PEER);
	/* As if it were a second ago. */
	for (int i = 0; i < 2; i++) {
		struct xdpsec_activity activity = agreed_seen();
		struct plane plane;

		activity.wanted -= second;
		plane_init(&plane);
		assert_int_equal(plane_open(&plane, "unit", false), 0);
		map_write(plane.maps[MAP_ACTIVITY], AGREED_PEER, &activity);
		plane_close(&plane);
		expect_agreed_not_sealed(XDPSEC_DROP_NO_KEY);
		expect_agreed_not_sealed(XDPSEC_DROP_NO_KEY);
		assert_int_equal(agree_rig_events(), 1);
	}
	rig_peer(TUNNEL_B, XDPSEC_NO_SA);
	packet_build(&frame, &manual);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_DROP);
	assert_int_equal(agree_rig_events(), 0);
	rig_peer(TUNNEL_B, TUNNEL_TX(TUNNEL_B));
}

static void test_first_packet(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1), silent = agreed_sa(AGREED_RX + 1, 2);
	struct packet outer;
	uint64_t id;

	(void)state;
	id = agreed_use(&sa, 1);
	silent.event = false;
	agreed_use(&silent, 2);
	/* Not one that is forged, or of the wrong kind. */
	outer = agreed_incoming(3, sa.spi, 0, buffer);
	expect_agreed_not_opened(&outer, XDPSEC_DROP_AUTH_FAILED);
	assert_int_equal(agree_rig_events(), 0);
	assert_int_equal(agreed_record(AGREED_RX).opened, 0);
	expect_agreed_opens(1, sa.spi, 0);
	expect_agreed_opens(1, sa.spi, 1);
	assert_int_equal(agree_rig_events(), 1);
	assert_int_equal(events[0].kind, XDPSEC_EVENT_FIRST);
	assert_int_equal(events[0].peer, AGREED_PEER);
	assert_int_equal(events[0].slot, AGREED_RX);
	assert_int_equal(events[0].spi, sa.spi);
	assert_int_equal(events[0].id, id);
	/* For an agent that missed it. */
	assert_int_equal(agreed_record(AGREED_RX).opened, 1);
	expect_agreed_opens(2, silent.spi, 0);
	assert_int_equal(agree_rig_events(), 0);
}

/* A keepalive is the first packet as well. It is no data. */
static void test_first_keepalive(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1);
	struct packet outer;

	(void)state;
	agreed_use(&sa, 1);
	outer = packet_reversed(agreed_sealed(1, sa.spi, NEXT_NONE, 0, NULL, 0, buffer));
	outer.ingress = rig.device;
	assert_int_equal(agreed_run_in(&outer), XDP_DROP);
	assert_int_equal(agree_rig_events(), 1);
	assert_int_equal(events[0].kind, XDPSEC_EVENT_FIRST);
	assert_in_range(agreed_seen().opened, boot_time(-5), boot_time(1));
	assert_int_equal(agreed_seen().opened_data, 0);
}

static void test_activity(void **state)
{
	struct agreement_sa tx = agreed_sa(AGREED_TX, 1), rx = agreed_sa(AGREED_RX, 1);
	struct agreement_activity activity[TUNNEL_PEERS];
	uint64_t started = boot_time(0);
	struct xdpsec_activity first;

	(void)state;
	agreed_use(&tx, 1);
	agreed_use(&rx, 2);
	assert_int_equal(agreed_seen().sealed | agreed_seen().opened, 0);
	expect_agreed_seals(1, tx.spi, 0);
	first = agreed_seen();
	assert_in_range(first.sealed, started, boot_time(0));
	assert_int_equal(first.sealed_any, first.sealed);
	assert_int_equal(first.opened | first.opened_data, 0);
	/* To within a second: not written for each packet. */
	expect_agreed_seals(1, tx.spi, 1);
	assert_int_equal(agreed_seen().sealed, first.sealed);
	expect_agreed_opens(2, rx.spi, 0);
	assert_in_range(agreed_seen().opened, started, boot_time(0));
	assert_int_equal(agreed_seen().opened, agreed_seen().opened_data);
	assert_int_equal(agree_read_activity(&agent, activity, TUNNEL_PEERS), 0);
	assert_int_equal(activity[AGREED_PEER].sealed, first.sealed);
	assert_int_equal(activity[AGREED_PEER].opened, agreed_seen().opened);
	assert_int_equal(activity[AGREED_PEER].numbers, 2);
}

#define TICK "169.254.16.5"

static struct packet tick(void)
{
	struct packet packet = tunnel_tick(TICK);

	packet.padding = 8;
	return packet;
}

static void expect_tick_sends(int key, uint32_t spi, uint64_t sequence)
{
	static struct frame frame, out, want;
	struct packet packet = tick(), outer;

	packet_build(&frame, &packet);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	outer = agreed_sealed(key, spi, NEXT_NONE, sequence, NULL, 0, buffer);
	packet_build(&want, &outer);
	memcpy(want.bytes, out.bytes, 12);
	expect_same_frame(&out, &want);
}

static void expect_tick_silent(void)
{
	static struct tally before, after;
	static struct frame frame, out;
	struct packet packet = tick();

	packet_build(&frame, &packet);
	tally_take(&before);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_DROP);
	tally_take(&after);
	expect_same_tally(&after, &before);
}

/* The agent has one keepalive sent. It is no data. */
static void test_keepalive(void **state)
{
	struct agreement_sa tx = agreed_sa(AGREED_TX, 1);

	(void)state;
	agreed_use(&tx, 1);
	expect_tick_silent();
	assert_int_equal(agree_keepalive(&agent, AGREED_PEER), 0);
	expect_tick_sends(1, tx.spi, 0);
	expect_tick_silent();
	assert_int_equal(agreed_seen().sealed, 0);
	assert_in_range(agreed_seen().sealed_any, boot_time(-5), boot_time(1));
}

/* Without a key, a tick neither counts nor asks for one. */
static void test_tick_without_key(void **state)
{
	struct agreement_sa tx = agreed_sa(AGREED_TX, 1);

	(void)state;
	expect_tick_silent();
	tx.record.deadline = boot_time(-1);
	agreed_use(&tx, 1);
	expect_tick_silent();
	assert_int_equal(agree_rig_events(), 0);
}

static struct packet from_elsewhere(int key, uint32_t spi, uint64_t sequence, const char *address)
{
	struct packet outer = agreed_incoming(key, spi, sequence, buffer);

	outer.source = address;
	return outer;
}

static bool peer_is_at(const char *address)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(AGREED_PEER);
	struct xdpsec_location location = tunnel_location(address, 0);

	return memcmp(endpoint.at[endpoint.current].address, location.address, 16) == 0;
}

/* A late packet under an older key does not take the peer back to where it was. */
static void test_newest_moves(void **state)
{
	static const char *const places[] = { "198.51.100.101", "198.51.100.102", "198.51.100.103",
					      "198.51.100.104" };
	struct agreement_sa older = agreed_sa(AGREED_RX, 4), newer = agreed_sa(AGREED_RX + 1, 5),
			    other_life = agreed_sa(AGREED_RX + 2, 1);
	struct packet outer;

	(void)state;
	/* In the order of generations, not of installation. */
	agreed_use(&newer, 2);
	agreed_use(&older, 1);
	outer = from_elsewhere(1, older.spi, 0, places[0]);
	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	assert_true(peer_is_at(places[0]));
	outer = from_elsewhere(2, newer.spi, 0, places[1]);
	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	assert_true(peer_is_at(places[1]));
	outer = from_elsewhere(1, older.spi, 1, places[2]);
	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	assert_true(peer_is_at(places[1]));
	/* The peer has begun a new life, and counts from 1 again. */
	other_life.record.peer_life++;
	agreed_use(&other_life, 3);
	outer = from_elsewhere(3, other_life.spi, 0, places[2]);
	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	assert_true(peer_is_at(places[2]));
	outer = from_elsewhere(2, newer.spi, 1, places[3]);
	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	assert_true(peer_is_at(places[2]));
	/* The newest is gone: another one shows where it is. */
	agreed_erase(AGREED_RX + 2);
	outer = from_elsewhere(2, newer.spi, 2, places[3]);
	assert_int_equal(agreed_run_in(&outer), XDP_REDIRECT);
	assert_true(peer_is_at(places[3]));
}

/* As if the hypervisor had said that this machine is a copy. */
static void pretend_copy(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	struct bpf_object *object;
	struct plane plane;

	plane_init(&plane);
	assert_int_equal(plane_open(&plane, "unit", false), 0);
	assert_int_equal(objects_load_fork(&plane, "fork_pretend", &object), 0);
	assert_int_equal(
		bpf_prog_test_run_opts(
			bpf_program__fd(bpf_object__find_program_by_name(object, "fork_pretend")), &options),
		0);
	bpf_object__close(object);
	plane_close(&plane);
}

/* A kernel without such a function, or that lets nobody trace it, watches nothing. So this tests the machine. */
static void test_hook(void **state)
{
	struct bpf_object *object;
	struct bpf_link *hook;
	struct plane plane;
	int err;

	(void)state;
	plane_init(&plane);
	assert_int_equal(plane_open(&plane, "unit", false), 0);
	assert_false(fork_is_watched(&plane));
	fork_watch(&plane);
	err = objects_load_fork(&plane, "fork_seen", &object);
	assert_int_equal(fork_is_watched(&plane), !err);
	if (!err) {
		hook = bpf_program__attach(bpf_object__find_program_by_name(object, "fork_seen"));
		assert_non_null(hook);
		bpf_link__destroy(hook);
		bpf_object__close(object);
	}
	plane_close(&plane);
	/* cmocka's skip() prints "not ok", which prove takes for a failure. */
	if (err)
		print_message("# no tracing programs here: %s\n", strerror(-err));
}

/* No SA seals with a number that may have been used: agreed peers wait for a new key, manual ones for other numbers. */
static void test_copied_machine(void **state)
{
	struct agreement_sa tx = agreed_sa(AGREED_TX, 1), rx = agreed_sa(AGREED_RX, 1),
			    next = agreed_sa(AGREED_TX + 1, 2);
	struct packet manual = tunnel_inner(INNER_B4, text, 40), from = tunnel_inner_from(INNER_B4, text, 40),
		      outer;
	int forked = 0;

	(void)state;
	agreed_use(&tx, 1);
	agreed_use(&rx, 2);
	expect_agreed_seals(1, tx.spi, 0);
	expect_encapsulated(&manual, TUNNEL_B);
	pretend_copy();
	agree_rig_events();
	for (int i = 0; i < n_events; i++)
		forked += events[i].kind == XDPSEC_EVENT_FORKED;
	assert_int_equal(forked, 1);
	expect_agreed_not_sealed(XDPSEC_DROP_NO_KEY);
	assert_int_equal(agree_rig_events(), 1);
	assert_int_equal(events[0].kind, XDPSEC_EVENT_WANTED);
	expect_refused(&manual, XDPSEC_DROP_SEQUENCE_EXHAUSTED, TUNNEL_TX(TUNNEL_B));
	/* Packets that were sealed elsewhere are opened. */
	expect_agreed_opens(2, rx.spi, 0);
	outer = tunnel_incoming(TUNNEL_B, 5, &from, buffer);
	expect_decapsulated(&outer, &from, TUNNEL_B);
	/* The agent is left with a slot that it can erase. */
	assert_int_equal(agreed_record(AGREED_TX).stage, XDPSEC_STAGE_UNLINKED);
	agreed_use(&next, 3);
	expect_agreed_seals(3, next.spi, 0);
	assert_int_equal(agree_erase(&agent, AGREED_TX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_seals, agree_reset),
		cmocka_unit_test_setup(test_limit, agree_reset),
		cmocka_unit_test_setup(test_rekey, agree_reset),
		cmocka_unit_test_setup(test_seals_until_deadline, agree_reset),
		cmocka_unit_test_setup(test_deadline_comes, agree_reset),
		cmocka_unit_test_setup(test_opens_until_deadline, agree_reset),
		cmocka_unit_test_setup(test_no_deadline, agree_reset),
		cmocka_unit_test_setup(test_no_key, agree_reset),
		cmocka_unit_test_setup(test_first_packet, agree_reset),
		cmocka_unit_test_setup(test_first_keepalive, agree_reset),
		cmocka_unit_test_setup(test_activity, agree_reset),
		cmocka_unit_test_setup(test_keepalive, agree_reset),
		cmocka_unit_test_setup(test_tick_without_key, agree_reset),
		cmocka_unit_test_setup(test_newest_moves, agree_reset),
		cmocka_unit_test_setup(test_copied_machine, agree_reset),
		cmocka_unit_test_setup(test_hook, agree_reset),
	};

	fill_pattern(text, sizeof(text), 0x6c69);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lifetime", tests, agree_setup, agree_teardown);
}
