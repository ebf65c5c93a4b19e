// SPDX-License-Identifier: GPL-2.0-or-later
/* Time that only moves on, for deadlines. */
#include <time.h>

#include "base/monotonic.h"

long long monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
