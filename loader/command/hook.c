// SPDX-License-Identifier: GPL-2.0-or-later
/* Running PostUp and PostDown, and the record of what is still to be run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent_status.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "base/message.h"
#include "command/hook.h"
#include "config/config.h"
#include "plane/self.h"

#define SHELL "/bin/sh"
/* The directories of Debian's root. */
#define SEARCH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* The last line: what is behind it is from a longer record before. */
#define END "end"

/* The record: lines of a word and the rest. It is locked as long as it is open. */
struct record {
	int fd;
	char path[PATH_MAX];
	char name[XDPSEC_NAME_LEN];
	char device[IF_NAMESIZE];
	ino_t netns;
	bool begun; /* some PostUp was run */
	struct hooks up, down;
};

static void close_record(struct record *record)
{
	cleanup_close(&record->fd);
	hooks_free(&record->up);
	hooks_free(&record->down);
}
#define _cleanup_record_ __attribute__((cleanup(close_record)))

static ino_t current_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

static void hook_path(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, AGENT_RUN_DIR "/%s.hooks", name);
}

/* Open the record and lock it, again if the last owner of the lock has removed it. */
static int open_locked(struct record *record, int flags)
{
	const char *within = getenv("XDPSEC_NAME");
	struct stat st;
	int err;

	if (within && strcmp(within, record->name) == 0)
		return fail(EDEADLK, "%s: this is one of its own PostUp or PostDown", record->name);
	for (;;) {
		record->fd = open(record->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
		if (record->fd < 0)
			return errno == ENOENT ? -ENOENT
					       : fail(errno, "%s: %s", record->path, strerror(errno));
		err = lock_wait(record->fd, record->path);
		if (!err && fstat(record->fd, &st))
			err = fail(errno, "%s: %s", record->path, strerror(errno));
		if (!err && st.st_nlink && (st.st_uid != 0 || st.st_mode & 022 || !S_ISREG(st.st_mode)))
			err = fail(EPERM, "%s: others can write to it: its commands are not run",
				   record->path);
		if (err || st.st_nlink)
			return err;
		cleanup_close(&record->fd);
	}
}

static int take_record_line(struct record *record, char *line)
{
	const struct config_line where = { record->path, 0, NULL };
	char *rest = strchr(line, ' ');

	if (rest)
		*rest++ = '\0';
	if (!strcmp(line, "begun"))
		record->begun = true;
	else if (rest && !strcmp(line, "device"))
		snprintf(record->device, sizeof(record->device), "%s", rest);
	else if (rest && !strcmp(line, "netns"))
		record->netns = strtoul(rest, NULL, 10);
	else if (rest && !strcmp(line, "up"))
		return hooks_add(&record->up, &where, rest);
	else if (rest && !strcmp(line, "down"))
		return hooks_add(&record->down, &where, rest);
	return 0;
}

/* -ENOENT without a message: there is none. */
static int open_hook_record(struct record *record, const char *name)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int err;

	*record = (struct record){ .fd = -1 };
	snprintf(record->name, sizeof(record->name), "%s", name);
	hook_path(name, record->path);
	err = open_locked(record, 0);
	if (err)
		return err;
	file = fdopen(dup(record->fd), "r");
	if (!file)
		return fail(errno, "%s: %s", record->path, strerror(errno));
	while (!err && (n = getline(&line, &size, file)) > 0) {
		line[n - 1] = '\0';
		if (!strcmp(line, END))
			break;
		err = take_record_line(record, line);
	}
	return err;
}

/* One write, so that a signal comes before it or after it. */
static int write_record(const struct record *record)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	ssize_t written;

	if (!file)
		return fail(errno, "%s: %s", record->path, strerror(errno));
	fprintf(file, "netns %lu\ndevice %s\n%s", (unsigned long)record->netns, record->device,
		record->begun ? "begun\n" : "");
	for (size_t i = 0; i < record->up.n; i++)
		fprintf(file, "up %s\n", record->up.commands[i]);
	for (size_t i = 0; i < record->down.n; i++)
		fprintf(file, "down %s\n", record->down.commands[i]);
	fprintf(file, END "\n");
	if (fclose(file))
		return fail(errno, "%s: %s", record->path, strerror(errno));
	written = pwrite(record->fd, text, size, 0);
	if (written != (ssize_t)size)
		return fail(written < 0 ? errno : ENOSPC, "%s: %s", record->path,
			    strerror(written < 0 ? errno : ENOSPC));
	return 0;
}

static void remove_first(struct hooks *hooks)
{
	free(hooks->commands[0]);
	memmove(hooks->commands, hooks->commands + 1, --hooks->n * sizeof(*hooks->commands));
}

static int copy_hooks(struct hooks *to, const struct hooks *from, const char *path)
{
	const struct config_line where = { path, 0, NULL };
	int err = 0;

	for (size_t i = 0; !err && i < from->n; i++)
		err = hooks_add(to, &where, from->commands[i]);
	return err;
}

void hook_forget(const char *name)
{
	char path[PATH_MAX];

	hook_path(name, path);
	unlink(path);
}

/* The device of the commands: in tunnel mode that of the tunnel. */
static void name_device(struct record *record, const struct config *config)
{
	snprintf(record->device, sizeof(record->device), "%s",
		 config->mode == MODE_TUNNEL ? config->tunnel.name : config->device);
}

