/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash of the inner flow for the outer source port. XDP has no bpf_get_hash_recalc(); an instance with a fast path
 * uses this one on both ways, so that a flow keeps its port.
 */
#ifndef XDPSEC_FAST_FLOW_HASH_BPF_H
#define XDPSEC_FAST_FLOW_HASH_BPF_H

#include "inner.bpf.h"

static __always_inline u32 fast_flow_mix(u32 hash, u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1U; /* 2^32 divided by the golden ratio */
	return hash ^ hash >> 15;
}

/* The ports of a packet of the plain kind that the fast path takes (fast.bpf.h); else NULL. */
static __always_inline const u32 *fast_flow_ports(const struct inner *inner, const void *start,
						  const void *end)
{
	const struct iphdr *ip = start;
	const u32 *ports;

	if (inner->protocol != IPPROTO_TCP && inner->protocol != IPPROTO_UDP)
		return NULL;
	if (inner->ipv6) {
		ports = start + sizeof(struct ipv6hdr);
	} else {
		if ((const void *)(ip + 1) > end || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
			return NULL;
		ports = start + sizeof(*ip);
	}
	return (const void *)(ports + 1) > end ? NULL : ports;
}

static __always_inline u32 fast_flow_hash(const struct inner *inner, const void *start, const void *end)
{
	const u32 *ports = fast_flow_ports(inner, start, end);
	u32 hash = fast_flow_mix(inner->protocol, inner->source[3]);

	hash = fast_flow_mix(hash, inner->destination[3]);
	if (inner->ipv6) {
		hash = fast_flow_mix(hash, inner->source[0] ^ inner->source[1] ^ inner->source[2]);
		hash = fast_flow_mix(hash,
				     inner->destination[0] ^ inner->destination[1] ^ inner->destination[2]);
	}
	return ports ? fast_flow_mix(hash, *ports) : hash;
}

#endif
