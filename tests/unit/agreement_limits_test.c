// SPDX-License-Identifier: GPL-2.0-or-later
/* Timestamps, cookies, the meter of load and the buckets: what a flood and a clock can do. */
#include <errno.h>

#include "unit.h"
#include "other_end.h"
#include "agreement/load.h"
#include "agreement/timestamp.h"

#define SECOND UINT64_C(1000000000)
#define GRANULE (UINT64_C(1) << 24)

static int set_up(void **state)
{
	(void)state;
	return primitive_setup();
}

static int tear_down(void **state)
{
	(void)state;
	primitive_release();
	return 0;
}

/* ---- timestamps -------------------------------------------------------------------------------------- */

static struct timestamp of_hex(const char *text)
{
	struct timestamp timestamp;
	int i;

	for (i = 0; i < TIMESTAMP_LEN; i++)
		assert_int_equal(sscanf(text + 2 * i, "%2hhx", &timestamp.bytes[i]), 1);
	return timestamp;
}

static void expect_timestamp(struct timestamp timestamp, const char *want)
{
	assert_string_equal(hex(&timestamp, TIMESTAMP_LEN), want);
}

/* Values by Python: 2**62 + 10 + seconds. */
static void timestamps_are_tai64n(void **state)
{
	(void)state;
	expect_timestamp(timestamp_of(0), "400000000000000a00000000");
	expect_timestamp(timestamp_of(INT64_C(707472403) * (int64_t)SECOND), "400000002a2b2c1d00000000");
	expect_timestamp(timestamp_of(INT64_C(1) << 24), "400000000000000a01000000");
	expect_timestamp(timestamp_of((INT64_C(1) << 24) - 1), "400000000000000a00000000");
	expect_timestamp(timestamp_of(999999999), "400000000000000a3b000000");
	expect_timestamp(timestamp_of((int64_t)SECOND), "400000000000000b00000000");
	expect_timestamp(timestamp_of(-1), "400000000000000a00000000");
	expect_timestamp(timestamp_of(INT64_MIN), "400000000000000a00000000");
	expect_timestamp(timestamp_of(INT64_MAX), "4000000225c17d0e32000000");
}

static void timestamps_carry(void **state)
{
	struct timestamp t = of_hex("400000000000000a3b000000");

	(void)state;
	expect_timestamp(timestamp_add(&t, GRANULE), "400000000000000b00000000");
	expect_timestamp(timestamp_add(&t, 0), "400000000000000a3b000000");
	expect_timestamp(timestamp_add(&t, -(int64_t)GRANULE), "400000000000000a3a000000");
	expect_timestamp(timestamp_add(&t, 60 * (int64_t)SECOND), "40000000000000463b000000");
	t = of_hex("400000000000000a00000000");
	expect_timestamp(timestamp_add(&t, -1), "40000000000000093b000000");
	expect_timestamp(timestamp_add(&t, -10 * (int64_t)SECOND), "400000000000000000000000");
}

static void timestamps_of_an_initiator_rise(void **state)
{
	const struct timestamp none = {};
	struct timestamp last = none, next, floor = none;
	int64_t clock = INT64_C(1795780000) * (int64_t)SECOND;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		/* The clock stands still, runs, and is set back. */
		clock += repeatable_below(3) * (int64_t)repeatable_below(1 << 26) -
			 (repeatable_below(50) ? 0 : (int64_t)SECOND);
		next = timestamp_next(clock, &floor, &last);
		assert_true(timestamp_compare(&next, &last) > 0);
		assert_true(timestamp_compare(&next, &floor) >= 0);
		assert_int_equal(next.bytes[9] | next.bytes[10] | next.bytes[11], 0);
		last = next;
	}
	/* The clock, unless something is above it. */
	next = timestamp_next(clock, &none, &none);
	expect_timestamp(timestamp_of(clock), hex(&next, TIMESTAMP_LEN));
	floor = timestamp_add(&next, 60 * (int64_t)SECOND);
	next = timestamp_next(clock, &floor, &none);
	assert_int_equal(timestamp_compare(&next, &floor), 0);
	assert_int_equal(timestamp_ahead(&next, clock), 60 * SECOND);
	assert_int_equal(timestamp_ahead(&none, clock), 0);
	next = timestamp_of(clock);
	assert_int_equal(timestamp_ahead(&next, clock), 0);
	assert_int_equal(timestamp_ahead(&(struct timestamp){ { 0xff, 0xff } }, clock), UINT64_MAX);
}