int hook_record(const struct config *config)
{
	_cleanup_record_ struct record record = { .fd = -1, .netns = current_netns() };
	int err;

	if (!config->post_up.n && !config->post_down.n)
		return 0;
	hook_path(config->name, record.path);
	snprintf(record.name, sizeof(record.name), "%s", config->name);
	name_device(&record, config);
	err = agent_status_make_directory();
	if (!err)
		err = open_locked(&record, O_CREAT);
	if (!err)
		err = copy_hooks(&record.up, &config->post_up, record.path);
	if (!err)
		err = copy_hooks(&record.down, &config->post_down, record.path);
	if (!err)
		err = write_record(&record);
	if (err)
		hook_forget(config->name);
	return err;
}

int hook_renew(const struct config *config)
{
	_cleanup_record_ struct record record;
	int err = open_hook_record(&record, config->name);

	if (err == -ENOENT && !config->post_down.n)
		return 0;
	if (err == -ENOENT) {
		err = hook_record(config);
		if (!err)
			err = open_hook_record(&record, config->name);
		/* PostUp is for `up`. */
		hooks_free(&record.up);
	}
	if (err)
		return err;
	hooks_free(&record.down);
	/* The device may have another name than when it was recorded. */
	name_device(&record, config);
	err = copy_hooks(&record.down, &config->post_down, record.path);
	record.begun = true;
	return err ?: write_record(&record);
}

bool hook_recorded(const char *name)
{
	char path[PATH_MAX];

	hook_path(name, path);
	return access(path, F_OK) == 0;
}

bool hook_unfinished(const char *name)
{
	_cleanup_record_ struct record record;

	return open_hook_record(&record, name) == 0 && record.up.n;
}

/* As in wg-quick: %i is the device. */
static int expand_command(const char *command, const char *device, char **text)
{
	size_t size = 0;
	FILE *file = open_memstream(text, &size);

	if (!file)
		return -ENOMEM;
	for (; *command; command++) {
		if (strncmp(command, "%i", 2) == 0) {
			fputs(device, file);
			command++;
		} else {
			fputc(*command, file);
		}
	}
	return fclose(file) ? -ENOMEM : 0;
}

/* A signal that is ignored stays so over exec: systemd ignores SIGPIPE, nohup SIGHUP. */
static void reset_signals(void)
{
	for (int number = 1; number <= SIGRTMAX; number++)
		signal(number, SIG_DFL);
}

/* Nothing of this process goes on: no descriptor, no signal that is blocked or ignored, and nothing of its environment. */
__attribute__((noreturn)) static void exec_command(const struct record *record, char *command)
{
	char name[XDPSEC_NAME_LEN + 32], device[IF_NAMESIZE + 32];
	char *const arguments[] = { SHELL, "-c", command, NULL };
	char *const environment[] = { SEARCH, "HOME=/", "LC_ALL=C.UTF-8", name, device, NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	snprintf(name, sizeof(name), "XDPSEC_NAME=%s", record->name);
	snprintf(device, sizeof(device), "XDPSEC_DEVICE=%s", record->device);
	sigemptyset(&none);
	reset_signals();
	/* The commands' output is not this command's. */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) || chdir("/") || sigprocmask(SIG_SETMASK, &none, NULL))
		_exit(127);
	execve(SHELL, arguments, environment);
	_exit(127);
}

static int wait_for_command(pid_t child, int *status)
{
	while (waitpid(child, status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int run_hook(const struct record *record, const char *key, const char *command)
{
	_cleanup_free_ char *text = NULL;
	int err = expand_command(command, record->device, &text), status = 0;
	pid_t child;

	if (err)
		return fail(ENOMEM, "out of memory");
	fflush(stdout);
	child = fork();
	if (child == 0)
		exec_command(record, text);
	err = child < 0 ? -errno : wait_for_command(child, &status);
	if (err)
		return fail(-err, "%s: %s: %s: %s", record->name, key, text, strerror(-err));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return fail(ECHILD, "%s: %s: %s: exit status %d", record->name, key, text,
			    WEXITSTATUS(status));
	return fail(ECHILD, "%s: %s: %s: ended by signal %d", record->name, key, text, WTERMSIG(status));
}

int hook_run_up(const char *name)
{
	_cleanup_record_ struct record record;
	int err = open_hook_record(&record, name);

	if (err)
		return err == -ENOENT ? 0 : err;
	record.begun = true;
	err = write_record(&record);
	while (!err && record.up.n) {
		err = run_hook(&record, "PostUp", record.up.commands[0]);
		if (err)
			break;
		remove_first(&record.up);
		err = write_record(&record);
	}
	return err;
}

static int check_netns(const struct record *record)
{
	if (!record->netns || record->netns == current_netns())
		return 0;
	fail(EINVAL, "%s: its PostDown belongs to another network namespace, and is not run here",
	     record->name);
	hint("xdpsec -n NETNS down %s; or remove %s", record->name, record->path);
	return -EINVAL;
}

int hook_run_down(const char *name)
{
	_cleanup_record_ struct record record;
	int err = open_hook_record(&record, name), step;

	if (err)
		return err == -ENOENT ? 0 : err;
	if (record.begun || !record.up.n)
		err = check_netns(&record);
	else
		hooks_free(&record.down);
	if (err)
		return err;
	while (record.down.n) {
		step = run_hook(&record, "PostDown", record.down.commands[0]);
		err = err ?: step;
		remove_first(&record.down);
		if (write_record(&record))
			break;
	}
	unlink(record.path);
	return err;
}
