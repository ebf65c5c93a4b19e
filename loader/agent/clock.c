// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing NAME.clock. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "agent/clock.h"
#include "base/cleanup.h"
#include "base/message.h"

/* A record is within one sector, and is a line of text: "xdpsec-clock 1 NUMBER FLOOR DIGEST". */
#define CLOCK_RECORD 128
#define CLOCK_HEAD "xdpsec-clock 1"

/* 64 bits of SHA-256, against a torn write and a bad disk. */
static uint64_t digest_of(const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t value = 0;

	if (!EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL))
		return 0;
	memcpy(&value, digest, sizeof(value));
	return value;
}

/* The text of a record without its digest. */
static void format_record(char text[CLOCK_RECORD], uint64_t number, const struct timestamp *floor)
{
	char digits[TIMESTAMP_TEXT_LEN + 1];

	timestamp_format(digits, floor);
	snprintf(text, CLOCK_RECORD, CLOCK_HEAD " %" PRIu64 " %.*s", number, 2 * TIMESTAMP_LEN, digits);
}

static bool parse_record(const char *record, uint64_t *number, struct timestamp *floor)
{
	char text[CLOCK_RECORD], digits[TIMESTAMP_TEXT_LEN + 1];
	uint64_t digest;

	if (sscanf(record, CLOCK_HEAD " %20" SCNu64 " %24[0-9a-f] %16" SCNx64, number, digits, &digest) != 3)
		return false;
	strcat(digits, "\n");
	if (!timestamp_parse(floor, digits, strlen(digits)))
		return false;
	format_record(text, *number, floor);
	return digest_of(text) == digest;
}

static void read_records(struct clock_file *file, const char *path)
{
	char records[2 * CLOCK_RECORD + 1] = "";
	ssize_t n = pread(file->fd, records, sizeof(records) - 1, 0);
	struct timestamp floor;
	uint64_t number;

	for (int i = 0; i < 2; i++) {
		if (!parse_record(records + i * CLOCK_RECORD, &number, &floor) || number < file->number)
			continue;
		file->number = number;
		file->floor = floor;
		file->next = !i;
	}
	if (n > 0 && !file->number)
		warning("%s: damaged: the timestamps of the key agreement begin at the clock's time", path);
}

static int sync_directory(const char *directory)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

int clock_open(struct clock_file *file, const char *directory, const char *instance)
{
	char path[PATH_MAX];
	int err = 0;

	*file = (struct clock_file){ .fd = -1 };
	if ((size_t)snprintf(path, sizeof(path), "%s/%s.clock", directory, instance) >= sizeof(path))
		return fail(ENAMETOOLONG, "%s: %s", directory, strerror(ENAMETOOLONG));
	if (mkdir(directory, 0700) && errno != EEXIST)
		err = -errno;
	file->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd < 0)
		err = err ?: -errno;
	else
		err = sync_directory(directory);
	if (err) {
		clock_close(file);
		fail(-err, "%s: cannot write it, as the key agreement must: %s", path, strerror(-err));
		hint("mount -o remount,rw, or `xdpsec up --state-dir DIR` with a directory that root can "
		     "write to");
		return err;
	}
	read_records(file, path);
	return 0;
}

void clock_close(struct clock_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

int clock_write(struct clock_file *file, const struct timestamp *floor)
{
	char record[CLOCK_RECORD + 1], text[CLOCK_RECORD];

	format_record(text, file->number + 1, floor);
	memset(record, ' ', sizeof(record));
	record[snprintf(record, sizeof(record), "%s %016" PRIx64, text, digest_of(text))] = ' ';
	record[CLOCK_RECORD - 1] = '\n';
	if (pwrite(file->fd, record, CLOCK_RECORD, (off_t)file->next * CLOCK_RECORD) != CLOCK_RECORD)
		return -errno;
	if (fdatasync(file->fd))
		return -errno;
	file->number++;
	file->floor = *floor;
	file->next = !file->next;
	return 0;
}
