// SPDX-License-Identifier: GPL-2.0-or-later
/* Times of the key agreement, one by one: two ends with real cryptography, and a clock that the test moves. */
#include "agreement_two_ends.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS NS_PER_MS
#define SECONDS NS_PER_SECOND

static struct agreement_activity activity; /* of a */

static void begin(const struct agreement_settings *settings)
{
	memset(&activity, 0, sizeof(activity));
	two_ends(settings, settings, NULL, NULL);
}

static void agree(void)
{
	now += SECONDS; /* Initiations are accepted every 20 ms, and slots are free after a second */
	agreement_tick(a.agreement, now);
	agreement_tick(b.agreement, now);
	agreement_wanted(a.agreement, 0, now);
	settle();
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
}

/* Until the end sends something of this type, and nothing is delivered; ns since the call. 0: not within the time. */
static uint64_t until_sent(struct end *end, enum message_type type, uint64_t most)
{
	uint64_t start = now;
	struct end_message message;
	struct message_header header;

	while (now < start + most) {
		now += 10 * MS;
		agreement_tick(end->agreement, now);
		while (end_take(end, &message))
			if (!message_read_header(&header, message.bytes, message.n) && header.type == type)
				return now - start;
	}
	return 0;
}

static void assert_within(uint64_t time, uint64_t least, uint64_t most)
{
	assert_in_range(time, least, most + 10 * MS);
}

static void test_retry(void **state)
{
	static const uint64_t seconds[] = { 1, 2, 4, 5, 5, 5, 5 };
	uint64_t start;

	(void)state;
	begin(NULL);
	start = now;
	agreement_wanted(a.agreement, 0, now);
	assert_int_equal(a.n_box, 1);
	a.n_box = 0;
	/* Wanted again: nothing, the timer runs. */
	agreement_wanted(a.agreement, 0, now);
	assert_int_equal(a.n_box, 0);
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++)
		assert_within(until_sent(&a, MESSAGE_INITIATION, 10 * SECONDS), seconds[i] * SECONDS,
			      seconds[i] * SECONDS + 333 * MS);
	while (now < start + 90 * SECONDS)
		assert_true(until_sent(&a, MESSAGE_INITIATION, 41 * SECONDS));
	for (unsigned int i = 0; i < 3; i++)
		assert_within(until_sent(&a, MESSAGE_INITIATION, 50 * SECONDS), 30 * SECONDS, 40 * SECONDS);
	/* After a resume at once, and then fast again. */
	agreement_ask_all(a.agreement, now);
	assert_within(until_sent(&a, MESSAGE_INITIATION, SECONDS), 10 * MS, 10 * MS);
	assert_within(until_sent(&a, MESSAGE_INITIATION, 10 * SECONDS), SECONDS, SECONDS + 333 * MS);
}

/* A name that is looked up for longer than the first attempt waits. */
static void test_found(void **state)
{
	const uint16_t port = 7253;

	(void)state;
	begin(NULL);
	a.peers[0].port = 0;
	agreement_start(a.agreement, now);
	assert_int_equal(until_sent(&a, MESSAGE_INITIATION, SECONDS), 0);
	agreement_wanted(a.agreement, 0, now);
	assert_int_equal(a.n_box, 0);
	a.peers[0].port = port;
	agreement_found(a.agreement, 0, now);
	assert_int_equal(a.n_box, 1);
	a.n_box = 0;
	/* Found again: nothing, the timer runs; and it is that of a first attempt. */
	agreement_found(a.agreement, 0, now);
	assert_int_equal(a.n_box, 0);
	assert_within(until_sent(&a, MESSAGE_INITIATION, 10 * SECONDS), SECONDS, SECONDS + 333 * MS);
	/* Nobody asks for it: it is asked now. */
	end_release(&a);
	end_release(&b);
	begin(NULL);
	agreement_found(a.agreement, 0, now);
	settle();
	assert_true(end_opens(&a, 0, &b, 0));
}

