// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sources of the text that the listener serves. It has no rights. So it serves a file, or it asks the collector: a process that
 * stays root, has no socket but the one to the listener, and reads one byte from it, the wish for a format.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "command/metrics_collect.h"
#include "command/metrics_listen.h"
#include "command/metrics_source.h"

#define FILE_SIZE_MAX (256 << 20)

struct collector_answer {
	int err;
	size_t length;
};

static int transfer(int fd, void *bytes, size_t n, bool sends)
{
	char *at = bytes;
	ssize_t done;

	while (n) {
		done = sends ? send(fd, at, n, MSG_NOSIGNAL) : recv(fd, at, n, MSG_WAITALL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EPIPE;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Until the listener ends. */
static void collect_on_demand(int fd, const char *name)
{
	struct collector_answer answer;
	char format, *text;
	int err = 0;

	while (!err && transfer(fd, &format, 1, false) == 0) {
		text = NULL;
		memset(&answer, 0, sizeof(answer));
		answer.err = metrics_collect(name, format ? EXPOSITION_PROMETHEUS : EXPOSITION_OPENMETRICS,
					     &text, &answer.length);
		if (answer.err)
			answer.length = 0;
		err = transfer(fd, &answer, sizeof(answer), true);
		if (!err && !answer.err)
			err = transfer(fd, text, answer.length, true);
		if (!answer.err)
			free(text);
	}
}

static int collector_ended(struct metrics_source *source, int err)
{
	source->ended = true;
	return fail(-err, "metrics: the process that reads the instances has ended");
}

static int ask_collector(struct metrics_source *source, enum exposition_format wanted, char **text,
			 size_t *length, const char **type)
{
	char format = wanted == EXPOSITION_PROMETHEUS;
	struct collector_answer answer = {};
	int err = transfer(source->collector, &format, 1, true);

	if (!err)
		err = transfer(source->collector, &answer, sizeof(answer), false);
	if (err)
		return collector_ended(source, err);
	if (answer.err)
		return answer.err;
	*text = malloc(answer.length + 1);
	if (!*text)
		return fail(ENOMEM, "out of memory");
	err = transfer(source->collector, *text, answer.length, false);
	if (err) {
		free(*text);
		return collector_ended(source, err);
	}
	*length = answer.length;
	*type = format ? EXPOSITION_TYPE_PROMETHEUS : EXPOSITION_TYPE_OPENMETRICS;
	return 0;
}

static int check_served(const char *path, int fd, struct stat *file)
{
	if (fd < 0 || fstat(fd, file))
		return fail(errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(file->st_mode))
		return fail(EINVAL, "%s: not a regular file", path);
	if (file->st_size > FILE_SIZE_MAX)
		return fail(EFBIG, "%s: too large for metrics", path);
	if (time(NULL) - file->st_mtime > METRICS_FILE_AGE_MAX) {
		fail(ESTALE, "%s: %lld s old, and not served: nobody writes it any more", path,
		     (long long)(time(NULL) - file->st_mtime));
		hint("systemctl status xdpsec-metrics.timer");
		return -ESTALE;
	}
	return 0;
}

/* The end tells which format it is in. */
static const char *file_type(const char *text, size_t length)
{
	static const char end[] = "# EOF\n";
	size_t n = sizeof(end) - 1;

	return length >= n && memcmp(text + length - n, end, n) == 0 ? EXPOSITION_TYPE_OPENMETRICS
								     : EXPOSITION_TYPE_PROMETHEUS;
}

static int read_served(struct metrics_source *source, enum exposition_format wanted, char **text,
		       size_t *length, const char **type)
{
	_cleanup_close_ int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat file = {};
	ssize_t n;
	int err = check_served(source->path, fd, &file);

	(void)wanted;
	if (err)
		return err;
	*text = malloc((size_t)file.st_size + 1);
	if (!*text)
		return fail(ENOMEM, "out of memory");
	n = read(fd, *text, (size_t)file.st_size);
	if (n < 0) {
		err = fail(errno, "%s: %s", source->path, strerror(errno));
		free(*text);
		return err;
	}
	*length = (size_t)n;
	*type = file_type(*text, *length);
	return 0;
}

int metrics_serve_file(const char *where, const char *path)
{
	struct metrics_source source = { .read = read_served, .path = path, .collector = -1 };

	return metrics_listen(where, &source);
}

int metrics_serve_instances(const char *where, const char *name)
{
	struct metrics_source source = { .read = ask_collector };
	int ends[2], err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return fail(errno, "metrics: no pair of sockets: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		return fail(errno, "metrics: no process to read the instances: %s", strerror(errno));
	if (pid == 0) {
		close(ends[0]);
		collect_on_demand(ends[1], name);
		_exit(0);
	}
	close(ends[1]);
	source.collector = ends[0];
	err = metrics_listen(where, &source);
	close(ends[0]);
	return err;
}
