// SPDX-License-Identifier: GPL-2.0-or-later
/* Counting the edges that the code under test has gone (-fsanitize-coverage=trace-pc). */
#include <stdint.h>
#include <string.h>

#include "coverage.h"

enum { WAYS = 1 << 16 };

static uint8_t now[WAYS], ever[WAYS];
static uintptr_t before;
static size_t reached;

/* At the start of each basic block of what is built with -fsanitize-coverage=trace-pc. Addresses are taken
 * from a fixed one, as the program is elsewhere in each run. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	uintptr_t here = (uintptr_t)__builtin_return_address(0) - (uintptr_t)&coverage_begin;
	uint8_t *way;

	here = here * 0x9e3779b1 >> 4;
	way = &now[(here ^ before >> 1) % WAYS];
	if (*way < UINT8_MAX)
		++*way;
	before = here;
}

void coverage_begin(void)
{
	memset(now, 0, sizeof(now));
	before = 0;
}

/* 1, 2, 3, 4-7, 8-15, ...: how often matters less and less. */
static uint8_t class_of(uint8_t count)
{
	return count < 4     ? 1 << (count - 1)
	       : count < 8   ? 8
	       : count < 16  ? 16
	       : count < 32  ? 32
	       : count < 128 ? 64
			     : 128;
}

bool coverage_end(void)
{
	bool is_new = false;

	for (size_t i = 0; i < WAYS; i++) {
		uint8_t class;

		if (!now[i])
			continue;
		class = class_of(now[i]);
		reached += !ever[i];
		is_new |= !(ever[i] & class);
		ever[i] |= class;
	}
	return is_new;
}

size_t coverage_reached(void)
{
	return reached;
}