static void test_confirm_again(void **state)
{
	static const uint64_t times[] = { 300, 300, 600, 1200, 2400 };
	struct end_message message;
	struct message_header header;

	(void)state;
	begin(NULL);
	agreement_wanted(a.agreement, 0, now);
	assert_true(end_take(&a, &message));
	end_deliver(&b, &a, &message);
	assert_true(end_take(&b, &message));
	end_deliver(&a, &b, &message);
	assert_true(end_take(&a, &message)); /* the first Confirm is lost */
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		assert_within(until_sent(&a, MESSAGE_CONFIRM, 10 * SECONDS), times[i] * MS, times[i] * MS);
	/* Neither Ack nor packet: a new Initiation, and right before it the Confirm. */
	now += 4800 * MS;
	agreement_tick(a.agreement, now);
	assert_int_equal(a.n_box, 2);
	message_read_header(&header, a.box[0].bytes, a.box[0].n);
	assert_int_equal(header.type, MESSAGE_CONFIRM);
	message_read_header(&header, a.box[1].bytes, a.box[1].n);
	assert_int_equal(header.type, MESSAGE_INITIATION);
}

/* A packet stands for the Ack, and for the Confirm; by slot, SPI and id. */
static void test_first(void **state)
{
	const struct plane_slot *slot;
	struct end_message message;

	(void)state;
	begin(NULL);
	agreement_wanted(a.agreement, 0, now);
	assert_true(end_take(&a, &message));
	end_deliver(&b, &a, &message);
	assert_true(end_take(&b, &message));
	end_deliver(&a, &b, &message);
	a.n_box = 0;
	slot = &b.plane.slots[SLOTS_SEAL];
	assert_true(slot->linked && slot->sa.event);
	agreement_first(b.agreement, slot->sa.slot, slot->sa.spi, slot->id + 1, now);
	agreement_first(b.agreement, slot->sa.slot, slot->sa.spi + 1, slot->id, now);
	agreement_first(b.agreement, slot->sa.slot + 1, slot->sa.spi, slot->id, now);
	agreement_first(b.agreement, UINT32_MAX, slot->sa.spi, slot->id, now);
	assert_null(plane_seals(&b.plane, 0));
	agreement_first(b.agreement, slot->sa.slot, slot->sa.spi, slot->id, now);
	assert_non_null(plane_seals(&b.plane, 0));
	b.n_box = 0;
	slot = &a.plane.slots[SLOTS_SEAL];
	agreement_first(a.agreement, slot->sa.slot, slot->sa.spi, slot->id, now);
	assert_int_equal(until_sent(&a, MESSAGE_CONFIRM, 20 * SECONDS), 0);
	assert_int_equal(end_counter(&a, "initiations_sent"), 1);
}

static void test_rekey_after(void **state)
{
	uint64_t birth;

	(void)state;
	begin(NULL);
	for (unsigned int i = 0; i < 5; i++) {
		birth = now;
		agree();
		assert_within(until_sent(&a, MESSAGE_INITIATION, 200 * SECONDS), 105 * SECONDS,
			      120 * SECONDS);
		now = birth + 130 * SECONDS;
		end_release(&a);
		end_release(&b);
		begin(NULL);
	}
}

/* The initiator's agent is gone: the responder asks. */
static void test_takeover(void **state)
{
	(void)state;
	begin(NULL);
	agree();
	assert_within(until_sent(&b, MESSAGE_INITIATION, 200 * SECONDS), 150 * SECONDS, 160 * SECONDS);
}

