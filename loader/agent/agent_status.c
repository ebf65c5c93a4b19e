// SPDX-License-Identifier: GPL-2.0-or-later
/* Making, writing and reading the agent's status file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/agent_status.h"
#include "base/cleanup.h"
#include "base/message.h"

/* A reader that always finds it being written reads what there is. */
#define STATUS_ATTEMPTS 100

static void status_path(const char *instance, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, AGENT_RUN_DIR "/%s.agent", instance);
}

int agent_status_make_directory(void)
{
	if (mkdir(AGENT_RUN_DIR, 0755) && errno != EEXIST)
		return fail(errno, AGENT_RUN_DIR ": cannot create it: %s", strerror(errno));
	return 0;
}

/* A new file each time: the mapping of an agent that still runs is left alone. */
struct agent_status *agent_status_create(const char *instance)
{
	_cleanup_close_ int fd = -1;
	struct agent_status *status;
	char path[PATH_MAX];

	status_path(instance, path);
	if (agent_status_make_directory())
		return NULL;
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*status))) {
		fail(errno, "%s: cannot create it: %s", path, strerror(errno));
		return NULL;
	}
	status = mmap(NULL, sizeof(*status), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (status == MAP_FAILED) {
		fail(errno, "%s: cannot map it: %s", path, strerror(errno));
		return NULL;
	}
	status->size = sizeof(*status);
	return status;
}

void agent_status_begin(struct agent_status *status)
{
	status->changing++;
	atomic_thread_fence(memory_order_seq_cst);
}

void agent_status_end(struct agent_status *status)
{
	atomic_thread_fence(memory_order_seq_cst);
	status->changing++;
}

static struct agent_status *map_status(const char *instance)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	struct agent_status *mapped;
	struct stat found;

	status_path(instance, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &found) || found.st_size != sizeof(*mapped))
		return NULL;
	mapped = mmap(NULL, sizeof(*mapped), PROT_READ, MAP_SHARED, fd, 0);
	return mapped == MAP_FAILED ? NULL : mapped;
}

struct agent_status *agent_status_read(const char *instance)
{
	struct agent_status *mapped = map_status(instance), *copy;
	uint32_t before, after;

	if (!mapped)
		return NULL;
	copy = malloc(sizeof(*copy));
	for (int i = 0; copy && i < STATUS_ATTEMPTS; i++) {
		before = *(volatile uint32_t *)&mapped->changing;
		atomic_thread_fence(memory_order_seq_cst);
		memcpy(copy, mapped, sizeof(*copy));
		atomic_thread_fence(memory_order_seq_cst);
		after = *(volatile uint32_t *)&mapped->changing;
		if (before == after && !(before & 1))
			break;
	}
	munmap(mapped, sizeof(*mapped));
	if (copy && copy->size != sizeof(*copy)) {
		free(copy);
		return NULL;
	}
	return copy;
}

void agent_status_remove(const char *instance)
{
	char path[PATH_MAX];

	status_path(instance, path);
	unlink(path);
}
