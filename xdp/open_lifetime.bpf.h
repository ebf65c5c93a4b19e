/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening for agreed peers: whether an SA may still open, its first packet, and which SA of a peer is the newest. */
#ifndef XDPSEC_OPEN_LIFETIME_BPF_H
#define XDPSEC_OPEN_LIFETIME_BPF_H

#include "xdpsec/lifetime.bpf.h"

/* Is the deadline over, for a packet that is not authenticated yet? */
static __always_inline bool lifetime_is_over(u32 peer, u64 deadline, u64 coarse)
{
	struct xdpsec_activity *seen = bpf_map_lookup_elem(&activity, &peer);

	return !seen || coarse + seen->offset >= deadline;
}

/* The first packet that the SA has opened: the peer has the key, too. The flag is for an agent that missed the event. */
static __always_inline void lifetime_report_first(u32 slot, struct xdpsec_sa *sa)
{
	struct xdpsec_agreement *agreement = bpf_map_lookup_elem(&agreements, &slot);
	struct xdpsec_event event = {
		.peer = sa->peer,
		.kind = XDPSEC_EVENT_FIRST,
		.slot = slot,
		.spi = sa->spi,
		.id = sa->id,
	};

	if (!__sync_lock_test_and_set(&sa->event, 0))
		return;
	if (agreement)
		agreement->opened = 1;
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
}

/*
 * Is the SA newer than that which has shown last where the peer is? Generations are in the order of the peer's one life;
 * ids are in the order in which SAs were installed here.
 */
static __always_inline bool lifetime_is_newer(const struct xdpsec_activity *seen, u32 slot, u64 id)
{
	u32 other_slot = seen->newest_slot;
	const struct xdpsec_agreement *this = bpf_map_lookup_elem(&agreements, &slot),
				      *other = bpf_map_lookup_elem(&agreements, &other_slot);

	if (!this || !other)
		return false;
	/* It has been erased. */
	if (other->id != seen->newest)
		return true;
	if (other->peer_life != this->peer_life || other->generation == this->generation)
		return id > seen->newest;
	return this->generation > other->generation;
}

enum lifetime {
	LIFETIME_OVER,
	LIFETIME_OPENS,
	LIFETIME_OPENS_NEWEST, /* and there is no newer SA of the peer that has opened anything */
};

/* An agreed SA has opened a packet that is authentic and new. A call of its own, for its stack. */
static __noinline int lifetime_opens(u32 slot, u32 is_data, u64 coarse)
{
	struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &slot);
	u64 *deadline = bpf_map_lookup_elem(&deadlines, &slot), now;
	struct xdpsec_activity *seen;
	u32 peer;

	if (!sa || !deadline)
		return LIFETIME_OVER;
	peer = sa->peer;
	seen = bpf_map_lookup_elem(&activity, &peer);
	if (!seen)
		return LIFETIME_OVER;
	now = coarse + seen->offset;
	if (lifetime_is_due(seen, is_data ? seen->opened_data : seen->opened, &now) && now < *deadline) {
		seen->opened = now;
		if (is_data)
			seen->opened_data = now;
	}
	if (now >= *deadline)
		return LIFETIME_OVER;
	if (sa->event)
		lifetime_report_first(slot, sa);
	if (seen->newest != sa->id) {
		if (!lifetime_is_newer(seen, slot, sa->id))
			return LIFETIME_OPENS;
		seen->newest_slot = slot;
		seen->newest = sa->id;
	}
	return LIFETIME_OPENS_NEWEST;
}

#endif