static void test_expiry(void **state)
{
	struct agreement_status status;
	uint64_t start, life;

	(void)state;
	begin(NULL);
	agree();
	start = now;
	life = a.agreement->machine.peers[0].own_life;
	assert_true(plane_seals(&a.plane, 0)->sa.record.deadline == start + 540 * SECONDS);
	assert_true(a.plane.slots[SLOTS_SEAL].sa.record.deadline == start + 570 * SECONDS + 540 * MS);
	until_sent(&a, MESSAGE_COOKIE, 539 * SECONDS);
	assert_int_equal(a.reports[AGREEMENT_EXPIRED], 0);
	until_sent(&a, MESSAGE_COOKIE, 2 * SECONDS);
	assert_int_equal(a.reports[AGREEMENT_EXPIRED], 1);
	agreement_status(a.agreement, 0, &status, now);
	assert_true(!status.agreed && status.asking);
	/* A pair that is over counts in the order for a minute more; then a new life begins. */
	assert_non_null(plane_seals(&a.plane, 0));
	until_sent(&a, MESSAGE_COOKIE, 62 * SECONDS);
	assert_null(plane_seals(&a.plane, 0));
	assert_true(a.plane.slots[SLOTS_SEAL].linked);
	assert_true(a.agreement->machine.peers[0].own_life == life);
	until_sent(&a, MESSAGE_COOKIE, 40 * SECONDS);
	for (unsigned int k = 0; k < SLOTS_PEER; k++)
		assert_false(a.plane.slots[k].filled);
	assert_false(a.agreement->machine.peers[0].own_life == life);
	/* And the next handshake succeeds. */
	end_release(&b);
	end_init(&b, 2, 1, NULL, &now);
	assert_int_equal(end_add(&b, 0, &a, NULL), 0);
	for (unsigned int i = 0; i < 45; i++) {
		now += SECONDS;
		agreement_tick(a.agreement, now);
		settle();
	}
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
	assert_true(plane_seals(&a.plane, 0)->sa.record.generation < 4);
}

/* ---- activity ---------------------------------------------------------------------------------------- */

static void pass_second(void)
{
	now += SECONDS;
	agreement_tick(a.agreement, now);
	agreement_activity(a.agreement, 0, &activity, now);
}

static void test_dead_peer(void **state)
{
	uint64_t start;

	(void)state;
	begin(NULL);
	agree();
	start = now;
	while (a.n_box == 0 && now < start + 60 * SECONDS) {
		activity.sealed = now;
		pass_second();
	}
	assert_within(now - start, 25 * SECONDS, 27 * SECONDS);
	settle();
	/* A control: the peer answers. */
	for (unsigned int i = 0; i < 60; i++) {
		activity.sealed = now;
		activity.opened = now + 1;
		pass_second();
		assert_int_equal(a.n_box, 0);
	}
}

static void test_keepalive(void **state)
{
	uint64_t start;

	(void)state;
	begin(NULL);
	agree();
	/* Only keepalives come: nothing is owed. */
	for (unsigned int i = 0; i < 30; i++) {
		activity.opened = now;
		pass_second();
	}
	assert_int_equal(a.keepalives, 0);
	start = now;
	while (a.keepalives == 0 && now < start + 60 * SECONDS) {
		activity.opened = activity.opened_data = now;
		pass_second();
	}
	assert_within(now - start, 10 * SECONDS, 12 * SECONDS);
	/* A control: data goes the other way as well. */
	for (unsigned int i = 0; i < 30; i++) {
		activity.opened = activity.opened_data = now;
		activity.sealed = now + 1;
		pass_second();
	}
	assert_int_equal(a.keepalives, 1);
}

static void test_packets(void **state)
{
	(void)state;
	begin(NULL);
	agree();
	activity.numbers = REKEY_AFTER_PACKETS - 1;
	pass_second();
	assert_int_equal(a.n_box, 0);
	activity.numbers = REKEY_AFTER_PACKETS;
	pass_second();
	assert_int_equal(a.n_box, 1);
}

static void test_silent(void **state)
{
	struct agreement_settings settings = { .carries = CARRIES_TUNNEL,
					       .reject_after = 540,
					       .idle_silent = true };
	struct agreement_status status;

	(void)state;
	begin(&settings);
	agreement_start(a.agreement, now);
	assert_int_equal(until_sent(&a, MESSAGE_INITIATION, 60 * SECONDS), 0);
	/* A packet waits: asked, for 90 s; then not before the next one. */
	agreement_wanted(a.agreement, 0, now);
	assert_int_equal(a.n_box, 1);
	while (until_sent(&a, MESSAGE_INITIATION, 60 * SECONDS))
		;
	agreement_status(a.agreement, 0, &status, now);
	assert_false(status.asking);
	agree();
	/* Nothing is sealed: no new key. */
	for (unsigned int i = 0; i < 130; i++)
		pass_second();
	assert_int_equal(a.n_box, 0);
	activity.sealed = now;
	pass_second();
	assert_int_equal(a.n_box, 1);
}

