// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzer of the state files: what was changed is refused, and what is taken gives no number out twice. Of
 * half of the files the check at the end is made right again, so that what is before it is looked at.
 */
#include <errno.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "plane/state.h"
#include "xdpsec/wire.h"
#include "driver.h"

#define FINGERPRINT "00112233445566778899aabbccddeeff"
#define TX FINGERPRINT ".tx"
#define RX FINGERPRINT ".rx"

enum { LINE_MAX_LENGTH = 512, DIGEST_LENGTH = 16 };

static const char *const words[] = { "xdpsec-state",
				     " 1 ",
				     " 2 ",
				     TX,
				     RX,
				     "281474976710656",
				     "18446744073709543486",
				     "1764000000.123456789",
				     "0123456789ab",
				     " - ",
				     "%s",
				     "+1",
				     "0x",
				     NULL };

/* The state is the latest, wherever it comes from. */
static const struct state_claims latest = { .new_key = true, .moved = true };

/* Nothing of this has to survive the machine. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

/* The last word is the first 64 bits of SHA-256 over what is before it: this makes it so. */
static size_t make_right(const uint8_t *bytes, size_t n, char line[LINE_MAX_LENGTH])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t end = n < LINE_MAX_LENGTH - 32 ? n : LINE_MAX_LENGTH - 32;

	while (end > 0 && bytes[end - 1] != ' ')
		end--;
	memcpy(line, bytes, end);
	driver_check(EVP_Digest(line, end ? end - 1 : 0, digest, NULL, EVP_sha256(), NULL) == 1);
	for (int i = 0; i < DIGEST_LENGTH / 2; i++)
		end += sprintf(line + end, "%02x", digest[i]);
	line[end++] = '\n';
	return end;
}

/* A file is taken only if it is exactly what is written for this name and number (docs/architecture.md). */
static void check_taken(const char *file, uint64_t number, const void *bytes, size_t n)
{
	char line[LINE_MAX_LENGTH], start[LINE_MAX_LENGTH];
	const char *birth, *machine;
	size_t length;

	driver_check(n < sizeof(line) && make_right(bytes, n, line) == n && memcmp(line, bytes, n) == 0);
	length = snprintf(start, sizeof(start), "xdpsec-state 1 %s %" PRIu64 " ", file, number);
	if (n == length + DIGEST_LENGTH + 1 && memcmp(start, bytes, length) == 0)
		return;
	/* Version 2 has two words more: the time of a birth, and the name of a machine. */
	start[strlen("xdpsec-state ")] = '2';
	driver_check(n > length + DIGEST_LENGTH + 1 && memcmp(start, bytes, length) == 0);
	line[n - DIGEST_LENGTH - 2] = '\0';
	birth = line + length;
	machine = strchr(birth, ' ');
	driver_check(machine && machine[1] && !strchr(machine + 1, ' '));
	driver_check(strspn(birth, "0123456789.-") == (size_t)(machine - birth));
}

static void check_refused(int err)
{
	driver_check(err == -EBADMSG || err == -ERANGE);
	driver_check(strstr(driver_messages(), "hint: "));
}

static void write_alone(const char *file, const char *opposite, const void *bytes, size_t n)
{
	/* A new file: its birth is none that a file of the corpus could say. */
	unlink(driver_path(file));
	unlink(driver_path(opposite));
	driver_write(file, bytes, n);
}

/* Without the claim that it is the latest, one that says another birth is refused. */
static void check_copy(enum state_use use, const char *bytes)
{
	struct state_claims claims = { .new_key = true };
	bool says = strncmp(bytes, "xdpsec-state 2 ", 15) == 0 && !strstr(bytes, " - ");
	int err = state_check(driver_directory(), FINGERPRINT, use, &claims, "b");

	driver_check(says ? err == -ESTALE : err == 0 || err == -ESTALE || err == -ERANGE);
	driver_check(!err || strstr(driver_messages(), "hint: "));
}

/* No number of the ranges is given out twice, and none that the file says was. */
static void read_sent(const void *bytes, size_t n)
{
	__u64 first, limit, again, last;
	int err;

	write_alone(TX, RX, bytes, n);
	err = state_check(driver_directory(), FINGERPRINT, STATE_TX, &latest, "b");
	if (err) {
		check_refused(err);
		driver_check(state_reserve(driver_directory(), FINGERPRINT, &latest, "b", &first, &limit) ==
			     err);
		check_refused(err);
		return;
	}
	check_copy(STATE_TX, bytes);
	driver_check(state_reserve(driver_directory(), FINGERPRINT, &latest, "b", &first, &limit) == 0);
	check_taken(TX, first, bytes, n);
	driver_check(first < limit && limit <= XDPSEC_SEQUENCE_LIMIT && limit - first <= STATE_RANGE);
	err = state_reserve(driver_directory(), FINGERPRINT, &latest, "b", &again, &last);
	driver_check(err ? limit == XDPSEC_SEQUENCE_LIMIT : again == limit && last > limit);
	if (!err)
		driver_check(state_return(driver_directory(), FINGERPRINT, again, last) == 0);
	else
		driver_messages();
	driver_check(state_return(driver_directory(), FINGERPRINT, first + 1, limit) == 0);
	err = state_reserve(driver_directory(), FINGERPRINT, &latest, "b", &again, &last);
	driver_check(err ? first + 1 == XDPSEC_SEQUENCE_LIMIT : again == first + 1);
	driver_messages();
}

static void read_received(const void *bytes, size_t n)
{
	__u64 number, again;
	int err;

	write_alone(RX, TX, bytes, n);
	err = state_check(driver_directory(), FINGERPRINT, STATE_RX, &latest, "b");
	if (err) {
		check_refused(err);
		driver_check(state_receive(driver_directory(), FINGERPRINT, &latest, "b", &number) == err);
		check_refused(err);
		return;
	}
	check_copy(STATE_RX, bytes);
	driver_check(state_receive(driver_directory(), FINGERPRINT, &latest, "b", &number) == 0);
	check_taken(RX, number, bytes, n);
	/* It never goes back. */
	driver_check(state_save_received(driver_directory(), FINGERPRINT, number / 2) == 0);
	driver_check(state_receive(driver_directory(), FINGERPRINT, &latest, "b", &again) == 0 &&
		     again == number);
	driver_check(!driver_messages()[0]);
}

static void read_state(const uint8_t *bytes, size_t n)
{
	static char text[DRIVER_FILE_MAX + 1];
	char line[LINE_MAX_LENGTH + 1];
	size_t length = make_right(bytes, n, line);

	memcpy(text, bytes, n);
	text[n] = '\0';
	line[length] = '\0';
	read_sent(text, n);
	read_received(text, n);
	read_sent(line, length);
	read_received(line, length);
}

int main(int argc, char **argv)
{
	static const struct file_fuzzer fuzzer = {
		.name = "state",
		.short_run = 5000,
		.corpus = "tests/fuzz/files/corpus/state",
		.words = words,
		.read = read_state,
	};

	return driver_main(argc, argv, &fuzzer);
}
