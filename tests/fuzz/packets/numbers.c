// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeping the sequence numbers of a round. */
#include <assert.h>
#include <string.h>

#include "fuzz/chance.h"
#include "fuzz.h"
#include "numbers.h"

enum { SET = 1 << 15, WINDOW = 8128, RARE = 2 * FUZZ_ROUND };

static uint64_t newest[NUMBERS_SLOTS], sealed[NUMBERS_SLOTS];

/* Accepted sequence numbers, each plus one: 0 is an empty slot. */
static uint64_t accepted[NUMBERS_SLOTS][SET];

_Static_assert((int)SET >= 2 * (int)FUZZ_ROUND, "there is room for all packets of a round");

void numbers_reset(void)
{
	memset(sealed, 0, sizeof(sealed));
	memset(accepted, 0, sizeof(accepted));
	for (int slot = 0; slot < NUMBERS_SLOTS; slot++)
		newest[slot] = 1;
}

uint64_t numbers_try(int slot)
{
	uint64_t number = newest[slot];

	/* The end of all numbers: what comes after is too old. */
	if (one_in(RARE))
		return UINT64_MAX - below(WINDOW + 1000);
	switch (below(8)) {
	case 0:
		number -= below(number < WINDOW + 1000 ? number : WINDOW + 1000);
		break;
	case 1:
		number += below(20);
		break;
	case 2:
		number += one_in(3) ? below(WINDOW + 1000) : below(300);
		break;
	default:
		number++;
	}
	if (number > newest[slot])
		newest[slot] = number;
	return number;
}

bool numbers_rise(int slot, uint64_t number)
{
	if (run.again)
		return true;
	if (number <= sealed[slot])
		return false;
	sealed[slot] = number;
	return true;
}

uint64_t numbers_sealed(int slot)
{
	return sealed[slot];
}

bool numbers_accept(int slot, uint64_t number)
{
	uint64_t *set = accepted[slot];
	uint32_t at = (number * 0x9e3779b97f4a7c15) >> 49;

	if (run.again)
		return true;
	for (; set[at % SET]; at++)
		if (set[at % SET] == number + 1)
			return false;
	set[at % SET] = number + 1;
	return true;
}