/* ---- a new life, a new agent ------------------------------------------------------------------------- */

static void test_renew(void **state)
{
	uint64_t life;

	(void)state;
	begin(NULL);
	agree();
	life = a.agreement->machine.peers[0].own_life;
	agreement_renew(a.agreement, now);
	/* No key of before seals, and what the peer still seals is opened for GRACE. */
	assert_null(plane_seals(&a.plane, 0));
	assert_true(end_opens(&a, 0, &b, 0));
	assert_false(a.agreement->machine.peers[0].own_life == life);
	assert_true(until_sent(&a, MESSAGE_INITIATION, SECONDS));
	until_sent(&a, MESSAGE_COOKIE, 12 * SECONDS);
	assert_false(end_opens(&a, 0, &b, 0));
	a.n_box = 0;
	for (unsigned int i = 0; i < 10; i++) {
		now += SECONDS;
		agreement_tick(a.agreement, now);
		settle();
	}
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
	assert_int_equal(b.reports[AGREEMENT_PEER_RESTARTED], 1);
}

/* Generations near the end, at one end or at both. */
static void test_reset(void **state)
{
	(void)state;
	begin(NULL);
	agree();
	a.agreement->machine.peers[0].highest = GENERATION_RESET;
	b.agreement->machine.peers[0].highest = GENERATION_RESET;
	agreement_ask_all(a.agreement, now);
	for (unsigned int i = 0; i < 5; i++) {
		now += SECONDS;
		agreement_tick(a.agreement, now);
		agreement_tick(b.agreement, now);
		settle();
	}
	assert_true(a.reports[AGREEMENT_RESET] && b.reports[AGREEMENT_RESET]);
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
	assert_true(plane_seals(&a.plane, 0)->sa.record.generation < 10);
}

static void adopt(struct end *end)
{
	struct agreement_record records[SLOTS_PEER];
	size_t n = plane_records(&end->plane, records);

	assert_int_equal(agreement_adopt(end->agreement, records, n, now), 0);
}

static void test_adopt(void **state)
{
	uint64_t life;

	(void)state;
	begin(NULL);
	agree();
	life = a.agreement->machine.peers[0].own_life;
	end_restart(&a, 1, NULL);
	assert_int_equal(end_add(&a, 0, &b, NULL), 0);
	adopt(&a);
	assert_true(a.agreement->machine.peers[0].own_life == life);
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
	/* The next pair is above those that were found; they go GRACE after it. */
	agree();
	assert_int_equal(plane_seals(&a.plane, 0)->sa.record.generation, 2);
	for (unsigned int i = 0; i < 12; i++) {
		now += SECONDS;
		agreement_tick(a.agreement, now);
	}
	assert_false(a.plane.slots[SLOTS_SEAL].filled);
}

/* SAs that a faster cipher could have: another pair at once; with Idle = silent once something is sealed. */
static void test_adopt_outdated(void **state)
{
	struct agreement_settings settings = { .carries = CARRIES_TUNNEL,
					       .reject_after = 540,
					       .idle_silent = true };
	struct agreement_record records[SLOTS_PEER];

	for (unsigned int outdated = 0; outdated < 2; outdated++) {
		size_t n;

		if (outdated)
			two_ends_end(state);
		begin(&settings);
		agree();
		end_restart(&a, 1, &settings);
		assert_int_equal(end_add(&a, 0, &b, NULL), 0);
		n = plane_records(&a.plane, records);
		for (size_t i = 0; i < n; i++)
			records[i].outdated = outdated != 0;
		assert_int_equal(agreement_adopt(a.agreement, records, n, now), 0);
		agreement_start(a.agreement, now);
		pass_second();
		assert_int_equal(a.n_box, 0);
		activity.sealed = now;
		pass_second();
		assert_int_equal(a.n_box, outdated);
		assert_true(end_opens(&b, 0, &a, 0) && end_opens(&a, 0, &b, 0));
		if (!outdated)
			continue;
		settle();
		assert_int_equal(plane_seals(&a.plane, 0)->sa.record.generation, 2);
	}
}