static void floor_is_raised_once_a_minute(void **state)
{
	struct timestamp floor = {}, stamp, last = {};
	int64_t clock = INT64_C(1795780000) * (int64_t)SECOND;
	int i, raised = 0;

	(void)state;
	for (i = 0; i < 600; i++, clock += (int64_t)SECOND / 2) {
		stamp = timestamp_next(clock, &(struct timestamp){}, &last);
		raised += timestamp_raise_floor(&floor, &stamp);
		assert_true(timestamp_compare(&stamp, &floor) < 0);
		last = stamp;
	}
	assert_int_equal(raised, 5);
	/* After a restart with a clock of 1970 it is not below anything that was sent. */
	stamp = timestamp_next(0, &floor, &(struct timestamp){});
	assert_true(timestamp_compare(&stamp, &last) > 0);
	assert_true(timestamp_raise_floor(&floor, &stamp));
}

static void floor_survives_its_file(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"400000006f00000a3b00000\n",
		"400000006f00000a3b000000",
		"400000006f00000a3b0000000\n",
		"400000006F00000A3b000000\n",
		"400000006f00000a3b00000g\n",
		"400000006f00000affffffff\n",
		"400000006f00000a3b9aca00\n",
		" 00000006f00000a3b000000\n",
		"400000006f00000a3b000000\n\n",
	};
	struct timestamp t = of_hex("400000006f00000a3b000000"), read = {}, before = { { 0xa5 } };
	char text[TIMESTAMP_TEXT_LEN + 1];
	size_t i;

	(void)state;
	timestamp_format(text, &t);
	assert_string_equal(text, "400000006f00000a3b000000\n");
	assert_true(timestamp_parse(&read, text, strlen(text)));
	assert_int_equal(timestamp_compare(&read, &t), 0);
	/* Rounded up. */
	assert_true(timestamp_parse(&read, "400000006f00000a3b000001\n", TIMESTAMP_TEXT_LEN));
	expect_timestamp(read, "400000006f00000b00000000");
	read = before;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(timestamp_parse(&read, bad[i], strlen(bad[i])));
		assert_memory_equal(&read, &before, sizeof(read));
	}
}

static void only_a_newer_timestamp_is_taken(void **state)
{
	struct timestamp t = of_hex("400000006f00000a01000000"), older = timestamp_add(&t, -1),
			 newer = timestamp_add(&t, GRANULE);
	struct acceptance acceptance = {};
	uint64_t now = 5;

	(void)state;
	assert_false(acceptance_too_soon(&acceptance, now));
	assert_false(acceptance_replayed(&acceptance, &t));
	acceptance_take(&acceptance, &t, now);
	assert_true(acceptance_replayed(&acceptance, &t));
	assert_true(acceptance_replayed(&acceptance, &older));
	assert_false(acceptance_replayed(&acceptance, &newer));
	assert_true(acceptance_too_soon(&acceptance, now));
	assert_true(acceptance_too_soon(&acceptance, now + 19999999));
	assert_false(acceptance_too_soon(&acceptance, now + 20000000));
	/* The whole of it is one number, and any is taken. */
	assert_false(acceptance_replayed(&acceptance, &(struct timestamp){ { [0 ... 11] = 0xff } }));
}

/* ---- cookies ----------------------------------------------------------------------------------------- */

static const struct cookie_source source4 = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 };
static const struct cookie_source source6 = { { 0x20, 1, 0xd, 0xb8, [15] = 1 }, 4500 };

static struct mac_keys responder_keys;
static uint8_t initiation[INITIATION_LEN];

