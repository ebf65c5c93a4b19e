// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State files. Each is one line,
 *
 *	xdpsec-state 1 FINGERPRINT.tx 281474976710656 0123456789abcdef
 *
 * where 1 is the version of this format, the number the first that has not been given out, and the last word
 * the first 64 bits of SHA-256 over what stands before it. A file is written as a whole, or not at all; the
 * check is against disks, editors, and copies under another key's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "cleanup.h"
#include "message.h"
#include "state.h"
#include "xdpsec/wire.h"

#define FORMAT "xdpsec-state 1 %s %" PRIu64
#define LINE_MAX_LENGTH 160
#define FILE_NAME_MAX 64

/* The directory, locked, and one file of it. */
struct state {
	const char *dir;
	int fd;
	char file[FILE_NAME_MAX];
};

static void state_close(struct state *state)
{
	/* Closing releases the lock. */
	cleanup_close(&state->fd);
}
#define _cleanup_state_ __attribute__((cleanup(state_close)))

static int check_directory(const struct state *state)
{
	struct stat st;

	if (fstat(state->fd, &st))
		return fail(errno, "state directory %s: %s", state->dir, strerror(errno));
	if ((st.st_uid == geteuid() || st.st_uid == 0) && !(st.st_mode & 022))
		return 0;
	fail(EPERM, "state directory %s: owner %u, mode %04o: others could make sequence numbers repeat",
	     state->dir, st.st_uid, st.st_mode & 07777);
	hint("chown root %s; chmod 700 %s", state->dir, state->dir);
	return -EPERM;
}

/* 0, -ENOENT without a message where there is no directory, or -errno after a message. */
static int state_open(struct state *state, const char *dir, const char *fingerprint, const char *suffix)
{
	int err;

	state->dir = dir;
	snprintf(state->file, sizeof(state->file), "%s.%s", fingerprint, suffix);
	state->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (state->fd < 0)
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	err = check_directory(state);
	if (err)
		return err;
	if (flock(state->fd, LOCK_EX))
		return fail(errno, "state directory %s: lock: %s", dir, strerror(errno));
	return 0;
}

static int state_open_create(struct state *state, const char *dir, const char *fingerprint,
			     const char *suffix)
{
	int err;

	err = state_open(state, dir, fingerprint, suffix);
	if (err != -ENOENT)
		return err;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	err = state_open(state, dir, fingerprint, suffix);
	/* A link that leads nowhere, or removed again. */
	if (err == -ENOENT)
		return fail(ENOENT, "state directory %s: %s", dir, strerror(ENOENT));
	return err;
}

static int print_line(const struct state *state, __u64 number, char line[LINE_MAX_LENGTH])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	int i, n;

	n = snprintf(line, LINE_MAX_LENGTH, FORMAT, state->file, (uint64_t)number);
	if (!EVP_Digest(line, n, digest, NULL, EVP_sha256(), NULL))
		return fail(EIO, "state file %s/%s: libcrypto has no SHA-256", state->dir, state->file);
	line[n++] = ' ';
	for (i = 0; i < 8; i++)
		n += sprintf(line + n, "%02x", digest[i]);
	strcpy(line + n, "\n");
	return 0;
}

static int corrupted(const struct state *state)
{
	fail(EBADMSG, "state file %s/%s: corrupted: it no longer says which sequence numbers were used",
	     state->dir, state->file);
	hint("restore it from before the damage only if the key was not used since; else make a new key");
	return -EBADMSG;
}

/* 0, -ENOENT without a message where there is no file, or -errno after a message. */
static int state_read(const struct state *state, __u64 *number)
{
	char line[LINE_MAX_LENGTH], expected[LINE_MAX_LENGTH], file[FILE_NAME_MAX];
	_cleanup_close_ int fd = -1;
	uint64_t found;
	ssize_t n;
	int err;

	fd = openat(state->fd, state->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n < 0)
		return fail(errno, "state file %s/%s: %s", state->dir, state->file, strerror(errno));
	line[n] = '\0';
	if (sscanf(line, "xdpsec-state 1 %63s %" SCNu64, file, &found) != 2)
		return corrupted(state);
	err = print_line(state, found, expected);
	if (err)
		return err;
	/* The file's own name is a part of it. */
	if (strcmp(line, expected) || (size_t)n != strlen(expected))
		return corrupted(state);
	*number = found;
	return 0;
}

