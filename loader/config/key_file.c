// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading files that hold a key, and refusing those that others can read or replace. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/owner.h"
#include "config/key_file.h"

/* A key file that is open. */
struct key_file {
	int fd;
	const char *path, *what;
	bool is_preshared;
	struct stat st;
};

void key_file_wipe(char (*text)[KEY_FILE_MAX])
{
	explicit_bzero(text, sizeof(*text));
}

static int refuse_mode(const struct key_file *file)
{
	fail(EPERM, "%s: %s: permissions %04o are too open", file->what, file->path,
	     file->st.st_mode & 07777);
	hint("chmod 600 %s, and make a new key if somebody may have read it", file->path);
	return -EPERM;
}

static int check_group(const struct key_file *file)
{
	const struct group *group = getgrnam(KEY_FILE_GROUP);

	if (group && file->st.st_gid == group->gr_gid)
		return 0;
	fail(EPERM, "%s: %s: permissions %04o: group %u can read it, which is not the group " KEY_FILE_GROUP,
	     file->what, file->path, file->st.st_mode & 07777, file->st.st_gid);
	hint(group ? "chgrp " KEY_FILE_GROUP " %s" : "chmod 600 %s", file->path);
	return -EPERM;
}

/* The owner of a preshared key may be another user: the program that writes it (Rosenpass). */
static int check_file(const struct key_file *file)
{
	const struct stat *st = &file->st;

	if (!S_ISREG(st->st_mode))
		return fail(EINVAL, "%s: %s: not a regular file", file->what, file->path);
	if (st->st_uid != geteuid() && st->st_uid != 0 && !file->is_preshared) {
		fail(EPERM, "%s: %s: owned by user %u, who could read or replace the key", file->what,
		     file->path, st->st_uid);
		hint("chown root %s, and make a new key if somebody may have read it", file->path);
		return -EPERM;
	}
	if (st->st_mode & (file->is_preshared ? 037 : 077))
		return refuse_mode(file);
	return st->st_mode & 040 ? check_group(file) : 0;
}

/* The owner of a preshared key may own its directory as well. */
static bool is_exposed(const struct key_file *file, const struct stat *directory)
{
	if (file->is_preshared && directory->st_uid == file->st.st_uid)
		return directory->st_mode & 022;
	return owner_exposed(directory);
}

/* A user who may write to the directory can replace the key file by another one of the right owner and
 * mode: an old key, or that of the other direction. */
static int check_key_directory(const struct key_file *file, const char *target)
{
	_cleanup_free_ char *copy = strdup(target);
	const char *directory = copy ? dirname(copy) : NULL;
	struct stat st;

	if (!directory || stat(directory, &st))
		return fail(errno, "%s: %s: directory: %s", file->what, file->path, strerror(errno));
	if (!is_exposed(file, &st))
		return 0;
	fail(EPERM, "%s: %s: directory %s, owner %u, permissions %04o: others could replace the key",
	     file->what, file->path, directory, st.st_uid, st.st_mode & 07777);
	if (st.st_mode & 022)
		hint("chmod go-w %s, and make new keys if somebody may have replaced them", directory);
	else
		hint("keep keys in /etc/xdpsec, owner root, permissions 0700");
	return -EPERM;
}

/* Check the directory of the path, and that of the file to which symbolic links lead. */
static int check_directories(const struct key_file *file)
{
	char link[64], target[PATH_MAX];
	ssize_t n;
	int err = check_key_directory(file, file->path);

	if (err)
		return err;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return fail(errno, "%s: %s: %s", file->what, file->path, strerror(errno));
	target[n] = '\0';
	return check_key_directory(file, target);
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

static int open_file(struct key_file *file)
{
	int err;

	/* O_NONBLOCK: a FIFO is refused below, not waited for. */
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0 || fstat(file->fd, &file->st))
		return fail(errno, "%s: %s: %s", file->what, file->path, strerror(errno));
	err = check_file(file);
	return err ?: check_directories(file);
}

/* what and path, or only what. */
static int read_key_text(int fd, const char *what, const char *path, char text[KEY_FILE_MAX], size_t *n)
{
	char whole[KEY_FILE_MAX + 1];
	ssize_t got = read_text(fd, whole, sizeof(whole));

	if (got < 0)
		return fail(-got, "%s: %s%s%s", what, path, *path ? ": " : "", strerror(-got));
	if (got <= KEY_FILE_MAX)
		memcpy(text, whole, got);
	explicit_bzero(whole, sizeof(whole));
	if (got > KEY_FILE_MAX)
		return fail(EINVAL, "%s: %s%stoo long for a key", what, path, *path ? ": " : "");
	while (got && memchr(" \t\r\n", text[got - 1], 4))
		got--;
	*n = got;
	return 0;
}

int key_file_read(const char *path, const char *what, bool is_preshared, char text[KEY_FILE_MAX], size_t *n)
{
	struct key_file file = { .fd = -1, .path = path, .what = what, .is_preshared = is_preshared };
	int err = open_file(&file);

	if (!err)
		err = read_key_text(file.fd, what, path, text, n);
	cleanup_close(&file.fd);
	return err;
}

int key_file_read_input(char text[KEY_FILE_MAX], size_t *n)
{
	return read_key_text(STDIN_FILENO, "standard input", "", text, n);
}

int key_file_check_private(const char *path, const char *what)
{
	struct key_file file = { .fd = -1, .path = path, .what = what };
	int err = open_file(&file);

	cleanup_close(&file.fd);
	return err;
}
