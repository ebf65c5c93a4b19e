// SPDX-License-Identifier: GPL-2.0-or-later
/* The generator of random numbers of the fuzzers. */
#include "fuzz/chance.h"

static uint64_t state;

void chance_seed(uint64_t seed)
{
	state = seed;
}

/* SplitMix64 (Steele, Lea, Flood 2014): seeds that follow one another give numbers that have nothing in
 * common. */
uint64_t chance(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t below(uint32_t n)
{
	return (chance() >> 32) * n >> 32;
}

bool one_in(uint32_t n)
{
	return below(n) == 0;
}
