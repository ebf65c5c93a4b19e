// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine is a copy: it was restored from a snapshot with its memory, or cloned while it ran. Its sequence numbers are
 * those of that time, and may have been used since, under the same keys. Hypervisors tell by vmgenid, and the kernel
 * seeds its random numbers anew; there all sealing stops. Agreed peers get new keys at once; manual ones at `reload`
 * numbers that were not reserved before.
 */
#include "plane/sa_abi.h"
#include "xdpsec/maps.bpf.h"

char _license[] SEC("license") = "GPL";

static __always_inline void stop(u32 index)
{
	struct xdpsec_peer *peer = bpf_map_lookup_elem(&peers, &index);
	struct xdpsec_agreement *agreement;
	struct xdpsec_sequence *sequence;
	u32 slot;

	if (!peer)
		return;
	slot = peer->tx_sa;
	sequence = bpf_map_lookup_elem(&sequences, &slot);
	agreement = bpf_map_lookup_elem(&agreements, &slot);
	if (!sequence || !agreement)
		return;
	sequence->limit = 0;
	/* Only an agent looks for such a slot. */
	if (__sync_val_compare_and_swap(&agreement->stage, XDPSEC_STAGE_LINKED, XDPSEC_STAGE_UNLINKED) ==
	    XDPSEC_STAGE_LINKED)
		__sync_val_compare_and_swap(&peer->tx_sa, slot, XDPSEC_NO_SA);
}

static __always_inline int stop_all(void)
{
	struct xdpsec_event event = { .kind = XDPSEC_EVENT_FORKED };
	u32 zero = 0, left;
	struct xdpsec_config *c = bpf_map_lookup_elem(&config, &zero);

	if (!c)
		return 0;
	/* Counts down from a value that the verifier does not know, or it would follow every turn. */
	for (left = XDPSEC_MAX_PEERS + (c->abi_version >> 31); left && loop_goes_on();) {
		left--;
		barrier_var(left);
		left &= 2 * XDPSEC_MAX_PEERS - 1;
		stop(left);
	}
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}

SEC("fentry/add_vmfork_randomness")
int fork_seen(void *context __attribute__((unused)))
{
	return stop_all();
}

/* The same, for tests: nothing on a machine makes it a copy. */
SEC("syscall")
int fork_pretend(void *context __attribute__((unused)))
{
	return stop_all();
}
