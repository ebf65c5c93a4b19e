// SPDX-License-Identifier: GPL-2.0-or-later
/* Preshared key files: replaced in place or by another file, half written, missing; never a key of zeros. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#include "agent/psk.h"

#define SECOND 1000000000ULL

static unsigned int pauses;

/* No test waits; the pauses are counted. */
int nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)time, (void)rest;
	pauses++;
	return 0;
}

static char directory[] = "/tmp/xdpsec-psk-XXXXXX", path[64], other[64];
static struct psk psk;

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/peer.psk", directory);
	snprintf(other, sizeof(other), "%s/new.psk", directory);
	return freopen("/dev/null", "w", stderr) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void write_text(const char *to, const char *text, mode_t mode)
{
	FILE *file = fopen(to, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(to, mode), 0);
}

/* The key that has this byte 32 times. */
static void write_key(const char *to, unsigned char byte, mode_t mode)
{
	unsigned char key[KEY32_BYTES];
	char text[KEY32_TEXT + 2];

	memset(key, byte, sizeof(key));
	key32_encode(key, text);
	strcat(text, "\n");
	write_text(to, text, mode);
}

static int begin(void **state)
{
	(void)state;
	memset(&psk, 0, sizeof(psk));
	write_key(path, 1, 0600);
	return psk_open(&psk, path, "peer");
}

static int end(void **state)
{
	(void)state;
	close(psk.directory);
	close(psk.file);
	unlink(path);
	unlink(other);
	return 0;
}

static void assert_now(unsigned char byte, __u64 now)
{
	unsigned char key[KEY32_BYTES];

	memset(key, byte, sizeof(key));
	assert_int_equal(psk_read(&psk, now), 0);
	assert_memory_equal(psk.now, key, sizeof(key));
}

static void changed_in_place(void **state)
{
	(void)state;
	assert_now(1, 1 * SECOND);
	assert_false(psk_has_before(&psk, 1 * SECOND));
	write_key(path, 2, 0600);
	assert_now(2, 10 * SECOND);
	assert_true(psk_has_before(&psk, 10 * SECOND));
	assert_int_equal(psk.before[0], 1);
	assert_true(psk_has_before(&psk, 189 * SECOND));
	assert_false(psk_has_before(&psk, 190 * SECOND));
}

static void replaced(void **state)
{
	(void)state;
	assert_now(1, 1 * SECOND);
	write_key(other, 3, 0600);
	assert_int_equal(rename(other, path), 0);
	assert_now(3, 2 * SECOND);
}

static void by_group(void **state)
{
	(void)state;
	assert_int_equal(chmod(path, 0640), 0);
	assert_now(1, 1 * SECOND);
}

static void by_others(void **state)
{
	(void)state;
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(psk_read(&psk, 1 * SECOND), -EPERM);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(psk_read(&psk, 1 * SECOND), -EPERM);
}

/* Each gives no key, neither zeros nor, after 5 seconds, the one before. */
static void no_key(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ",
		"not a key at all, but as long as one is...\n",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_key(path, 1, 0600);
		assert_now(1, 100 * SECOND);
		write_text(path, texts[i], 0600);
		assert_now(1, 104 * SECOND);
		assert_true(psk_read(&psk, 105 * SECOND) < 0);
	}
	unlink(path);
	assert_true(psk_read(&psk, 200 * SECOND) < 0);
}

/* A file that stays damaged does not hold the agent up. */
static void pauses_are_rare(void **state)
{
	(void)state;
	assert_now(1, 100 * SECOND);
	write_text(path, "damaged", 0600);
	pauses = 0;
	for (unsigned int i = 0; i < 1000; i++)
		psk_read(&psk, 110 * SECOND + i);
	assert_int_equal(pauses, 2);
	psk_read(&psk, 111 * SECOND);
	assert_int_equal(pauses, 4);
	/* It is read each time all the same. */
	write_key(path, 3, 0600);
	assert_now(3, 111 * SECOND + 1);
	assert_int_equal(pauses, 4);
}

static void missing_at_first(void **state)
{
	(void)state;
	close(psk.directory);
	close(psk.file);
	unlink(path);
	memset(&psk, 0, sizeof(psk));
	assert_int_equal(psk_open(&psk, path, "peer"), 0);
	assert_true(psk_read(&psk, 1 * SECOND) < 0);
	write_key(path, 4, 0600);
	assert_now(4, 2 * SECOND);
}

static void not_a_file(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(psk_read(&psk, 1 * SECOND) < 0);
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_true(psk_read(&psk, 1 * SECOND) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changed_in_place, begin, end),
		cmocka_unit_test_setup_teardown(replaced, begin, end),
		cmocka_unit_test_setup_teardown(by_group, begin, end),
		cmocka_unit_test_setup_teardown(by_others, begin, end),
		cmocka_unit_test_setup_teardown(no_key, begin, end),
		cmocka_unit_test_setup_teardown(pauses_are_rare, begin, end),
		cmocka_unit_test_setup_teardown(missing_at_first, begin, end),
		cmocka_unit_test_setup_teardown(not_a_file, begin, end),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