static void renew(struct cookie_secrets *secrets, uint64_t now)
{
	static const struct secret zero;
	struct secret fresh;

	repeatable(&fresh, sizeof(fresh));
	cookie_secrets_renew(secrets, &fresh, now);
	assert_memory_equal(&fresh, &zero, sizeof(zero));
}

/* An Initiation with the MAC2 of a cookie that is given now to this source. */
static void ask_with_cookie(const struct cookie_secrets *secrets, const struct cookie_source *source)
{
	static const struct public_key responder = { { 9 } };
	uint8_t message[COOKIE_LEN], nonce[32] = {};
	struct cookie cookie;

	assert_int_equal(mac_keys_make(&responder_keys, &responder), 0);
	message_write_header(initiation, MESSAGE_INITIATION, 0x11111111);
	repeatable(initiation + INITIATION_EPHEMERAL, INITIATION_MAC1 - INITIATION_EPHEMERAL);
	assert_int_equal(mac1_write(initiation, INITIATION_MAC1, &responder_keys), 0);
	assert_true(mac1_right(initiation, INITIATION_MAC1, &responder_keys));
	assert_int_equal(cookie_message_make(message, secrets, source, &responder_keys, initiation, nonce),
			 0);
	assert_int_equal(cookie_message_open(&cookie, message, &responder_keys, initiation + INITIATION_MAC1),
			 0);
	assert_int_equal(cookie_mac2_write(initiation, &cookie), 0);
}

static void cookie_is_bound_to_its_source(void **state)
{
	struct cookie_secrets secrets = {};
	struct cookie_source other = source4;
	size_t bit;

	(void)state;
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, SECOND));
	renew(&secrets, SECOND);
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, SECOND)); /* zero */
	ask_with_cookie(&secrets, &source6);
	assert_true(cookie_mac2_right(&secrets, &source6, initiation, SECOND));
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, SECOND));
	ask_with_cookie(&secrets, &source4);
	assert_true(cookie_mac2_right(&secrets, &source4, initiation, SECOND));
	for (bit = 0; bit < 8 * sizeof(other.address); bit++) {
		other.address[bit / 8] ^= 1 << bit % 8;
		assert_false(cookie_mac2_right(&secrets, &other, initiation, SECOND));
		other.address[bit / 8] ^= 1 << bit % 8;
	}
	other.port++;
	assert_false(cookie_mac2_right(&secrets, &other, initiation, SECOND));
	for (bit = 0; bit < 8 * sizeof(initiation); bit++) {
		initiation[bit / 8] ^= 1 << bit % 8;
		assert_false(cookie_mac2_right(&secrets, &source4, initiation, SECOND));
		initiation[bit / 8] ^= 1 << bit % 8;
	}
	cookie_secrets_wipe(&secrets);
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, SECOND));
}

static void cookie_ends_with_its_secret(void **state)
{
	struct cookie_secrets secrets = {};
	uint64_t start = 1000 * SECOND;

	(void)state;
	assert_true(cookie_secrets_due(&secrets, start));
	renew(&secrets, start);
	assert_false(cookie_secrets_due(&secrets, start + 120 * SECOND - 1));
	assert_true(cookie_secrets_due(&secrets, start + 120 * SECOND));
	ask_with_cookie(&secrets, &source4);
	assert_true(cookie_mac2_right(&secrets, &source4, initiation, start + 120 * SECOND));
	renew(&secrets, start + 120 * SECOND);
	assert_true(cookie_mac2_right(&secrets, &source4, initiation, start + 125 * SECOND - 1));
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, start + 125 * SECOND));
	/* A secret that nobody has renewed does not count for ever. */
	ask_with_cookie(&secrets, &source4);
	assert_true(cookie_mac2_right(&secrets, &source4, initiation, start + 245 * SECOND - 1));
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, start + 245 * SECOND));
	renew(&secrets, start + 300 * SECOND);
	assert_false(cookie_mac2_right(&secrets, &source4, initiation, start + 300 * SECOND));
}

/* ---- load -------------------------------------------------------------------------------------------- */

