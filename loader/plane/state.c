// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State files. Each is one line:
 *
 *	xdpsec-state 2 FINGERPRINT.tx 281474976710656 1764000000.123456789 0123456789ab 0123456789abcdef
 *
 * - 2 is the version of this format.
 * - The number is the first unused one (.tx), or one more than the highest accepted (.rx).
 * - The next two words say where the file belongs: the time of its own birth, and a digest of the machine's
 *   UUID; "-" if there is none. Nobody can set a file's birth. So a copy, for example from a backup, contains
 *   another birth than its own.
 * - The last word is the first 64 bits of SHA-256 over the rest. It detects errors of disks and editors, and
 *   copies under another key's name.
 *
 * A file is written as a whole, or not at all. Version 1 had no birth and no machine. Such a file is read,
 * and replaced at the next write.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/machine.h"
#include "base/message.h"
#include "plane/state.h"
#include "plane/state_owner.h"
#include "xdpsec/wire.h"

#define LINE_MAX_LENGTH 192
#define FILE_NAME_MAX 64
#define LOCK_FILE ".lock"
/* The cache directory tagging standard. GNU tar, borg and restic support it (--exclude-caches). */
#define TAG_FILE "CACHEDIR.TAG"
#define TAG_TEXT                                                                                             \
	"Signature: 8a477f597d28d172789f06886806bc55\n"                                                      \
	"# Backup programs that support this tag skip the directory. An old copy of it would make\n"         \
	"# sequence numbers repeat under a key. After a restore make new keys: xdpsec(8).\n"

/* The file system and machine to which a file belongs; -1 and "-": unknown. */
struct origin {
	long long birth; /* seconds */
	unsigned int birth_ns;
	char machine[MACHINE_HEX];
};

/* The state directory, and one of its files. */
struct state {
	const char *dir, *peer;
	enum state_use use;
	int fd, lock;
	char file[FILE_NAME_MAX], opposite[FILE_NAME_MAX];
};

static void state_close(struct state *state)
{
	/* Closing releases the lock. */
	cleanup_close(&state->lock);
	cleanup_close(&state->fd);
}
#define _cleanup_state_ __attribute__((cleanup(state_close)))

/* Open the directory. 0, -ENOENT without a message if there is none, or -errno after a message. */
static int state_open(struct state *state, const char *dir, const char *fingerprint, enum state_use use)
{
	state->dir = dir;
	state->use = use;
	snprintf(state->file, sizeof(state->file), "%s.%s", fingerprint, use == STATE_TX ? "tx" : "rx");
	snprintf(state->opposite, sizeof(state->opposite), "%s.%s", fingerprint,
		 use == STATE_TX ? "rx" : "tx");
	state->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (state->fd < 0)
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	return state_check_directory(dir, state->fd, TAG_FILE);
}

/* Lock a file made for this. A user who may read the directory could lock that, and block every command. */
static int state_lock(struct state *state)
{
	state->lock = openat(state->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			     0600);
	if (state->lock < 0 || flock(state->lock, LOCK_EX))
		return fail(errno, "state directory %s: lock: %s", state->dir, strerror(errno));
	return 0;
}

static int state_open_create(struct state *state, const char *dir, const char *fingerprint,
			     enum state_use use)
{
	int err;

	err = state_open(state, dir, fingerprint, use);
	if (!err)
		return state_lock(state);
	if (err != -ENOENT)
		return err;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	err = state_open(state, dir, fingerprint, use);
	/* A dangling symbolic link, or the directory was removed again. */
	if (err == -ENOENT)
		return fail(ENOENT, "state directory %s: %s", dir, strerror(ENOENT));
	return err ?: state_lock(state);
}

