// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the limits of a fuzzer from its environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fuzz/limits.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Empty is as good as not set. */
static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	char *end;
	uint64_t number;

	if (!text || !*text)
		return otherwise;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || *end || *text == '-') {
		fprintf(stderr, "%s: '%s' is not a number\n", variable, text);
		exit(2);
	}
	return number;
}

struct limits limits_read(const char *variable, uint64_t short_run)
{
	struct limits limits = {
		.seed = number_of("SEED", 1),
		.seconds = number_of("FUZZ_SECONDS", 0),
		.started = now(),
	};

	limits.count = number_of(variable, limits.seconds ? 0 : short_run);
	return limits;
}

double limits_elapsed(const struct limits *limits)
{
	return now() - limits->started;
}

bool limits_reached(const struct limits *limits, uint64_t done)
{
	return (limits->count && done >= limits->count) ||
	       (limits->seconds && limits_elapsed(limits) >= limits->seconds);
}
