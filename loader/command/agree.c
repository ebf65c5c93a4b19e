// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec agree: run the agent of an instance, in the foreground for a supervisor, or in the background as `up` starts
 * it; xdpsec rekey: have it give up all keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "agent/agent.h"
#include "agent/agent_control.h"
#include "agent/log.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "plane/place.h"
#include "plane/plane.h"

/* The descriptors of an agent in the background until it is ready. */
struct detaching {
	int ready; /* the end of a pipe that the command waits at */
	int null;
};

/* The terminal, or whatever else the command was started with, is let go. */
static void detach_output(void *data)
{
	struct detaching *detaching = data;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(detaching->null, fd) < 0)
			_exit(AGENT_EXIT_FAILED);
	close(detaching->null);
	log_use_background();
	if (write(detaching->ready, "", 1) != 1)
		_exit(AGENT_EXIT_FAILED);
	close(detaching->ready);
}

__attribute__((noreturn)) static void run_detached(const char *name, struct detaching *detaching)
{
	setsid();
	if (chdir("/"))
		_exit(AGENT_EXIT_FAILED);
	if (log_prepare_background(name))
		_exit(AGENT_EXIT_FAILED);
	exit(agent_run(name, detach_output, detaching));
}

/* The exit code of the agent that did not become ready. */
static int wait_until_ready(pid_t child, int ready)
{
	char byte;
	int status;

	if (read(ready, &byte, 1) == 1)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) ?: AGENT_EXIT_FAILED;
	return fail(ECHILD, "the agent has ended by signal %d", WTERMSIG(status));
}

static int agree_in_background(const char *name)
{
	_cleanup_close_ int waiting = -1, ready = -1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct detaching detaching;
	int ends[2];
	pid_t child;

	if (null < 0 || pipe2(ends, O_CLOEXEC))
		return fail(errno, "the agent: %s", strerror(errno));
	waiting = ends[0];
	ready = ends[1];
	detaching = (struct detaching){ .ready = ready, .null = null };
	child = fork();
	if (child < 0)
		return fail(errno, "the agent: cannot fork: %s", strerror(errno));
	if (child == 0) {
		close(waiting);
		run_detached(name, &detaching);
	}
	close(take_fd(&ready));
	return wait_until_ready(child, waiting);
}

/* Descriptors that the caller has left open are none of the agent's. */
static int close_inherited(void)
{
	return close_range(STDERR_FILENO + 1, ~0U, 0) ? fail(errno, "the agent: %s", strerror(errno)) : 0;
}

static int check_agent_place(const struct options *options)
{
	int err = kernel_check_privileges();

	return err ?: bpffs_check(options);
}

int command_agree(const struct options *options)
{
	int err = close_inherited();

	if (!err)
		err = check_agent_place(options);
	if (err)
		return err;
	/* The name of the process is that of its program's path, which is /proc/self/exe when `up` starts it. */
	prctl(PR_SET_NAME, "xdpsec-agent", 0, 0, 0);
	bpf_log_start();
	if (options->background)
		return agree_in_background(options->argument);
	return agent_run(options->argument, NULL, NULL);
}

int command_rekey(const struct options *options)
{
	_cleanup_plane_ struct plane plane;
	int err = check_agent_place(options);

	plane_init(&plane);
	if (!err)
		err = plane_open(&plane, options->argument, false);
	return err ?: agent_renew(&plane);
}
