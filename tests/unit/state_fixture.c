// SPDX-License-Identifier: GPL-2.0-or-later
/* A directory for state files, and the state of one key in it. */
#include "state_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/machine.h"

char fixture_base[] = "/tmp/xdpsec-state-XXXXXX", fixture_dir[64];
static char messages[64];

const char *fixture_machine = "0123456789ab";

/* In the place of that of loader/base/machine.c. */
void machine_digest(char digest[MACHINE_HEX])
{
	strcpy(digest, fixture_machine);
}

int fixture_run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command);
}

int fixture_make(void **state)
{
	(void)state;
	if (!mkdtemp(fixture_base))
		return -1;
	snprintf(fixture_dir, sizeof(fixture_dir), "%s/state", fixture_base);
	snprintf(messages, sizeof(messages), "%s/messages", fixture_base);
	return freopen(messages, "a", stderr) ? 0 : -1;
}

int fixture_remove(void **state)
{
	(void)state;
	return fixture_run("rm -rf %s", fixture_base);
}

int fixture_clean(void **state)
{
	(void)state;
	fixture_machine = "0123456789ab";
	return fixture_run("rm -rf %s %s.copy; : >%s", fixture_dir, fixture_dir, messages);
}

const char *fixture_path(const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", fixture_dir, file);
	return path;
}

size_t fixture_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return n;
}

void fixture_write(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_write, fd, text, n), n);
	close(fd);
}

void assert_message(const char *wanted)
{
	char text[4096];

	fflush(stderr);
	fixture_read(messages, text, sizeof(text));
	if (!strstr(text, wanted))
		fail_msg("wanted \"%s\", got \"%s\"", wanted, text);
	assert_int_equal(truncate(messages, 0), 0);
}

void fixture_write_state(const char *file, uint64_t number)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char line[256];
	int i, n;

	n = sprintf(line, "xdpsec-state 1 %s %llu", file, (unsigned long long)number);
	assert_true(EVP_Digest(line, n, digest, NULL, EVP_sha256(), NULL));
	n += sprintf(line + n, " ");
	for (i = 0; i < 8; i++)
		n += sprintf(line + n, "%02x", digest[i]);
	n += sprintf(line + n, "\n");
	mkdir(fixture_dir, 0700);
	fixture_write(fixture_path(file), line, n);
}

int site_b_reserve(bool is_new, __u64 *first, __u64 *limit)
{
	const struct state_claims claims = { .new_key = is_new };

	return state_reserve(fixture_dir, FINGERPRINT, &claims, "site-b", first, limit);
}

int site_b_reserve_moved(__u64 *first, __u64 *limit)
{
	const struct state_claims claims = { .new_key = true, .moved = true };

	return state_reserve(fixture_dir, FINGERPRINT, &claims, "site-b", first, limit);
}

int site_b_receive(__u64 *next)
{
	const struct state_claims claims = { .new_key = true };

	return state_receive(fixture_dir, FINGERPRINT, &claims, "site-b", next);
}

int site_b_check(enum state_use use, bool is_new)
{
	const struct state_claims claims = { .new_key = is_new };

	return state_check(fixture_dir, FINGERPRINT, use, &claims, "site-b");
}

void assert_reserved(__u64 wanted_first, __u64 wanted_limit)
{
	__u64 first, limit;

	assert_int_equal(site_b_reserve(false, &first, &limit), 0);
	assert_int_equal(first, wanted_first);
	assert_int_equal(limit, wanted_limit);
}

void start_new(void)
{
	__u64 first, limit;

	assert_int_equal(site_b_reserve(true, &first, &limit), 0);
	assert_int_equal(first, 0);
	assert_int_equal(limit, STATE_RANGE);
}
