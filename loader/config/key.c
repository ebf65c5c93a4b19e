// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading key files, wiping keys, and making fingerprints. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/owner.h"
#include "config/key.h"

#define FINGERPRINT_LABEL "xdpsec key fingerprint 1"

/* Size limit of a key file: the longest key in hex, with some white space behind it. */
#define FILE_MAX (2 * KEY_MAX + 64)

static void wipe_text(char (*text)[FILE_MAX + 1])
{
	explicit_bzero(text, sizeof(*text));
}

void key_wipe(struct key *key)
{
	explicit_bzero(key, sizeof(*key));
}

static int check_file(int fd, const char *path, const char *what)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(errno, "%s: %s: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(EINVAL, "%s: %s: not a regular file", what, path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		fail(EPERM, "%s: %s: owned by user %u, who could read or replace the key", what, path,
		     st.st_uid);
		hint("chown root %s, and make a new key if somebody may have read it", path);
		return -EPERM;
	}
	if (st.st_mode & 077) {
		fail(EPERM, "%s: %s: permissions %04o are too open", what, path, st.st_mode & 07777);
		hint("chmod 600 %s, and make a new key if somebody may have read it", path);
		return -EPERM;
	}
	return 0;
}

/* A user who may write to the directory can replace the key file by another one of the right owner and
 * mode: an old key, or that of the other direction. */
static int check_key_directory(const char *file, const char *path, const char *what)
{
	_cleanup_free_ char *copy = strdup(file);
	const char *directory = copy ? dirname(copy) : NULL;
	struct stat st;

	if (!directory || stat(directory, &st))
		return fail(errno, "%s: %s: directory: %s", what, path, strerror(errno));
	if (!owner_exposed(&st))
		return 0;
	fail(EPERM, "%s: %s: directory %s, owner %u, permissions %04o: others could replace the key", what,
	     path, directory, st.st_uid, st.st_mode & 07777);
	if (st.st_mode & 022)
		hint("chmod go-w %s, and make new keys if somebody may have replaced them", directory);
	else
		hint("keep keys in /etc/xdpsec, owner root, permissions 0700");
	return -EPERM;
}

/* Check the directory of the path, and that of the file to which symbolic links lead. */
static int check_directories(int fd, const char *path, const char *what)
{
	char link[64], file[PATH_MAX];
	ssize_t n;
	int err = check_key_directory(path, path, what);

	if (err)
		return err;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, file, sizeof(file) - 1);
	if (n < 0)
		return fail(errno, "%s: %s: %s", what, path, strerror(errno));
	file[n] = '\0';
	return check_key_directory(file, path, what);
}

/* No stdio: its buffers would keep a copy of the key. */
static ssize_t read_text(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size) {
		n = read(fd, text + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += n;
	}
	return used;
}

/*
 * The value of a hexadecimal digit; for other characters a number with bits above 0xf set. No branch and no
 * table depends on the digit, as in wireguard-tools' encoding.c: caches and branch predictors are shared with
 * other processes.
 */
static unsigned int digit_value(unsigned char digit)
{
	unsigned int letter = (digit & ~0x20U) - 'A', number = digit - '0';
	unsigned int is_letter = -(unsigned int)((letter - 6) >> 31 & 1U & ~(letter >> 31));
	unsigned int is_number = -(unsigned int)((number - 10) >> 31 & 1U & ~(number >> 31));

	return (is_letter & (letter + 10)) | (is_number & number) | (~(is_letter | is_number) & 0x100);
}

static bool all_digits(const char *text, size_t n)
{
	unsigned int bad = 0;
	size_t i;

	for (i = 0; i < n; i++)
		bad |= digit_value(text[i]) >> 4;
	return !bad;
}

static void decode(struct key *key, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		key->bytes[i] = digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]);
	key->length = length;
}

static int parse(struct key *key, const char *text, size_t n, size_t length, const char *path,
		 const char *what)
{
	while (n && memchr(" \t\r\n", text[n - 1], 4))
		n--;
	if (n == 0) {
		fail(EINVAL, "%s: %s: the file is empty", what, path);
		hint("copy it from the other site, or make it and copy it there: xdpsec genkey --bits %zu",
		     length * 8);
		return -EINVAL;
	}
	if (!all_digits(text, n)) {
		fail(EINVAL, "%s: %s: expected one line of hexadecimal digits", what, path);
		hint("copy it from the other site, or make it and copy it there: xdpsec genkey --bits %zu",
		     length * 8);
		return -EINVAL;
	}
	if (n != 2 * length) {
		fail(EINVAL, "%s: %s: the key has %zu bits, the cipher needs %zu", what, path, n * 4,
		     length * 8);
		hint("`xdpsec genkey --bits %zu` makes a key of this length, for both sites; or change "
		     "Cipher at both",
		     length * 8);
		return -EINVAL;
	}
	decode(key, text, length);
	return 0;
}

int key_read(struct key *key, const char *path, size_t length, const char *what)
{
	char text[FILE_MAX + 1] __attribute__((cleanup(wipe_text)));
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int err;

	/* O_NONBLOCK: a FIFO is refused below, not waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err = errno;
		fail(err, "%s: %s: %s", what, path, strerror(err));
		if (err == ENOENT)
			hint("copy it from the other site, or make it and copy it there: (umask 077; xdpsec "
			     "genkey --bits %zu >%s)",
			     length * 8, path);
		return -err;
	}
	err = check_file(fd, path, what);
	if (!err)
		err = check_directories(fd, path, what);
	if (err)
		return err;
	n = read_text(fd, text, sizeof(text));
	if (n < 0)
		return fail(-n, "%s: %s: %s", what, path, strerror(-n));
	if (n > FILE_MAX)
		return fail(EINVAL, "%s: %s: too long for a key", what, path);
	return parse(key, text, n, length, path, what);
}

int key_fingerprint(const struct key *key, char fingerprint[FINGERPRINT_HEX])
{
	unsigned char input[sizeof(FINGERPRINT_LABEL) - 1 + KEY_MAX], digest[EVP_MAX_MD_SIZE];
	size_t label = sizeof(FINGERPRINT_LABEL) - 1;
	int i, ok;

	memcpy(input, FINGERPRINT_LABEL, label);
	memcpy(input + label, key->bytes, key->length);
	ok = EVP_Digest(input, label + key->length, digest, NULL, EVP_sha256(), NULL);
	explicit_bzero(input, sizeof(input));
	if (!ok)
		return fail(EIO, "fingerprint of a key: libcrypto has no SHA-256");
	for (i = 0; i < (FINGERPRINT_HEX - 1) / 2; i++)
		sprintf(fingerprint + 2 * i, "%02x", digest[i]);
	return 0;
}
