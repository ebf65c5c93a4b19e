/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequence numbers: those to try, and those that were used or accepted. All of it is of one round. */
#ifndef XDPSEC_FUZZ_NUMBERS_H
#define XDPSEC_FUZZ_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBERS_SLOTS = 16 };

void numbers_reset(void);
/* For a packet that comes in: mostly the next one, at times one that may have been seen, or is far away. */
uint64_t numbers_try(int slot);
/* Was this number sealed with after all others? */
bool numbers_rise(int slot, uint64_t number);
/* The highest so far. */
uint64_t numbers_sealed(int slot);
/* Is this number accepted for the first time? */
bool numbers_accept(int slot, uint64_t number);

#endif
