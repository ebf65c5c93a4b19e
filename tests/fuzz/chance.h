/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chance that can be repeated: everything that a fuzzer does by chance follows from one number. */
#ifndef XDPSEC_FUZZ_CHANCE_H
#define XDPSEC_FUZZ_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void chance_seed(uint64_t seed);
/* 64 bits. */
uint64_t chance(void);
/* From 0 to n - 1; n is not 0. */
uint32_t below(uint32_t n);
bool one_in(uint32_t n);

#define one_of(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

#endif
