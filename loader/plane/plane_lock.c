// SPDX-License-Identifier: GPL-2.0-or-later
/* The lock of the tree of pins, which one `up`, `down` or `reload` holds at a time. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/owner.h"
#include "plane/plane.h"
#include "plane/plane_inside.h"

int plane_check_root(void)
{
	int err = owner_check_bpffs();

	if (!err)
		err = owner_check_pins(PLANE_ROOT);
	return err;
}

/* A user who may read the directory may lock it. */
static int open_root(int *fd)
{
	struct stat status;
	int err;

	if (mkdir(PLANE_ROOT, 0700) < 0 && errno != EEXIST)
		return fail(errno, "%s: cannot create it: %s", PLANE_ROOT, strerror(errno));
	err = plane_check_root();
	if (err)
		return err;
	*fd = open(PLANE_ROOT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (*fd < 0 || fstat(*fd, &status) || (status.st_mode & 077 && fchmod(*fd, status.st_mode & 0700)))
		return fail(errno, "%s: cannot lock it: %s", PLANE_ROOT, strerror(errno));
	return 0;
}

int plane_lock(int *fd)
{
	struct stat locked, current;
	int err;

	/* libxdp locks its own directory. */
	err = owner_check_libxdp(BPFFS "/xdp");
	if (err && err != -ENOENT)
		return err;
	for (;;) {
		err = open_root(fd);
		if (err == -ENOENT)
			continue;
		if (!err)
			err = lock_wait(*fd, PLANE_ROOT);
		if (!err && fstat(*fd, &locked))
			err = fail(errno, "%s: cannot lock it: %s", PLANE_ROOT, strerror(errno));
		if (err) {
			plane_unlock(fd);
			return err;
		}
		/* The previous holder of the lock may have removed the directory. */
		if (stat(PLANE_ROOT, &current) == 0 && current.st_ino == locked.st_ino)
			return 0;
		cleanup_close(fd);
		*fd = -1;
	}
}

void plane_unlock(int *fd)
{
	if (*fd < 0)
		return;
	/* Fails unless the directory is empty. */
	rmdir(PLANE_ROOT);
	close(*fd);
	*fd = -1;
}

bool plane_busy(void)
{
	_cleanup_close_ int fd = open(PLANE_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}
