// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking the agent's lock, and ending the agent that holds it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/instance_lock.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "base/message.h"
#include "plane/plane.h"

#define STEP_NS 10000000L
/* `status` holds the lock for a moment to see whether it is free. */
#define STEPS_OF_STATUS 20
#define STEPS_ASKED 300
#define STEPS_TERMINATED 200
#define STEPS_KILLED 200

static int open_pins(const struct plane *plane, int *fd)
{
	char path[sizeof(plane->directory) + 1];

	snprintf(path, sizeof(path), "%s", plane->directory);
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd < 0 ? fail(errno, "%s: cannot lock it: %s", path, strerror(errno)) : 0;
}

/* True once the lock is taken, after so many attempts at most. */
static bool try_steps(int fd, int steps)
{
	const struct timespec pause = { .tv_nsec = STEP_NS };

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (i >= steps)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

int instance_lock_take(const struct plane *plane, int *fd)
{
	_cleanup_close_ int opened = -1;
	int err = open_pins(plane, &opened);

	if (err)
		return err;
	if (!try_steps(opened, STEPS_OF_STATUS))
		return -EBUSY;
	*fd = take_fd(&opened);
	return 0;
}

bool instance_lock_held(const struct plane *plane, int *pid)
{
	_cleanup_close_ int fd = open(plane->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0)
		return false;
	if (pid)
		*pid = lock_holder(fd, true);
	return true;
}

/* A descriptor of the process that holds the lock. It still held it after the descriptor was made, so that the number
 * is not that of another process by now. -1: not visible here. */
static int open_holder(int fd)
{
	int pid = lock_holder(fd, true), process;

	if (!pid)
		return -1;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process >= 0 && lock_holder(fd, true) == pid)
		return process;
	if (process >= 0)
		close(process);
	return -1;
}

static void signal_holder(int process, int signal)
{
	if (process >= 0)
		syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
}

int instance_lock_signal(const struct plane *plane, int signal)
{
	_cleanup_close_ int fd = -1, process = -1;
	int err = open_pins(plane, &fd);

	if (err)
		return err;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return -ESRCH;
	process = open_holder(fd);
	if (process < 0)
		return -ESRCH;
	signal_holder(process, signal);
	return 0;
}

static int end_holder(const struct plane *plane, int fd)
{
	_cleanup_close_ int process = open_holder(fd);

	/* An agent looks once a second at what it is asked, and at once with this signal. */
	signal_holder(process, SIGUSR2);
	if (try_steps(fd, STEPS_ASKED))
		return 0;
	signal_holder(process, SIGTERM);
	if (try_steps(fd, STEPS_TERMINATED))
		return 0;
	warning("%s: its agent does not answer, and is killed", plane->name);
	signal_holder(process, SIGKILL);
	if (try_steps(fd, STEPS_KILLED))
		return 0;
	fail(EBUSY, "%s: its agent, process %d, cannot be ended", plane->name, lock_holder(fd, true));
	hint("`fuser -v %s` shows the process that holds the instance", plane->directory);
	return -EBUSY;
}

int instance_lock_from_agent(const struct plane *plane, __u8 ending, int *fd)
{
	_cleanup_close_ int opened = -1;
	/* If the pins are lost, so is the lock: an agent is asked, and ends within a second. */
	bool pinned = plane->directory[0] != '\0';
	struct instance instance;
	bool held;
	int err = pinned ? open_pins(plane, &opened) : 0;

	if (!err)
		err = plane_read_instance(plane, &instance);
	if (err)
		return err;
	/* Not by `ending`: a command that was killed leaves it behind, and then the lock is held by this process. */
	held = pinned && flock(opened, LOCK_EX | LOCK_NB);
	if (!pinned || held) {
		instance.ending = ending;
		err = plane_write_instance(plane, &instance);
	}
	if (!err && held)
		err = end_holder(plane, opened);
	if (!err)
		*fd = take_fd(&opened);
	return err;
}
