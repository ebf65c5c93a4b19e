// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: a copy that is brought back, or read by another machine, is refused. */
#include "state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

static struct statx_timestamp birth(const char *path)
{
	struct statx status;

	assert_int_equal(statx(AT_FDCWD, path, 0, STATX_BTIME, &status), 0);
	if (!(status.stx_mask & STATX_BTIME))
		skip();
	return status.stx_btime;
}

/* Until a file is younger than that of the state: clocks of file systems tick every few milliseconds. */
static void let_time_pass(const char *file)
{
	struct statx_timestamp then = birth(fixture_path(file)), now;
	char path[128];

	snprintf(path, sizeof(path), "%s/clock", fixture_base);
	do {
		unlink(path);
		fixture_write(path, "", 0);
		now = birth(path);
	} while (now.tv_sec == then.tv_sec && now.tv_nsec == then.tv_nsec);
}

/* The state of now is kept as CMD does it, used, and brought back. */
static void restore_by(const char *keep, const char *bring_back)
{
	__u64 first = 7, limit = 8;

	start_new();
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(fixture_run("cd %s && %s", fixture_dir, keep), 0);
	assert_reserved(1000, 1000 + STATE_RANGE);
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 2000, 1000 + STATE_RANGE), 0);
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(fixture_run("cd %s && %s", fixture_dir, bring_back), 0);
	if (site_b_reserve(false, &first, &limit) != -ESTALE)
		fail_msg("accepted after: %s; %s", keep, bring_back);
	assert_message(
		"is a copy, for example from a backup: the sequence numbers used since then are unknown\n"
		"hint: make new keys for both sites (xdpsec genkey --manual); use --moved-state only if ");
	assert_int_equal(site_b_reserve(true, &first, &limit), -ESTALE);
	assert_int_equal(site_b_check(STATE_TX, true), -ESTALE);
	assert_int_equal(first, 7);
	/* The rest of a range of a running instance does not make it good. */
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 900, 1000), -ESTALE);
	assert_int_equal(site_b_reserve(false, &first, &limit), -ESTALE);
	assert_int_equal(fixture_run("rm -rf %s.copy %s", fixture_dir, fixture_dir), 0);
}

static void copy_brought_back_is_refused(void **state)
{
	(void)state;
	restore_by("cp -a . ../state.copy", "rm -r * && cp -a ../state.copy/. .");
	restore_by("cp -a . ../state.copy", "rm -r * && mv ../state.copy/* .");
	restore_by("mkdir ../state.copy && cp -p *.tx ../state.copy", "cp ../state.copy/*.tx .");
	restore_by("mkdir ../state.copy && cp *.tx ../state.copy", "cat ../state.copy/*.tx >$(ls *.tx)");
	restore_by("mkdir ../state.copy && tar -cf ../state.copy/x .", "tar -xf ../state.copy/x");
}

static void moved_state_goes_on(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(state_return(fixture_dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(fixture_run("cp -a %s %s.copy && rm -r %s && mv %s.copy %s", fixture_dir,
				     fixture_dir, fixture_dir, fixture_dir, fixture_dir),
			 0);
	assert_int_equal(site_b_reserve(false, &first, &limit), -ESTALE);
	assert_int_equal(site_b_reserve_moved(&first, &limit), 0);
	assert_int_equal(first, 1000);
	/* Later starts need no such word. */
	assert_reserved(1000 + STATE_RANGE, 1000 + 2 * STATE_RANGE);
}

/* Within a file system nothing is copied. */
static void renamed_directory_goes_on(void **state)
{
	(void)state;
	start_new();
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(fixture_run("mv %s %s.copy && mkdir -m 700 %s && mv %s.copy/* %s", fixture_dir,
				     fixture_dir, fixture_dir, fixture_dir, fixture_dir),
			 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void state_of_another_machine_is_refused(void **state)
{
	__u64 first, limit, next;

	(void)state;
	start_new();
	fixture_machine = "ba9876543210";
	assert_int_equal(site_b_reserve(false, &first, &limit), -ESTALE);
	assert_message(".tx was written by another host, for example from a backup");
	fixture_machine = "0123456789ab";
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	fixture_machine = "ba9876543210";
	assert_int_equal(site_b_reserve_moved(&first, &limit), 0);
	assert_int_equal(first, 2 * STATE_RANGE);
	assert_reserved(3 * STATE_RANGE, 4 * STATE_RANGE);
	/* A machine that does not say which one it is. */
	fixture_machine = "-";
	assert_reserved(4 * STATE_RANGE, 5 * STATE_RANGE);
	fixture_machine = "0123456789ab";
	assert_reserved(5 * STATE_RANGE, 6 * STATE_RANGE);
	fixture_run("rm -r %s", fixture_dir);
	assert_int_equal(site_b_receive(&next), 0);
	fixture_machine = "ba9876543210";
	assert_int_equal(site_b_receive(&next), -ESTALE);
	assert_message("RxKeyFile: state file");
}

static void copy_of_what_was_received_is_refused(void **state)
{
	const struct state_claims moved = { .moved = true };
	__u64 next = 7;

	(void)state;
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 4242), 0);
	let_time_pass(FINGERPRINT ".rx");
	assert_int_equal(fixture_run("cd %s && cp *.rx x && mv x *.rx", fixture_dir), 0);
	assert_int_equal(site_b_receive(&next), -ESTALE);
	assert_message("peer site-b: RxKeyFile: state file");
	assert_int_equal(next, 7);
	/* One that is up knows better. */
	assert_int_equal(state_save_received(fixture_dir, FINGERPRINT, 5000), 0);
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(next, 5000);
	let_time_pass(FINGERPRINT ".rx");
	assert_int_equal(fixture_run("cd %s && cp *.rx x && mv x *.rx", fixture_dir), 0);
	assert_int_equal(state_receive(fixture_dir, FINGERPRINT, &moved, "site-b", &next), 0);
	assert_int_equal(next, 5000);
	assert_int_equal(site_b_receive(&next), 0);
	assert_int_equal(next, 5000);
}

static void backups_are_kept_away(void **state)
{
	char text[512];
	int fd, flags;

	(void)state;
	start_new();
	fixture_read(fixture_path("CACHEDIR.TAG"), text, sizeof(text));
	/* https://bford.info/cachedir/ */
	assert_int_equal(strncmp(text, "Signature: 8a477f597d28d172789f06886806bc55\n", 44), 0);
	fd = open(fixture_dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
		assert_true(flags & FS_NODUMP_FL);
	close(fd);
	assert_int_equal(fixture_run("tar --exclude-caches -cf - -C %s . | tar -t | grep -q '[.]tx$'",
				     fixture_dir) == 0,
			 false);
	assert_int_equal(fixture_run("tar -cf - -C %s . | tar -t | grep -q '[.]tx$'", fixture_dir), 0);
}

#define TEST(function) cmocka_unit_test_setup(function, fixture_clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copy_brought_back_is_refused),
		TEST(moved_state_goes_on),
		TEST(renamed_directory_goes_on),
		TEST(state_of_another_machine_is_refused),
		TEST(copy_of_what_was_received_is_refused),
		TEST(backups_are_kept_away),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("copies of state files", tests, fixture_make, fixture_remove);
}
