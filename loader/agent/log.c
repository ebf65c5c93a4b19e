// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing the agent's log, at most so many lines a second. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "agent/log.h"

/* After a quiet time the lines of so many peers that ask at once are all written. */
#define LINES_BURST 200
#define LINES_PER_SECOND 5

static const char *logged_instance = "";
static bool uses_syslog;

static struct {
	unsigned int tokens, withheld;
	time_t filled;
} bucket = { .tokens = LINES_BURST };

void log_start(const char *instance)
{
	logged_instance = instance;
}

void log_prepare_syslog(void)
{
	tzset();
	openlog("xdpsec", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_use_syslog(void)
{
	uses_syslog = true;
}

static void write_line(int priority, const char *text)
{
	if (uses_syslog)
		syslog(priority, "%s: %s", logged_instance, text);
	else
		fprintf(stderr, "xdpsec: %s: %s%s\n", logged_instance,
			priority <= LOG_WARNING && priority > LOG_ERR ? "warning: " : "", text);
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
