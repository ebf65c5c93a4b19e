/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a fuzzer goes on, and from which seed, by its environment:
 *
 *	FUZZ_PACKETS=N, FUZZ_FILES=N   so many packets, or files
 *	FUZZ_SECONDS=N                 so long
 *	SEED=N                         repeat a run; 0x... is hexadecimal
 *
 * Without any of these it is a short run, always the same one.
 */
#ifndef XDPSEC_FUZZ_LIMITS_H
#define XDPSEC_FUZZ_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct limits {
	uint64_t seed;
	uint64_t count;	  /* 0: no limit */
	uint64_t seconds; /* 0: no limit */
	double started;
};

/* variable: FUZZ_PACKETS or FUZZ_FILES. A value that is no number ends the process. */
struct limits limits_read(const char *variable, uint64_t short_run);
bool limits_reached(const struct limits *limits, uint64_t done);
double limits_elapsed(const struct limits *limits);

#endif
