// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading preshared keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <openssl/crypto.h>

#include "agent/psk.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "config/key_file.h"

/* Pauses before the file is read again: its writer truncates it first. */
static const long psk_pauses_ms[] = { 0, 20, 100 };

/*
 * A file that was damaged so recently is read without pauses: no writer takes longer. Otherwise the agent would do nothing
 * but pause while somebody sends handshakes or forged answers.
 */
#define PSK_PATIENCE_NS 1000000000ULL

/* The time for which the last key is used although the file gives none. */
#define PSK_KEPT_NS 5000000000ULL

int psk_open(struct psk *psk, const char *path, const char *peer)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if ((size_t)snprintf(psk->name, sizeof(psk->name), "%s", slash ? slash + 1 : path) >=
	    sizeof(psk->name))
		return fail(ENAMETOOLONG, "%s: PresharedKeyFile: %s: %s", peer, path, strerror(ENAMETOOLONG));
	psk->file = -1;
	psk->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (psk->directory < 0)
		return fail(errno, "%s: PresharedKeyFile: %s: %s", peer, directory, strerror(errno));
	psk->file = openat(psk->directory, psk->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return 0;
}

/* Its own descriptor, or if the agent's user may not open it that of root: unless the file was replaced since. */
static int open_again(const struct psk *psk, int *own)
{
	struct stat status;

	*own = openat(psk->directory, psk->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*own >= 0)
		return *own;
	if (errno != EACCES || psk->file < 0)
		return -errno;
	return fstat(psk->file, &status) || !status.st_nlink ? -EACCES : psk->file;
}

static int read_file(const struct psk *psk, unsigned char key[KEY32_BYTES])
{
	char text[KEY_FILE_MAX + 1];
	_cleanup_close_ int own = -1;
	struct stat status;
	ssize_t n;
	int fd = open_again(psk, &own), err = -EBADMSG;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_mode & 027)
		return -EPERM;
	n = pread(fd, text, sizeof(text), 0);
	if (n > 0 && n <= KEY_FILE_MAX && key32_parse(text, (size_t)n, key) == 0 && !key32_is_zero(key))
		err = 0;
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

static void take(struct psk *psk, const unsigned char key[KEY32_BYTES], __u64 now)
{
	if (psk->has_now && CRYPTO_memcmp(psk->now, key, KEY32_BYTES) != 0) {
		memcpy(psk->before, psk->now, KEY32_BYTES);
		psk->has_before = true;
		psk->changed = now;
	}
	memcpy(psk->now, key, KEY32_BYTES);
	psk->has_now = true;
	psk->read = now;
}

int psk_read(struct psk *psk, __u64 now)
{
	unsigned char key[KEY32_BYTES];
	bool pauses = !psk->failed || now - psk->failed >= PSK_PATIENCE_NS;
	int err = -EBADMSG;

	if (psk->directory < 0)
		return psk->has_now ? 0 : -ENOENT;
	for (size_t i = 0; err == -EBADMSG && i < (pauses ? ARRAY_SIZE(psk_pauses_ms) : 1); i++) {
		const struct timespec pause = { .tv_nsec = psk_pauses_ms[i] * 1000000L };

		if (pause.tv_nsec)
			nanosleep(&pause, NULL);
		err = read_file(psk, key);
	}
	if (pauses)
		psk->failed = err == -EBADMSG ? now : 0;
	if (!err)
		take(psk, key, now);
	else if (psk->has_now && now - psk->read < PSK_KEPT_NS)
		err = 0;
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

bool psk_has_before(const struct psk *psk, __u64 now)
{
	return psk->has_before && now - psk->changed < PSK_BEFORE_NS;
}