static int write_file(const struct state *state, const char *name, const char *line)
{
	_cleanup_close_ int fd = -1;
	size_t length = strlen(line);
	ssize_t n;

	/* Left behind by a run that was killed; nobody else is here while the directory is locked. */
	if (unlinkat(state->fd, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(state->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, line, length);
	if (n < 0)
		return -errno;
	if ((size_t)n != length)
		return -ENOSPC;
	if (fsync(fd))
		return -errno;
	return close(take_fd(&fd)) ? -errno : 0;
}

/* On return 0 the number is on the disk, under its name. */
static int state_write(const struct state *state, __u64 number)
{
	char line[LINE_MAX_LENGTH], temporary[FILE_NAME_MAX + 8];
	int err;

	err = print_line(state, number, line);
	if (err)
		return err;
	snprintf(temporary, sizeof(temporary), ".%s.tmp", state->file);
	err = write_file(state, temporary, line);
	if (!err && renameat(state->fd, temporary, state->fd, state->file))
		err = -errno;
	if (err) {
		unlinkat(state->fd, temporary, 0);
		return fail(-err, "state file %s/%s: %s", state->dir, state->file, strerror(-err));
	}
	/* The name is not safe before the directory is. */
	if (fsync(state->fd))
		return fail(errno, "state directory %s: %s", state->dir, strerror(errno));
	return 0;
}

static int missing(const struct state *state, const char *peer)
{
	fail(ENOENT,
	     "peer %s: TxKeyFile: state file %s/%s: %s: it is not known which sequence numbers this key "
	     "has used",
	     peer, state->dir, state->file, strerror(ENOENT));
	hint("--new-key if the key has never been used before, on any host; else a new key (xdpsec genkey)");
	return -ENOENT;
}

int state_reserve(const char *dir, const char *fingerprint, bool is_new, const char *peer, __u64 *first,
		  __u64 *limit)
{
	_cleanup_state_ struct state state = { .fd = -1 };
	__u64 next = 0, end;
	int err;

	err = state_open_create(&state, dir, fingerprint, "tx");
	if (err)
		return err;
	err = state_read(&state, &next);
	if (err == -ENOENT && !is_new)
		return missing(&state, peer);
	/* A key that has state is not new, whatever the caller says: it goes on behind what was used. */
	if (err && err != -ENOENT)
		return err;
	if (next >= XDPSEC_SEQUENCE_LIMIT) {
		fail(ERANGE, "peer %s: TxKeyFile: every sequence number of this key is used", peer);
		hint("a new key for both sites: xdpsec genkey");
		return -ERANGE;
	}
	end = XDPSEC_SEQUENCE_LIMIT - next > STATE_RANGE ? next + STATE_RANGE : XDPSEC_SEQUENCE_LIMIT;
	err = state_write(&state, end);
	if (err)
		return err;
	*first = next;
	*limit = end;
	return 0;
}

int state_return(const char *dir, const char *fingerprint, __u64 next, __u64 limit)
{
	_cleanup_state_ struct state state = { .fd = -1 };
	__u64 reserved;
	int err;

	err = state_open_create(&state, dir, fingerprint, "tx");
	if (err)
		return err;
	err = state_read(&state, &reserved);
	/* Somebody removed it while the SA was in use: what the SA has used is known better here. */
	if (err == -ENOENT)
		return state_write(&state, next < limit ? next : limit);
	if (err)
		return err;
	if (reserved != limit || next >= limit)
		return 0;
	return state_write(&state, next);
}

int state_load_received(const char *dir, const char *fingerprint, __u64 *next)
{
	_cleanup_state_ struct state state = { .fd = -1 };
	__u64 found;
	int err;

	err = state_open(&state, dir, fingerprint, "rx");
	if (!err)
		err = state_read(&state, &found);
	if (err && err != -ENOENT)
		return err;
	*next = err ? 0 : found;
	return 0;
}

int state_save_received(const char *dir, const char *fingerprint, __u64 next)
{
	_cleanup_state_ struct state state = { .fd = -1 };
	__u64 found = 0;
	int err;

	err = state_open_create(&state, dir, fingerprint, "rx");
	if (err)
		return err;
	err = state_read(&state, &found);
	if (err && err != -ENOENT)
		return err;
	/* An older instance that ends later must not open the window again. */
	if (!err && found >= next)
		return 0;
	return state_write(&state, next);
}
