/* SPDX-License-Identifier: GPL-2.0-only */
/* The one exit for packets that are dropped, and the counters. */
#ifndef XDPSEC_DROP_BPF_H
#define XDPSEC_DROP_BPF_H

#include "maps.bpf.h"

/* The result of a step without a reason to drop the packet. Any other result is the reason. */
#define DROP_NONE XDPSEC_DROP_COUNT

/* The decision about a packet. The entry points translate it for their hook. */
enum verdict {
	VERDICT_PASS,	  /* not ours, or finished */
	VERDICT_DROP,	  /* counted */
	VERDICT_REDIRECT, /* bpf_redirect() has been called */
};

/* The verdict as XDP says it. */
static __always_inline int xdp_action(int verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return XDP_PASS;
	case VERDICT_REDIRECT:
		return XDP_REDIRECT;
	default:
		return XDP_DROP;
	}
}

static __always_inline struct xdpsec_counters *counters_of(u32 slot)
{
	u32 index = XDPSEC_COUNTERS(slot);

	return bpf_map_lookup_elem(&sa_counters, &index);
}

/* Count a drop under its reason, and for the SA if that is known (else XDPSEC_NO_SA). A call, not inlined:
 * there are a dozen callers, none on the fast path. */
static __noinline int drop(u32 reason, u32 sa)
{
	struct xdpsec_counters *counters;
	u32 index = reason; /* stays in a register and keeps its bound; reason lies on the stack */
	u64 *count;

	barrier_var(index);
	if (index >= XDPSEC_DROP_COUNT)
		return VERDICT_DROP;
	count = bpf_map_lookup_elem(&drops, &reason);
	if (count)
		*count += 1;
	counters = counters_of(sa);
	if (counters)
		counters->drops[index] += 1;
	return VERDICT_DROP;
}

/* now: the coarse clock */
static __always_inline void count_packet(u32 sa, u32 bytes, u64 now)
{
	struct xdpsec_counters *counters = counters_of(sa);

	if (!counters)
		return;
	counters->packets += 1;
	counters->bytes += bytes;
	counters->last_seen = now;
}

#endif
