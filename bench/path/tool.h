/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mistakes of the caller and of the machine, in the small programs that measure and make traffic. */
#ifndef XDPSEC_BENCH_TOOL_H
#define XDPSEC_BENCH_TOOL_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* errno says why. */
__attribute__((noreturn)) static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(2);
}

/* An argument that is a positive number. */
static inline uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || !value) {
		fprintf(stderr, "%s: '%s' is not a positive number\n", program_invocation_short_name, text);
		exit(2);
	}
	return value;
}

#endif
