/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends of the key agreement, a and b, each the only peer of the other, and the time that a test moves for both. */
#ifndef XDPSEC_AGREEMENT_TWO_ENDS_H
#define XDPSEC_AGREEMENT_TWO_ENDS_H

#include "unit.h"

#include "agreement_end.h"

extern struct end a, b;
extern uint64_t now;

/* Settings of each end, and of the peer that it has; NULL: those of end_init() and end_add(). */
void two_ends(const struct agreement_settings *of_a, const struct agreement_settings *of_b,
	      const struct agreement_peer_settings *peer_of_a,
	      const struct agreement_peer_settings *peer_of_b);
/* The end of a test. */
int two_ends_end(void **state);

/* Deliver everything that is under way. */
void settle(void);
/* The end wants a key. */
void ask(struct end *end);
void pass(uint64_t ns);

/* Each end opens what the other seals. */
void assert_agreed(void);
void assert_nothing_agreed(void);

#endif
