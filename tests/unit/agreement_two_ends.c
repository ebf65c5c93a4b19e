// SPDX-License-Identifier: GPL-2.0-or-later
/* Two ends of the key agreement, a and b, each the only peer of the other. */
#include "agreement_two_ends.h"

struct end a, b;
uint64_t now;

void two_ends(const struct agreement_settings *of_a, const struct agreement_settings *of_b,
	      const struct agreement_peer_settings *peer_of_a,
	      const struct agreement_peer_settings *peer_of_b)
{
	now = 1000 * NS_PER_SECOND;
	end_init(&a, 1, 1, of_a, &now);
	end_init(&b, 2, 1, of_b, &now);
	assert_int_equal(end_add(&a, 0, &b, peer_of_a), 0);
	assert_int_equal(end_add(&b, 0, &a, peer_of_b), 0);
}

int two_ends_end(void **state)
{
	(void)state;
	end_release(&a);
	end_release(&b);
	return 0;
}

void settle(void)
{
	end_settle(&a, &b);
}

void ask(struct end *end)
{
	agreement_wanted(end->agreement, 0, now);
}

void pass(uint64_t ns)
{
	now += ns;
	agreement_tick(a.agreement, now);
	agreement_tick(b.agreement, now);
}

void assert_agreed(void)
{
	assert_true(end_opens(&a, 0, &b, 0));
	assert_true(end_opens(&b, 0, &a, 0));
}

void assert_nothing_agreed(void)
{
	assert_null(plane_seals(&a.plane, 0));
	assert_null(plane_seals(&b.plane, 0));
}
