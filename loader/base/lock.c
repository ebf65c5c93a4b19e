// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting for a lock, and naming the process that holds it. */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/message.h"

#define TURN_NS 50000000L
/* An `up` with many peers takes this long. */
#define PATIENCE_TURNS 100

int lock_holder(int fd, bool exactly)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/locks", "re");
	unsigned int major, minor;
	struct stat status;
	unsigned long inode;
	char line[256];
	int pid;

	if (!file || fstat(fd, &status))
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) == 4 &&
		    inode == status.st_ino && pid > 0 && (!exactly || makedev(major, minor) == status.st_dev))
			return pid;
	return 0;
}

static void print_holder(int fd, const char *path)
{
	int pid = lock_holder(fd, false);

	if (!pid) {
		warning("%s: waiting for another command, which has locked it", path);
		return;
	}
	warning("%s: waiting for process %d, which has locked it", path, pid);
	hint("ps -fp %d", pid);
}

int lock_wait(int fd, const char *path)
{
	const struct timespec turn = { .tv_nsec = TURN_NS };

	for (int turns = 0; flock(fd, LOCK_EX | LOCK_NB); turns++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(errno, "%s: cannot lock it: %s", path, strerror(errno));
		if (turns == PATIENCE_TURNS)
			print_holder(fd, path);
		nanosleep(&turn, NULL);
	}
	return 0;
}
