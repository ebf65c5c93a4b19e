// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: no sequence number is given out twice, and what is up changes what a later start finds. */
#include "state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static void missing_state_is_refused(void **state)
{
	__u64 first = 7, limit = 8;

	(void)state;
	assert_int_equal(site_b_reserve(false, &first, &limit), -ENOENT);
	assert_message("xdpsec: peer site-b: TxKeyFile: state file ");
	assert_int_equal(first, 7);
	assert_int_equal(limit, 8);
	/* Asking must not make it known. */
	assert_int_equal(site_b_reserve(false, &first, &limit), -ENOENT);
	assert_message("hint: use --new-key if the key was never used before, on any host");
}

static void new_key_starts_at_zero(void **state)
{
	(void)state;
	start_new();
}

static void next_range_follows(void **state)
{
	(void)state;
	start_new();
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_reserved(2 * STATE_RANGE, 3 * STATE_RANGE);
}

static void known_key_is_never_new(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(site_b_reserve(true, &first, &limit), 0);
	assert_int_equal(first, STATE_RANGE);
}

static void keys_are_apart(void **state)
{
	const struct state_claims known = {}, new = { .new_key = true };
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(state_reserve(fixture_dir, OTHER, &known, "site-c", &first, &limit), -ENOENT);
	assert_message("peer site-c");
	assert_int_equal(state_reserve(fixture_dir, OTHER, &new, "site-c", &first, &limit), 0);
	assert_int_equal(first, 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void unused_numbers_come_back(void **state)
{
	(void)state;
	start_new();
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	assert_reserved(1000, 1000 + STATE_RANGE);
}

static void used_up_range_does_not_come_back(void **state)
{
	(void)state;
	start_new();
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, STATE_RANGE, STATE_RANGE), 0);
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, STATE_RANGE + 1, STATE_RANGE), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void older_range_does_not_come_back(void **state)
{
	(void)state;
	start_new();
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	assert_reserved(2 * STATE_RANGE, 3 * STATE_RANGE);
}

static void removed_state_is_written_again(void **state)
{
	(void)state;
	start_new();
	assert_int_equal(unlink(fixture_path(FINGERPRINT ".tx")), 0);
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	assert_reserved(1000, 1000 + STATE_RANGE);
}

static void range_ends_at_the_limit(void **state)
{
	__u64 first, limit;

	(void)state;
	fixture_write_state(FINGERPRINT ".tx", XDPSEC_SEQUENCE_LIMIT - 10);
	assert_reserved(XDPSEC_SEQUENCE_LIMIT - 10, XDPSEC_SEQUENCE_LIMIT);
	assert_int_equal(site_b_reserve(false, &first, &limit), -ERANGE);
	assert_message("xdpsec: peer site-b: TxKeyFile: every sequence number of this key is used\n"
		       "hint: make a new key for both sites: xdpsec genkey --manual");
	assert_int_equal(site_b_reserve(true, &first, &limit), -ERANGE);
	fixture_write_state(FINGERPRINT ".tx", UINT64_MAX);
	assert_int_equal(site_b_reserve(false, &first, &limit), -ERANGE);
}

static void whole_range_just_fits(void **state)
{
	(void)state;
	fixture_write_state(FINGERPRINT ".tx", XDPSEC_SEQUENCE_LIMIT - STATE_RANGE);
	assert_reserved(XDPSEC_SEQUENCE_LIMIT - STATE_RANGE, XDPSEC_SEQUENCE_LIMIT);
}

static void received_is_kept(void **state)
{
	const struct state_claims known = {};
	__u64 next = 7;

	(void)state;
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4242), 0);
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(next, 4242);
	assert_int_equal(state_receive(fixture_dir, OTHER, &known, "site-c", &next), 0);
	assert_int_equal(next, 0);
}

static void received_never_goes_back(void **state)
{
	__u64 next;

	(void)state;
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4242), 0);
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4241), 0);
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(next, 4242);
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4243), 0);
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(next, 4243);
}

static void received_is_not_guessed(void **state)
{
	__u64 next = 7;

	(void)state;
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4242), 0);
	fixture_write(fixture_path(FINGERPRINT ".rx"), "4242\n", 5);
	assert_int_equal(site_b_receive(&next), -EBADMSG);
	assert_int_equal(next, 7);
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 5000), -EBADMSG);
}

static void check_changes_nothing(void **state)
{
	__u64 first, limit;

	(void)state;
	assert_int_equal(site_b_check(STATE_TX, false), -ENOENT);
	assert_message("the sequence numbers that this key has used are unknown\nhint: use --new-key");
	assert_int_equal(site_b_check(STATE_TX, true), 0);
	assert_int_equal(site_b_check(STATE_RX, false), 0);
	assert_int_not_equal(access(fixture_dir, F_OK), 0);
	start_new();
	assert_int_equal(site_b_check(STATE_TX, false), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	fixture_write_state(FINGERPRINT ".tx", XDPSEC_SEQUENCE_LIMIT);
	assert_int_equal(site_b_check(STATE_TX, false), -ERANGE);
	fixture_write(fixture_path(FINGERPRINT ".tx"), "x", 1);
	assert_int_equal(site_b_check(STATE_TX, true), -EBADMSG);
	assert_int_equal(site_b_reserve(true, &first, &limit), -EBADMSG);
}

/* Whoever may read the directory may lock it. */
static void locked_directory_is_no_obstacle(void **state)
{
	int fd;

	(void)state;
	start_new();
	fd = open(fixture_dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	alarm(10);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	alarm(0);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup(function, fixture_clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(missing_state_is_refused),
		TEST(new_key_starts_at_zero),
		TEST(next_range_follows),
		TEST(known_key_is_never_new),
		TEST(keys_are_apart),
		TEST(unused_numbers_come_back),
		TEST(used_up_range_does_not_come_back),
		TEST(older_range_does_not_come_back),
		TEST(removed_state_is_written_again),
		TEST(range_ends_at_the_limit),
		TEST(whole_range_just_fits),
		TEST(received_is_kept),
		TEST(received_never_goes_back),
		TEST(received_is_not_guessed),
		TEST(check_changes_nothing),
		TEST(locked_directory_is_no_obstacle),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("state files", tests, fixture_make, fixture_remove);
}
