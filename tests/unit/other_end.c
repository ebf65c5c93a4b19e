// SPDX-License-Identifier: GPL-2.0-or-later
/* The process of the other end, and its language. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "other_end.h"
#include "agreement/primitive.h"

#define ORACLE "tests/agreement/oracle.py"

enum { LINE_MAX_LEN = 8192, HEX_BUFFERS = 16, HEX_BYTES = 512 };

static FILE *stream;
static pid_t child;
static char answer[LINE_MAX_LEN];

static void run_python(int fd)
{
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	execl("/usr/bin/python3", "python3", ORACLE, "serve", (char *)NULL);
	_exit(127);
}

bool other_end_start(void)
{
	int fds[2];

	if (system("/usr/bin/python3 -c 'from cryptography.hazmat.primitives.ciphers.aead import "
		   "ChaCha20Poly1305' "
		   "2>/dev/null"))
		return false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	child = fork();
	if (child == 0)
		run_python(fds[1]);
	close(fds[1]);
	stream = fdopen(fds[0], "r+");
	assert_non_null(stream);
	return true;
}

void other_end_stop(void)
{
	if (!stream)
		return;
	fclose(stream);
	stream = NULL;
	waitpid(child, NULL, 0);
}

bool other_end_ask(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stream, format, arguments);
	va_end(arguments);
	fputc('\n', stream);
	fflush(stream);
	answer[0] = ' ';
	if (!fgets(answer + 1, sizeof(answer) - 1, stream))
		fail_msg("%s: no answer", ORACLE);
	return strncmp(answer + 1, "refused=", 8) != 0;
}

static const char *value_of(const char *name)
{
	char wanted[64];
	const char *found;

	snprintf(wanted, sizeof(wanted), " %s=", name);
	found = strstr(answer, wanted);
	if (!found)
		fail_msg("no %s in the answer%s", name, answer);
	return found + strlen(wanted);
}

void other_end_bytes(const char *name, void *bytes, size_t n)
{
	const char *value = value_of(name);
	unsigned char *out = bytes;
	size_t i;

	assert_int_equal(strspn(value, "0123456789abcdef"), 2 * n);
	for (i = 0; i < n; i++)
		assert_int_equal(sscanf(value + 2 * i, "%2hhx", &out[i]), 1);
}

uint64_t other_end_number(const char *name)
{
	const char *value = value_of(name);

	assert_int_equal(*value, '#');
	return strtoull(value + 1, NULL, 10);
}

const char *hex(const void *bytes, size_t n)
{
	static char buffers[HEX_BUFFERS][2 * HEX_BYTES + 1];
	static unsigned int turn;
	char *buffer = buffers[turn++ % HEX_BUFFERS];
	size_t i;

	assert_true(n <= HEX_BYTES);
	buffer[0] = '\0';
	for (i = 0; i < n; i++)
		sprintf(buffer + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
	return buffer;
}

/* splitmix64 */
static uint64_t next_number(void)
{
	static uint64_t state;
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void repeatable(void *bytes, size_t n)
{
	uint8_t *out = bytes;

	while (n--)
		*out++ = next_number() >> 56;
}

uint32_t repeatable_below(uint32_t n)
{
	return (uint32_t)((next_number() >> 32) * n >> 32);
}

bool have_other_end;

int other_end_set_up(void **state)
{
	(void)state;
	have_other_end = other_end_start();
	return primitive_setup();
}

int other_end_tear_down(void **state)
{
	(void)state;
	other_end_stop();
	primitive_release();
	return 0;
}