/* Records that are not of this peer, or of no life of ours that lasts, or of no peer: erased, before they are filled. */
static void test_adopt_others(void **state)
{
	(void)state;
	begin(NULL);
	agree();
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct plane_slot *slot = &a.plane.slots[SLOTS_SEAL];

		if (kind == 0)
			slot->sa.record.key_hash++;
		if (kind == 1)
			slot->sa.record.own_life++;
		if (kind == 2)
			slot->linked = false;
		end_restart(&a, 1, NULL);
		if (kind < 3)
			assert_int_equal(end_add(&a, 0, &b, NULL), 0);
		adopt(&a);
		assert_false(slot->linked);
		assert_true(slot->filled);
		now += 2 * SECONDS;
		agreement_tick(a.agreement, now);
		assert_false(slot->filled);
		if (kind < 3)
			agree();
	}
	assert_null(plane_seals(&a.plane, 0));
}

/* ---- what the data plane refuses --------------------------------------------------------------------- */

static void test_stale(void **state)
{
	(void)state;
	begin(NULL);
	agree();
	a.plane.owner = 2;
	now += 20 * SECONDS;
	agreement_wanted(a.agreement, 0, now);
	settle();
	assert_true(agreement_stale(a.agreement));
	now += SECONDS;
	assert_true(agreement_tick(a.agreement, now) == AGREEMENT_NEVER);
	agreement_wanted(a.agreement, 0, now);
	assert_int_equal(a.n_box, 0);
	/* The SAs in use stay in use. */
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
}

static void test_install_fails(void **state)
{
	(void)state;
	begin(NULL);
	agree();
	/* No Confirm: or the peer would leave the pair that this end seals under. */
	a.install_error = -ENOENT;
	now += SECONDS;
	agreement_wanted(a.agreement, 0, now);
	settle();
	assert_int_equal(a.reports[AGREEMENT_INSTALL_FAILED], 1);
	assert_int_equal(end_counter(&a, "confirms_sent"), 1);
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
	a.install_error = 0;
	for (unsigned int i = 0; i < 3; i++) {
		now += SECONDS;
		agreement_tick(a.agreement, now);
		settle();
	}
	assert_int_equal(end_counter(&a, "confirms_sent"), 2);
	assert_true(end_opens(&a, 0, &b, 0) && end_opens(&b, 0, &a, 0));
}

/* The floor is written once a minute, and before the end: just above the newest. */
static void test_floor(void **state)
{
	struct timestamp floor, newest;

	(void)state;
	begin(NULL);
	for (unsigned int i = 0; i < 20; i++) {
		now += 5 * SECONDS;
		agree();
	}
	assert_int_equal(a.floors, 2);
	/* It is the clock that they follow, not the floor that was written. */
	newest = timestamp_of(a.realtime + (int64_t)now);
	assert_memory_equal(&newest, &a.agreement->machine.peers[0].last, sizeof(newest));
	assert_int_equal(end_counter(&b, "initiations"), 20);
	agreement_stop(a.agreement);
	memcpy(floor.bytes, a.floor, sizeof(floor.bytes));
	assert_true(timestamp_compare(&floor, &newest) > 0);
	newest = timestamp_add(&newest, 1100 * (int64_t)MS);
	assert_true(timestamp_compare(&floor, &newest) < 0);
}

#define TEST(function) cmocka_unit_test_teardown(function, two_ends_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_retry),	TEST(test_confirm_again),  TEST(test_first),
		TEST(test_rekey_after), TEST(test_takeover),	   TEST(test_expiry),
		TEST(test_dead_peer),	TEST(test_keepalive),	   TEST(test_packets),
		TEST(test_silent),	TEST(test_renew),	   TEST(test_reset),
		TEST(test_adopt),	TEST(test_adopt_outdated), TEST(test_adopt_others),
		TEST(test_stale),	TEST(test_install_fails),  TEST(test_floor),
		TEST(test_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
