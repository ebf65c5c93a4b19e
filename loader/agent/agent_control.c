// SPDX-License-Identifier: GPL-2.0-or-later
/* Starting an agent, and sending it a signal. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include "agent/agent_control.h"
#include "agent/agent_status.h"
#include "agent/instance_lock.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "plane/plane.h"
#include "plane/self.h"

#define RENEW_STEP_NS 10000000L
#define RENEW_STEPS 500

/* The agent prints its own messages to our standard error. */
int agent_spawn(const char *name)
{
	char *const arguments[] = { "xdpsec", "agree", "--background", (char *)name, NULL };
	pid_t child = fork();
	int status;

	if (child < 0)
		return fail(errno, "%s: cannot start its agent: %s", name, strerror(errno));
	if (child == 0) {
		execv("/proc/self/exe", arguments);
		fail(errno, "%s: cannot start its agent: %s", name, strerror(errno));
		_exit(1);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fail(errno, "%s: its agent: %s", name, strerror(errno));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static uint64_t count_renewals(const char *name)
{
	_cleanup_free_ struct agent_status *status = agent_status_read(name);

	return status ? status->renewals : 0;
}

static int wait_for_renewal(const char *name, uint64_t before)
{
	const struct timespec pause = { .tv_nsec = RENEW_STEP_NS };

	for (int i = 0; i < RENEW_STEPS; i++) {
		if (count_renewals(name) != before)
			return 0;
		nanosleep(&pause, NULL);
	}
	fail(ETIMEDOUT, "%s: its agent does not answer: the old keys may still be in use", name);
	hint("%s down %s", self(), name);
	return -ETIMEDOUT;
}

int agent_renew(const struct plane *plane)
{
	uint64_t before = count_renewals(plane->name);
	int err = instance_lock_signal(plane, SIGUSR1);

	if (err == -ESRCH) {
		fail(ESRCH, "%s: no agent is running that could agree on new keys", plane->name);
		hint("%s agree %s, or systemctl start xdpsec-agree@%s", self(), plane->name, plane->name);
	}
	return err ?: wait_for_renewal(plane->name, before);
}
