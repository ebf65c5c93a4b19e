// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The owners of state files. Who may write to one can make a number come back. So can who may rename the directory:
 * while an older one lies elsewhere, newer numbers are written to a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/owner.h"
#include "plane/state_owner.h"

/* The directory that contains path, where its name can be changed. */
static int check_above(const char *dir, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *above = copy ? dirname(copy) : NULL;
	struct stat st;

	if (!above || stat(above, &st))
		return fail(errno, "state directory %s: the directory that has it: %s", dir, strerror(errno));
	if (!owner_exposed(&st))
		return 0;
	fail(EPERM,
	     "state directory %s: directory %s, owner %u, permissions %04o: others could make sequence "
	     "numbers repeat",
	     dir, above, st.st_uid, st.st_mode & 07777);
	hint("chown root %s; chmod go-w %s; or let /var/lib/xdpsec have the state, without --state-dir; make "
	     "new keys if somebody may have changed it",
	     above, above);
	return -EPERM;
}

/* The place of the directory's name, and if that is a symbolic link also where it leads. */
static int check_location(const char *dir)
{
	_cleanup_free_ char *target = NULL;
	struct stat st;
	int err = check_above(dir, dir);

	if (err)
		return err;
	if (lstat(dir, &st))
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	if (!S_ISLNK(st.st_mode))
		return 0;
	/* In a sticky directory its owner can replace it. */
	if (owner_is_foreign(&st)) {
		fail(EPERM,
		     "state directory %s: symbolic link, owner %u: others could make sequence numbers repeat",
		     dir, st.st_uid);
		hint("rm %s", dir);
		return -EPERM;
	}
	target = realpath(dir, NULL);
	if (!target)
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	return check_above(dir, target);
}

int state_check_directory(const char *dir, int fd, const char *tag)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(errno, "state directory %s: %s", dir, strerror(errno));
	if (!owner_others_write(&st))
		return check_location(dir);
	fail(EPERM,
	     "state directory %s: owner %u, permissions %04o: others could make sequence numbers repeat", dir,
	     st.st_uid, st.st_mode & 07777);
	/* A directory of somebody else, such as /tmp, is not changed. */
	if (faccessat(fd, tag, F_OK, 0) == 0)
		hint("chown root %s; chmod 700 %s; make new keys if somebody may have changed it", dir, dir);
	else
		hint("a new directory gets the right permissions: --state-dir %s/xdpsec", dir);
	return -EPERM;
}

int state_check_file(const char *dir, const char *file, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(errno, "state file %s/%s: %s", dir, file, strerror(errno));
	if (!owner_others_write(&st))
		return 0;
	fail(EPERM, "state file %s/%s: owner %u, permissions %04o: others could make sequence numbers repeat",
	     dir, file, st.st_uid, st.st_mode & 07777);
	hint("make new keys for both sites (xdpsec genkey --manual) if somebody may have changed it; else "
	     "chown root %s/%s; chmod 600 %s/%s",
	     dir, file, dir, file);
	return -EPERM;
}
