// SPDX-License-Identifier: GPL-2.0-or-later
/* NAME.clock: what was recorded is found again, whatever became of the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "agent/clock.h"

static char directory[] = "/tmp/xdpsec-clock-XXXXXX", path[64];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/site.clock", directory);
	return freopen("/dev/null", "w", stderr) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int remove_clock(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct timestamp seconds(int64_t time)
{
	return timestamp_of(time * 1000000000);
}

/* The floor that a new agent finds. */
static struct timestamp recorded(void)
{
	struct clock_file file;

	assert_int_equal(clock_open(&file, directory, "site"), 0);
	clock_close(&file);
	return file.floor;
}

static void write_seconds(int64_t time)
{
	struct timestamp floor = seconds(time);
	struct clock_file file;

	assert_int_equal(clock_open(&file, directory, "site"), 0);
	assert_int_equal(clock_write(&file, &floor), 0);
	clock_close(&file);
}

static void assert_recorded(int64_t time)
{
	struct timestamp wanted = seconds(time), found = recorded();

	assert_int_equal(timestamp_compare(&found, &wanted), 0);
}

static void damage(off_t offset)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "#", 1, offset), 1);
	close(fd);
}

static void new_file_has_none(void **state)
{
	const struct timestamp none = {};
	struct timestamp found = recorded();
	struct stat status;

	(void)state;
	assert_memory_equal(&found, &none, sizeof(none));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void last_is_found(void **state)
{
	(void)state;
	for (int64_t i = 1; i < 20; i++) {
		write_seconds(1700000000 + i);
		assert_recorded(1700000000 + i);
	}
}

/* A record that was being written when the power failed: the one before is there. */
static void torn_record(void **state)
{
	(void)state;
	write_seconds(1700000001);
	write_seconds(1700000002);
	damage(128 + 40);
	assert_recorded(1700000001);
	write_seconds(1700000003);
	assert_recorded(1700000003);
}

static void damaged_file(void **state)
{
	const struct timestamp none = {};
	struct timestamp found;

	(void)state;
	write_seconds(1700000001);
	write_seconds(1700000002);
	damage(40);
	damage(128 + 40);
	found = recorded();
	assert_memory_equal(&found, &none, sizeof(none));
	write_seconds(1700000003);
	assert_recorded(1700000003);
}

static void no_directory(void **state)
{
	struct clock_file file;

	(void)state;
	assert_int_equal(clock_open(&file, "/proc/nowhere", "site"), -ENOENT);
	assert_int_equal(clock_open(&file, "/dev/null", "site"), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(new_file_has_none, remove_clock),
		cmocka_unit_test_teardown(last_is_found, remove_clock),
		cmocka_unit_test_teardown(torn_record, remove_clock),
		cmocka_unit_test_teardown(damaged_file, remove_clock),
		cmocka_unit_test(no_directory),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
