// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: a key is for one direction. */
#include "state_fixture.h"

#include <errno.h>
#include <unistd.h>

static void received_with_is_never_new_to_send_with(void **state)
{
	__u64 next = 7, limit;

	(void)state;
	/* From the first start on, whether something was received or not. */
	assert_int_equal(site_b_receive(&next), 0);
	next = 7;
	assert_int_equal(site_b_reserve(true, &next, &limit), -EKEYREJECTED);
	assert_message("peer site-b: TxKeyFile: this key was used for receiving (");
	assert_int_equal(next, 7);
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4242), 0);
	assert_int_equal(site_b_reserve(true, &next, &limit), -EKEYREJECTED);
	assert_int_equal(site_b_reserve(false, &next, &limit), -EKEYREJECTED);
	assert_int_equal(site_b_check(STATE_TX, true), -EKEYREJECTED);
	assert_message("hint: make new keys for both sites");
	assert_int_not_equal(access(fixture_path(FINGERPRINT ".tx"), F_OK), 0);
}

static void sent_with_is_never_received_with(void **state)
{
	__u64 next = 7;

	(void)state;
	start_new();
	assert_int_equal(site_b_receive(&next), -EKEYREJECTED);
	assert_message("peer site-b: RxKeyFile: this key was used for sealing (");
	assert_int_equal(site_b_check(STATE_RX, true), -EKEYREJECTED);
	/* Also where it has sealed nothing in the end. */
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 0, STATE_RANGE), 0);
	assert_int_equal(site_b_receive(&next), -EKEYREJECTED);
	assert_int_equal(next, 7);
	assert_int_not_equal(access(fixture_path(FINGERPRINT ".rx"), F_OK), 0);
}

/* As an earlier version could leave it. */
static void both_directions_are_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	fixture_write_state(FINGERPRINT ".tx", 1000);
	fixture_write_state(FINGERPRINT ".rx", 1000);
	assert_int_equal(site_b_reserve(false, &first, &limit), -EKEYREJECTED);
	assert_int_equal(site_b_receive(&first), -EKEYREJECTED);
}

static void other_direction_of_another_key_is_none(void **state)
{
	const struct state_claims new = { .new_key = true };
	__u64 next, first, limit;

	(void)state;
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(state_reserve(fixture_dir, OTHER, &new, "site-b", &first, &limit), 0);
	assert_int_equal(site_b_receive(&next), 0);
}

#define TEST(function) cmocka_unit_test_setup(function, fixture_clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(received_with_is_never_new_to_send_with),
		TEST(sent_with_is_never_received_with),
		TEST(both_directions_are_refused),
		TEST(other_direction_of_another_key_is_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("state files of one direction", tests, fixture_make,
					   fixture_remove);
}
