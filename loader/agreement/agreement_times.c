// SPDX-License-Identifier: GPL-2.0-or-later
/* The times of the key agreement: those of the protocol, and shorter ones for tests. */
#include "agreement/agreement_times.h"

#define MS(n) ((n) * NS_PER_MS)
#define SECONDS(n) ((n) * NS_PER_SECOND)

const struct agreement_times agreement_times = {
	.rekey_after = { SECONDS(105), SECONDS(15) },
	.takeover = { SECONDS(150), SECONDS(10) },
	.retry = { { SECONDS(1), MS(333) },
		   { SECONDS(2), MS(333) },
		   { SECONDS(4), MS(333) },
		   { SECONDS(5), MS(333) },
		   { SECONDS(5), MS(333) } },
	.retry_fast = SECONDS(90),
	.retry_slow = { SECONDS(30), SECONDS(10) },
	.refused = { SECONDS(30), 0 },
	.out = SECONDS(6),
	.confirm = { MS(300), MS(600), MS(1200), MS(2400), MS(4800) },
	.confirm_failed = MS(9600),
	.pending = SECONDS(30),
	.grace = SECONDS(10),
	.erase = SECONDS(60),
	.rx_margin = SECONDS(30),
	.grace_period = SECONDS(1),
	.refusal = SECONDS(1),
	.dead_peer = { SECONDS(25), SECONDS(1) },
	.keepalive = SECONDS(10),
};

struct agreement_times agreement_times_short(uint64_t rekey_after, uint64_t grace)
{
	struct agreement_times times = agreement_times;

	times.rekey_after = (struct spread){ rekey_after, 0 };
	times.takeover = (struct spread){ rekey_after + rekey_after / 4, 0 };
	times.grace = grace;
	return times;
}
