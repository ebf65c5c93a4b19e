// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: a process that dies at any system call, or runs beside others, makes no sequence number repeat. */
#include "state_fixture.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The steps of writing a file pass through here; a process that is to die does it in front of step die_at. */
static int step, die_at = -1, die_within = -1;

static void take_step(void)
{
	if (++step == die_at)
		_exit(99);
}

ssize_t write(int fd, const void *data, size_t n)
{
	take_step();
	if (step == die_within) {
		syscall(SYS_write, fd, data, n / 2);
		_exit(99);
	}
	return syscall(SYS_write, fd, data, n);
}

int fsync(int fd)
{
	take_step();
	return syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	take_step();
	return syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

/* write, fsync of the file, rename, fsync of the directory. */
#define STEPS 4

static void die_in_child(bool within)
{
	__u64 first, limit;
	int status, at;
	pid_t pid;

	for (at = 1; at <= (within ? 1 : STEPS); at++) {
		fixture_run("rm -rf %s", fixture_dir);
		start_new();
		pid = fork();
		if (pid == 0) {
			step = 0;
			*(within ? &die_within : &die_at) = at;
			site_b_reserve(false, &first, &limit);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* That it died, and did not merely return, is what makes this a test. */
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 99);
		assert_int_equal(site_b_reserve(false, &first, &limit), 0);
		/* Before the rename nothing was given out; after it, a range is lost. */
		assert_int_equal(first, at <= 3 ? STATE_RANGE : 2 * STATE_RANGE);
		assert_int_equal(limit, first + STATE_RANGE);
		assert_int_not_equal(access(fixture_path("." FINGERPRINT ".tx.tmp"), F_OK), 0);
	}
}

static void death_at_any_step_repeats_nothing(void **state)
{
	(void)state;
	die_in_child(false);
}

static void death_within_the_write_repeats_nothing(void **state)
{
	(void)state;
	die_in_child(true);
}

static void number_of_steps_is_right(void **state)
{
	__u64 first, limit;

	(void)state;
	step = 0;
	assert_int_equal(site_b_reserve(true, &first, &limit), 0);
	assert_int_equal(step, STEPS);
}

static void left_behind_file_is_replaced(void **state)
{
	(void)state;
	start_new();
	fixture_write(fixture_path("." FINGERPRINT ".tx.tmp"), "xdpsec-st", 9);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_int_not_equal(access(fixture_path("." FINGERPRINT ".tx.tmp"), F_OK), 0);
}

static void unwritable_directory_gives_nothing(void **state)
{
	__u64 first = 7, limit = 8;

	(void)state;
	start_new();
	/* Root may write everywhere; a directory in the way stops it, too. */
	assert_int_equal(mkdir(fixture_path("." FINGERPRINT ".tx.tmp"), 0700), 0);
	assert_true(site_b_reserve(false, &first, &limit) < 0);
	assert_int_equal(first, 7);
	assert_int_equal(rmdir(fixture_path("." FINGERPRINT ".tx.tmp")), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void parallel_ranges_are_disjoint(void **state)
{
	enum { PROCESSES = 4, EACH = 25 };
	bool seen[PROCESSES * EACH + 1] = {};
	int pipes[2], i, k, status;
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(pipe(pipes), 0);
	for (i = 0; i < PROCESSES; i++) {
		if (fork())
			continue;
		for (k = 0; k < EACH; k++)
			if (site_b_reserve(false, &first, &limit) ||
			    syscall(SYS_write, pipes[1], &first, 8) != 8)
				_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	for (i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (i = 0; read(pipes[0], &first, 8) == 8; i++) {
		assert_int_equal(first % STATE_RANGE, 0);
		assert_in_range(first / STATE_RANGE, 1, PROCESSES * EACH);
		assert_false(seen[first / STATE_RANGE]);
		seen[first / STATE_RANGE] = true;
	}
	close(pipes[0]);
	assert_int_equal(i, PROCESSES * EACH);
}

#define TEST(function) cmocka_unit_test_setup(function, fixture_clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(death_at_any_step_repeats_nothing),  TEST(death_within_the_write_repeats_nothing),
		TEST(number_of_steps_is_right),		  TEST(left_behind_file_is_replaced),
		TEST(unwritable_directory_gives_nothing), TEST(parallel_ranges_are_disjoint),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("state files and deaths", tests, fixture_make, fixture_remove);
}