static void load_is_400_in_a_second(void **state)
{
	struct load_meter meter = {};
	uint64_t now = 7 * SECOND;
	int i;

	(void)state;
	for (i = 0; i < 399; i++, now += SECOND / 1000)
		load_count(&meter, now);
	assert_false(load_high(&meter, now, 0));
	assert_false(load_high(&meter, now, 63));
	assert_true(load_high(&meter, now, 64));
	load_count(&meter, now);
	assert_true(load_high(&meter, now, 0));
	/* The first of them was at 7 s. */
	assert_true(load_high(&meter, 8 * SECOND - 1, 0));
	assert_false(load_high(&meter, 8 * SECOND, 0));
	/* 399 a second is none; 401 is. */
	for (i = 0; i < 2000; i++, now += SECOND / 399)
		load_count(&meter, now);
	assert_false(load_high(&meter, now, 0));
	for (i = 0; i < 2000; i++, now += SECOND / 401)
		load_count(&meter, now);
	assert_true(load_high(&meter, now, 0));
}

static int burst(struct bucket_table *table, const struct cookie_source *source, uint64_t now)
{
	int n = 0;

	while (n < 100 && bucket_take(table, source, now))
		n++;
	return n;
}

static void address_gets_20_a_second(void **state)
{
	static struct bucket_table table;
	struct cookie_source other = source4;
	uint64_t now = 10 * SECOND;
	int i, n;

	(void)state;
	repeatable(&table.key, sizeof(table.key));
	assert_int_equal(burst(&table, &source4, now), 5);
	assert_int_equal(burst(&table, &source4, now + SECOND / 20 - 1), 0);
	assert_int_equal(burst(&table, &source4, now + SECOND / 20), 1);
	assert_int_equal(burst(&table, &source4, now + 60 * SECOND), 5);
	for (i = n = 0, now += 120 * SECOND; i < 1000; i++, now += SECOND / 100)
		n += bucket_take(&table, &source4, now);
	assert_in_range(n, 200, 205);
	/* Ports are not looked at; the address next to it has a bucket of its own. */
	other.port = 1;
	burst(&table, &source4, now);
	assert_int_equal(burst(&table, &other, now), 0);
	other.address[15]++;
	assert_int_equal(burst(&table, &other, now), 5);
}

static void network_of_64_bits_shares_a_bucket(void **state)
{
	static struct bucket_table table;
	struct cookie_source other = source6;

	(void)state;
	repeatable(&table.key, sizeof(table.key));
	assert_int_equal(burst(&table, &source6, SECOND), 5);
	other.address[8] = 0x80;
	assert_int_equal(burst(&table, &other, SECOND), 0);
	other.address[7]++;
	assert_int_equal(burst(&table, &other, SECOND), 5);
}

static void buckets_depend_on_the_secret(void **state)
{
	static struct bucket_table tables[2];
	struct cookie_source other = source4;
	int i, table, n[2] = {};

	(void)state;
	for (table = 0; table < 2; table++) {
		repeatable(&tables[table].key, sizeof(tables[table].key));
		for (i = 0; i < 4096; i++) {
			other.address[14] = i >> 8;
			other.address[15] = i;
			n[table] += burst(&tables[table], &other, SECOND) == 5;
		}
		/* 4096 addresses fall into 4096 * (1 - 1/e) buckets. */
		assert_in_range(n[table], 2450, 2730);
	}
	assert_memory_not_equal(tables[0].full, tables[1].full, sizeof(tables[0].full));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timestamps_are_tai64n),
		cmocka_unit_test(timestamps_carry),
		cmocka_unit_test(timestamps_of_an_initiator_rise),
		cmocka_unit_test(floor_is_raised_once_a_minute),
		cmocka_unit_test(floor_survives_its_file),
		cmocka_unit_test(only_a_newer_timestamp_is_taken),
		cmocka_unit_test(cookie_is_bound_to_its_source),
		cmocka_unit_test(cookie_ends_with_its_secret),
		cmocka_unit_test(load_is_400_in_a_second),
		cmocka_unit_test(address_gets_20_a_second),
		cmocka_unit_test(network_of_64_bits_shares_a_bucket),
		cmocka_unit_test(buckets_depend_on_the_secret),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("limits", tests, set_up, tear_down);
}