static int print_line(const struct state *state, __u64 number, const struct origin *origin,
		      char line[LINE_MAX_LENGTH])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char birth[32] = "-";
	int i, n;

	if (origin && origin->birth >= 0)
		snprintf(birth, sizeof(birth), "%lld.%09u", origin->birth, origin->birth_ns);
	n = snprintf(line, LINE_MAX_LENGTH, "xdpsec-state %d %s %" PRIu64, origin ? 2 : 1, state->file,
		     (uint64_t)number);
	if (origin)
		n += snprintf(line + n, LINE_MAX_LENGTH - n, " %s %s", birth, origin->machine);
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
	fail(EBADMSG, "state file %s/%s: corrupted: the sequence numbers that were used are unknown",
	     state->dir, state->file);
	hint("make new keys for both sites (xdpsec genkey --manual), and use --new-key");
	return -EBADMSG;
}

static int find_origin(int fd, struct origin *origin)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status))
		return -errno;
	*origin = (struct origin){ .birth = -1 };
	if (status.stx_mask & STATX_BTIME) {
		origin->birth = status.stx_btime.tv_sec;
		origin->birth_ns = status.stx_btime.tv_nsec;
	}
	machine_digest(origin->machine);
	return 0;
}

/* Parse the origin in the file. Version 1 has none. */
static bool parse_origin(const char *birth, const char *machine, struct origin *origin)
{
	*origin = (struct origin){ .birth = -1 };
	snprintf(origin->machine, sizeof(origin->machine), "%s", machine);
	return strcmp(birth, "-") == 0 || sscanf(birth, "%lld.%9u", &origin->birth, &origin->birth_ns) == 2;
}

static int parse_line(const struct state *state, const char *line, size_t length, __u64 *number,
		      struct origin *said)
{
	char expected[LINE_MAX_LENGTH], file[FILE_NAME_MAX], birth[32], machine[MACHINE_HEX];
	int version, words, err;
	uint64_t found;

	words = sscanf(line, "xdpsec-state %d %63s %" SCNu64 " %31s %12s", &version, file, &found, birth,
		       machine);
	if (words < 3 || version < 1 || version > 2 || (version == 2 && words < 5))
		return corrupted(state);
	*said = (struct origin){ .birth = -1, .machine = "-" };
	if (version == 2 && !parse_origin(birth, machine, said))
		return corrupted(state);
	err = print_line(state, found, version == 2 ? said : NULL, expected);
	if (err)
		return err;
	/* The line contains the file's own name. */
	if (strcmp(line, expected) || length != strlen(expected))
		return corrupted(state);
	*number = found;
	return 0;
}

static bool known_to_differ(const char *one, const char *other)
{
	return strcmp(one, "-") != 0 && strcmp(other, "-") != 0 && strcmp(one, other) != 0;
}

/* Text for the error that a file is a copy. Numbers used after the copy was made are not in it. */
static const char *describe_copy(const struct origin *said, const struct origin *is)
{
	if (known_to_differ(said->machine, is->machine))
		return "was written by another host";
	if (said->birth < 0 || is->birth < 0)
		return NULL;
	return said->birth != is->birth || said->birth_ns != is->birth_ns ? "is a copy" : NULL;
}

/* Read the file. 0, -ENOENT without a message if there is none, or -errno after a message. *copy is the
 * reason why the file may be older than the numbers used, or NULL. */
static int state_read(const struct state *state, __u64 *number, const char **copy)
{
	_cleanup_close_ int fd = -1;
	struct origin said = { .birth = -1 }, is = { .birth = -1 };
	char line[LINE_MAX_LENGTH];
	ssize_t n;
	int err;

	*copy = NULL;
	fd = openat(state->fd, state->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n < 0 || find_origin(fd, &is))
		return fail(errno, "state file %s/%s: %s", state->dir, state->file, strerror(errno));
	line[n] = '\0';
	err = state_check_file(state->dir, state->file, fd);
	if (err)
		return err;
	err = parse_line(state, line, n, number, &said);
	if (!err)
		*copy = describe_copy(&said, &is);
	return err;
}

