/* SPDX-License-Identifier: GPL-2.0-only */
/* Sealing for agreed peers: asking for a key, and whether an SA may still seal. */
#ifndef XDPSEC_SEAL_LIFETIME_BPF_H
#define XDPSEC_SEAL_LIFETIME_BPF_H

#include "xdpsec/lifetime.bpf.h"

/* Have the agent agree on a key with this peer. At most one event a second. A call of its own: it is rare. */
static __noinline int lifetime_want(u32 peer)
{
	struct xdpsec_event event = { .peer = peer, .kind = XDPSEC_EVENT_WANTED };
	struct xdpsec_agreed *agreed_peer = bpf_map_lookup_elem(&agreed, &peer);
	struct xdpsec_activity *seen = bpf_map_lookup_elem(&activity, &peer);
	u64 now = bpf_ktime_get_boot_ns(), last;

	if (!agreed_peer || !seen || !agreed_peer->key_hash)
		return 0;
	last = seen->wanted;
	if (last && now - last < LIFETIME_SECOND)
		return 0;
	/* One of several CPUs says it. */
	if (__sync_val_compare_and_swap(&seen->wanted, last, now) == last)
		bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}

/* May an SA with this deadline seal now, by the coarse clock? Notes that it does. A call of its own, for its stack. */
static __noinline int lifetime_seals(u32 peer, u64 deadline, u32 is_data, u64 coarse)
{
	struct xdpsec_activity *seen = bpf_map_lookup_elem(&activity, &peer);
	u64 now;

	if (!seen)
		return false;
	now = coarse + seen->offset;
	if (lifetime_is_due(seen, is_data ? seen->sealed : seen->sealed_any, &now) && now < deadline) {
		seen->sealed_any = now;
		if (is_data)
			seen->sealed = now;
	}
	return now < deadline;
}

#endif
