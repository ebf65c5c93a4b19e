/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SAs of agreed peers have a deadline, and the agent learns of their use. An SA with manual keys has no deadline, and
 * pays for one look-up.
 *
 * Deadlines are CLOCK_BOOTTIME, so a machine that slept does not use keys for longer. That clock is read once a second for
 * a peer; for the packets in between, the coarse clock and the difference that was seen last will do.
 */
#ifndef XDPSEC_LIFETIME_BPF_H
#define XDPSEC_LIFETIME_BPF_H

#include "drop.bpf.h"
#include "maps.bpf.h"

#define LIFETIME_SECOND 1000000000ULL

/* Is a second over since *last? Then *now becomes exact. */
static __always_inline bool lifetime_is_due(struct xdpsec_activity *seen, u64 last, u64 *now)
{
	u64 coarse;

	if (*now - last < LIFETIME_SECOND)
		return false;
	coarse = bpf_ktime_get_coarse_ns();
	*now = bpf_ktime_get_boot_ns();
	seen->offset = *now - coarse;
	return true;
}

#endif
