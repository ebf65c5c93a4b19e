// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing the agent's log, at most so many lines a second. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/agent_status.h"
#include "agent/log.h"
#include "base/cleanup.h"
#include "base/message.h"

/* After a quiet time the lines of so many peers that ask at once are all written. */
#define LINES_BURST 200
#define LINES_PER_SECOND 5

/* A file is begun anew beyond it: it is in memory. */
#define FILE_BYTES_MAX (1 << 20)

static const char *logged_instance = "";
static char log_file[PATH_MAX];
static int log_fd = -1;
static bool has_syslog, in_background;

static struct {
	unsigned int tokens, withheld;
	time_t filled;
} bucket = { .tokens = LINES_BURST };

void log_start(const char *instance)
{
	logged_instance = instance;
}

/* syslog(3) does not say whether anybody listens. */
static bool syslog_listens(void)
{
	static const int kinds[] = { SOCK_DGRAM, SOCK_STREAM };
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		_cleanup_close_ int fd = socket(AF_UNIX, kinds[i] | SOCK_CLOEXEC, 0);

		if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return true;
	}
	return false;
}

static void file_path(const char *instance, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, AGENT_RUN_DIR "/%s.log", instance);
}

static int open_log_file(const char *instance)
{
	int err = agent_status_make_directory();

	if (err)
		return err;
	file_path(instance, log_file);
	log_fd = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return log_fd < 0 ? fail(errno, "%s: cannot open the agent's log: %s", log_file, strerror(errno)) : 0;
}

int log_prepare_background(const char *instance)
{
	tzset();
	has_syslog = syslog_listens();
	if (!has_syslog)
		return open_log_file(instance);
	openlog("xdpsec", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	return 0;
}

void log_use_background(void)
{
	in_background = true;
}

const char *log_destination(void)
{
	return has_syslog ? "syslog" : log_fd >= 0 ? log_file : "standard error";
}

bool log_has_file(void)
{
	return log_fd >= 0;
}

void log_remove(const char *instance)
{
	char path[PATH_MAX];

	file_path(instance, path);
	unlink(path);
}

static void write_to_file(int priority, const char *text)
{
	const time_t now = time(NULL);
	char date[32] = "";
	struct stat status;
	struct tm parts;

	if (fstat(log_fd, &status) == 0 && status.st_size > FILE_BYTES_MAX && ftruncate(log_fd, 0) == 0)
		dprintf(log_fd, "begun anew, as it was full\n");
	if (gmtime_r(&now, &parts))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &parts);
	dprintf(log_fd, "%s xdpsec[%d]: %s: %s%s\n", date, (int)getpid(), logged_instance,
		priority == LOG_WARNING ? "warning: " : "", text);
}

static void write_line(int priority, const char *text)
{
	if (in_background && has_syslog)
		syslog(priority, "%s: %s", logged_instance, text);
	else if (in_background && log_fd >= 0)
		write_to_file(priority, text);
	else
		fprintf(stderr, "xdpsec: %s: %s%s\n", logged_instance,
			priority == LOG_WARNING ? "warning: " : "", text);
}

static bool may_write(void)
{
	struct timespec now;
	time_t passed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	passed = now.tv_sec - bucket.filled;
	if (passed > 0) {
		bucket.filled = now.tv_sec;
		bucket.tokens += passed < LINES_BURST ? (unsigned int)passed * LINES_PER_SECOND : LINES_BURST;
		if (bucket.tokens > LINES_BURST)
			bucket.tokens = LINES_BURST;
	}
	if (!bucket.tokens) {
		bucket.withheld++;
		return false;
	}
	bucket.tokens--;
	return true;
}

void log_line(int priority, const char *format, ...)
{
	char text[512], gap[64];
	va_list arguments;

	if (!may_write())
		return;
	if (bucket.withheld) {
		snprintf(gap, sizeof(gap), "%u lines were too many, and are not here", bucket.withheld);
		bucket.withheld = 0;
		write_line(LOG_WARNING, gap);
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	write_line(priority, text);
}