static int write_file(const struct state *state, const char *name, __u64 number)
{
	_cleanup_close_ int fd = -1;
	char line[LINE_MAX_LENGTH];
	struct origin origin;
	size_t length;
	ssize_t n;
	int err;

	/* Left by a run that was killed. Nobody else is here while the directory is locked. */
	if (unlinkat(state->fd, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(state->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = find_origin(fd, &origin);
	if (!err)
		err = print_line(state, number, &origin, line);
	if (err)
		return err;
	length = strlen(line);
	n = write(fd, line, length);
	if (n < 0)
		return -errno;
	if ((size_t)n != length)
		return -ENOSPC;
	if (fsync(fd))
		return -errno;
	return close(take_fd(&fd)) ? -errno : 0;
}

/* Mark the directory for backup programs, by the existing conventions. Failure is no error. Files inherit
 * the attribute. */
static void keep_from_backups(const struct state *state)
{
	_cleanup_close_ int fd = -1;
	int flags;

	if (faccessat(state->fd, TAG_FILE, F_OK, 0) == 0)
		return;
	if (ioctl(state->fd, FS_IOC_GETFLAGS, &flags) == 0 && !(flags & FS_NODUMP_FL)) {
		flags |= FS_NODUMP_FL;
		ioctl(state->fd, FS_IOC_SETFLAGS, &flags);
	}
	fd = openat(state->fd, TAG_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0 && dprintf(fd, TAG_TEXT) < 0)
		unlinkat(state->fd, TAG_FILE, 0);
}

/* Write the number. When this returns 0 it is on the disk, under its name. */
static int state_write(const struct state *state, __u64 number)
{
	char temporary[FILE_NAME_MAX + 8];
	int err;

	snprintf(temporary, sizeof(temporary), ".%s.tmp", state->file);
	err = write_file(state, temporary, number);
	if (!err && renameat(state->fd, temporary, state->fd, state->file))
		err = -errno;
	if (err) {
		unlinkat(state->fd, temporary, 0);
		return fail(-err, "state file %s/%s: %s", state->dir, state->file, strerror(-err));
	}
	keep_from_backups(state);
	/* The name is not safe until the directory is on the disk. */
	if (fsync(state->fd))
		return fail(errno, "state directory %s: %s", state->dir, strerror(errno));
	return 0;
}

static const char *state_setting_name(const struct state *state)
{
	return state->use == STATE_TX ? "TxKeyFile" : "RxKeyFile";
}

static int missing(const struct state *state)
{
	fail(ENOENT,
	     "peer %s: TxKeyFile: state file %s/%s: %s: the sequence numbers that this key has used are "
	     "unknown",
	     state->peer, state->dir, state->file, strerror(ENOENT));
	hint("use --new-key if the key was never used before, on any host; else make a new key (xdpsec "
	     "genkey --manual)");
	return -ENOENT;
}

/*
 * Check that the key was not used in the other direction. A site that seals with a key counts from 0, and
 * does not know the numbers that others have used. The other site has sealed with the Rx keys of this site,
 * and may not seal with its Tx keys.
 */
static int check_opposite(const struct state *state)
{
	struct stat status;

	if (fstatat(state->fd, state->opposite, &status, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		return fail(errno, "state file %s/%s: %s", state->dir, state->opposite, strerror(errno));
	}
	if (state->use == STATE_TX)
		fail(EKEYREJECTED,
		     "peer %s: TxKeyFile: this key was used for receiving (%s/%s): the other site has sealed "
		     "with it, so sequence numbers would repeat",
		     state->peer, state->dir, state->opposite);
	else
		fail(EKEYREJECTED,
		     "peer %s: RxKeyFile: this key was used for sealing (%s/%s): if the other site seals "
		     "with it, sequence numbers repeat",
		     state->peer, state->dir, state->opposite);
	hint("make new keys for both sites (xdpsec genkey --manual); if both sites are on this host, give "
	     "each a --state-dir");
	return -EKEYREJECTED;
}

static int check_copy(const struct state *state, const char *copy)
{
	if (!copy)
		return 0;
	fail(ESTALE,
	     "peer %s: %s: state file %s/%s %s, for example from a backup: the sequence numbers used since "
	     "then are unknown",
	     state->peer, state_setting_name(state), state->dir, state->file, copy);
	hint("make new keys for both sites (xdpsec genkey --manual); use --moved-state only if the directory "
	     "was moved here and is not used at the old place any more");
	return -ESTALE;
}

/* Check whether the key may be used. *number gets its number, 0 if it has none. 0, or -errno after a
 * message. */
static int inspect(const struct state *state, const struct state_claims *claims, __u64 *number, bool *exists)
{
	const char *copy;
	int err;

	*number = 0;
	*exists = false;
	err = check_opposite(state);
	if (err)
		return err;
	err = state_read(state, number, &copy);
	if (err == -ENOENT)
		return state->use == STATE_TX && !claims->new_key ? missing(state) : 0;
	*exists = true;
	/* A key with state is not new, whatever the caller says: its numbers continue after those used. */
	if (!err && !claims->moved)
		err = check_copy(state, copy);
	if (!err && state->use == STATE_TX && *number >= XDPSEC_SEQUENCE_LIMIT) {
		fail(ERANGE, "peer %s: TxKeyFile: every sequence number of this key is used", state->peer);
		hint("make a new key for both sites: xdpsec genkey --manual");
		return -ERANGE;
	}
	return err;
}

int state_check(const char *dir, const char *fingerprint, enum state_use use,
		const struct state_claims *claims, const char *peer)
{
	_cleanup_state_ struct state state = { .peer = peer, .fd = -1, .lock = -1 };
	__u64 number;
	bool exists;
	int err;

	err = state_open(&state, dir, fingerprint, use);
	if (err == -ENOENT)
		return use == STATE_TX && !claims->new_key ? missing(&state) : 0;
	return err ?: inspect(&state, claims, &number, &exists);
}

int state_reserve(const char *dir, const char *fingerprint, const struct state_claims *claims,
		  const char *peer, __u64 *first, __u64 *limit)
{
	_cleanup_state_ struct state state = { .peer = peer, .fd = -1, .lock = -1 };
	__u64 next, end;
	bool exists;
	int err;

	err = state_open_create(&state, dir, fingerprint, STATE_TX);
	if (!err)
		err = inspect(&state, claims, &next, &exists);
	if (err)
		return err;
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
	_cleanup_state_ struct state state = { .fd = -1, .lock = -1 };
	const char *copy;
	__u64 reserved;
	int err;

	err = state_open_create(&state, dir, fingerprint, STATE_TX);
	if (err)
		return err;
	err = state_read(&state, &reserved, &copy);
	/* The file was deleted while the SA was in use. Write a new one from the SA's own counter. */
	if (err == -ENOENT)
		return state_write(&state, next < limit ? next : limit);
	if (err)
		return err;
	/* A user who put a copy there must declare it. */
	if (copy)
		return fail(ESTALE, "state file %s/%s %s", dir, state.file, copy);
	if (reserved != limit || next >= limit)
		return 0;
	return state_write(&state, next);
}

int state_receive(const char *dir, const char *fingerprint, const struct state_claims *claims,
		  const char *peer, __u64 *next)
{
	_cleanup_state_ struct state state = { .peer = peer, .fd = -1, .lock = -1 };
	__u64 found;
	bool exists;
	int err;

	err = state_open_create(&state, dir, fingerprint, STATE_RX);
	if (!err)
		err = inspect(&state, claims, &found, &exists);
	/* Write it even if the number is unchanged: afterwards the moved file belongs here. */
	if (!err && (!exists || claims->moved))
		err = state_write(&state, found);
	if (!err)
		*next = found;
	return err;
}

int state_save_received(const char *dir, const char *fingerprint, __u64 next)
{
	_cleanup_state_ struct state state = { .fd = -1, .lock = -1 };
	const char *copy;
	__u64 found = 0;
	int err;

	err = state_open_create(&state, dir, fingerprint, STATE_RX);
	if (err)
		return err;
	err = state_read(&state, &found, &copy);
	if (err && err != -ENOENT)
		return err;
	/* An older instance that ends later must not move the window back. */
	if (!err && found >= next)
		return 0;
	return state_write(&state, next);
}
