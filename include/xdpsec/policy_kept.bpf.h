/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: the policies that packets have matched last, by remote address. A look-up in the trie costs three times as
 * much.
 *
 * A kept policy can only say that a packet is protected. Where it does not, the trie is asked. So a packet that the trie
 * protects is never taken for one in clear because of a kept policy. An answer that is too old seals for the former peer,
 * and opens what the former peer sends; if that has no SA any more, the packet is dropped.
 *
 * A policy is kept before the packet is authenticated, so forged sources displace others: then the trie is asked again.
 * Two flows with one address, in two ranges of ports, that take turns displace each other, too.
 */
#ifndef XDPSEC_POLICY_KEPT_BPF_H
#define XDPSEC_POLICY_KEPT_BPF_H

#include "packet.bpf.h"
#include "policy.bpf.h"

#define POLICIES_KEPT_BITS 10
/* A reload ends what is kept (config.policy_generation). If it fails, or is killed before that, this time does. */
#define POLICY_KEPT_NS 1000000000ULL

struct policy_kept {
	u32 address[4];
	u32 policy_generation; /* of struct xdpsec_config, before the trie was asked */
	u32 peer;
	u64 until;		   /* CLOCK_MONOTONIC, ns, coarse */
	struct xdpsec_ports ports; /* the range of ports that the packet has matched */
};

/* Each program has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << POLICIES_KEPT_BITS);
	__type(key, u32);
	__type(value, struct policy_kept);
} policies_kept SEC(".maps");

static __always_inline struct policy_kept *policy_kept_at(const u32 address[4])
{
	u32 mixed = address[3] ^ address[2] ^ address[1] ^ address[0];
	/* 2^32 divided by the golden ratio: the highest bits depend on all others. */
	u32 place = mixed * 0x9e3779b1U >> (32 - POLICIES_KEPT_BITS);

	return bpf_map_lookup_elem(&policies_kept, &place);
}

/*
 * Is this UDP packet with a remote address known to be protected? 0: no, or not known; otherwise the peer's index plus one,
 * and *now is the coarse clock. A global function: the verifier checks it once, not in every state of its callers.
 */
__noinline int policy_known(const struct packet *packet, const u32 (*remote)[4], u32 generation, u64 *now)
{
	const struct policy_kept *kept;
	const u32 *address;

	if (!packet || !remote || !now)
		return 0;
	address = *remote;
	kept = policy_kept_at(address);
	if (!kept || kept->address[3] != address[3] || kept->address[2] != address[2] ||
	    kept->address[1] != address[1] || kept->address[0] != address[0] ||
	    kept->policy_generation != generation ||
	    !(policy_ports_have(&kept->ports, packet->source_port) ||
	      policy_ports_have(&kept->ports, packet->destination_port)))
		return 0;
	*now = bpf_ktime_get_coarse_ns();
	return *now < kept->until ? kept->peer + 1 : 0;
}

/* Keep the policy by which a packet is protected. now: the coarse clock */
static __always_inline void policy_keep(const u32 remote[4], struct xdpsec_ports ports, u32 peer,
					u32 generation, u64 now)
{
	struct policy_kept *kept = policy_kept_at(remote);

	if (!kept)
		return;
	__builtin_memcpy(kept->address, remote, sizeof(kept->address));
	kept->policy_generation = generation;
	kept->peer = peer;
	kept->ports = ports;
	kept->until = now + POLICY_KEPT_NS;
}

#endif
