/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways through the code: steps from one basic block to another, and about how often each was gone. */
#ifndef XDPSEC_FUZZ_COVERAGE_H
#define XDPSEC_FUZZ_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>

void coverage_begin(void);
/* Was there a way that none of the runs before had? */
bool coverage_end(void);
/* How many there were so far. */
size_t coverage_reached(void);

#endif
