/* SPDX-License-Identifier: GPL-2.0-only */
/* Inline mode: whether a packet belongs to a protected flow, and to which peer. */
#ifndef XDPSEC_POLICY_JUDGE_BPF_H
#define XDPSEC_POLICY_JUDGE_BPF_H

#include "packet.bpf.h"
#include "policy.bpf.h"
#include "policy_kept.bpf.h"

/*
 * Is one of these ports protected? Then *ports is the range that it is in: a copy, as an element of map "hosts" may be
 * reused at any time.
 */
static __always_inline bool policy_find_ports(const struct xdpsec_policy *policy, u16 source, u16 destination,
					      struct xdpsec_ports *ports)
{
	u32 i;

	for (i = 0; i < XDPSEC_MAX_PORT_RANGES; i++) {
		if (i >= policy->ranges)
			break;
		*ports = policy->ports[i];
		if (policy_ports_have(ports, source) || policy_ports_have(ports, destination))
			return true;
	}
	return false;
}

enum policy_verdict {
	POLICY_CLEAR,	  /* not protected */
	POLICY_PROTECTED, /* *peer and *now are set */
	POLICY_FRAGMENT,  /* a fragment of a protected flow, or of an unknown one */
	POLICY_MALFORMED, /* unreadable, with a protected address */
};

enum policy_fragment {
	POLICY_FRAGMENT_KNOWN,	/* look up: is this datagram known as not protected? */
	POLICY_FRAGMENT_CLEAR,	/* add: it is not protected */
	POLICY_FRAGMENT_FORGET, /* remove: it is protected, and an earlier datagram with its id was not */
};

/* Fragments of a datagram follow one another closely; ids of 16 bits repeat. */
#define POLICY_FRAGMENT_NS 1000000000ULL

/*
 * Remember the first fragment's result for the datagram. The key is the one by which the stack reassembles:
 * addresses, id and protocol (RFC 791, RFC 8200 section 4.5). A call of its own, for its stack.
 */
static __noinline int policy_fragment(const struct packet *packet, enum policy_fragment what)
{
	struct xdpsec_fragment key = { .id_be = packet->id_be };
	u64 now = bpf_ktime_get_coarse_ns(), until = now + POLICY_FRAGMENT_NS, *known;

	__builtin_memcpy(key.source, packet->source, 16);
	__builtin_memcpy(key.destination, packet->destination, 16);
	if (what == POLICY_FRAGMENT_CLEAR)
		return !bpf_map_update_elem(&clear_fragments, &key, &until, BPF_ANY);
	if (what == POLICY_FRAGMENT_FORGET)
		return !bpf_map_delete_elem(&clear_fragments, &key);
	known = bpf_map_lookup_elem(&clear_fragments, &key);
	return known && now < *known;
}

/* remote is packet->destination on the way out, packet->source on the way in. *now: the coarse clock */
static __always_inline enum policy_verdict policy_judge(const struct xdpsec_config *config,
							const struct packet *packet, const u32 remote[4],
							u32 *peer, u64 *now)
{
	struct xdpsec_policy *policy;
	struct xdpsec_ports ports;
	u32 generation = config ? config->policy_generation : 0;
	int known = 0;

	if (packet->kind == PACKET_OTHER)
		return POLICY_CLEAR;
	/* A first fragment has to be remembered or forgotten as well. */
	if (packet->kind == PACKET_UDP && !packet->first_fragment)
		known = policy_known(packet, (const void *)remote, generation, now);
	if (known) {
		*peer = known - 1;
		return POLICY_PROTECTED;
	}
	policy = policy_find(config, remote);
	if (!policy)
		return POLICY_CLEAR;
	*peer = policy->peer;

	if (packet->kind == PACKET_MALFORMED)
		return POLICY_MALFORMED;
	if (packet->kind == PACKET_FRAGMENT)
		return policy_fragment(packet, POLICY_FRAGMENT_KNOWN) ? POLICY_CLEAR : POLICY_FRAGMENT;
	if (policy_find_ports(policy, packet->source_port, packet->destination_port, &ports)) {
		if (!packet->first_fragment) {
			*now = bpf_ktime_get_coarse_ns();
			policy_keep(remote, ports, *peer, generation, *now);
			return POLICY_PROTECTED;
		}
		policy_fragment(packet, POLICY_FRAGMENT_FORGET);
		return POLICY_FRAGMENT;
	}
	if (packet->first_fragment)
		policy_fragment(packet, POLICY_FRAGMENT_CLEAR);
	return POLICY_CLEAR;
}

/*
 * Are these ports protected with this remote address? 0: no; otherwise the peer's index plus one. For quoted
 * packets, where nothing else matters. A global function: the verifier checks it once, not in every state of
 * its callers.
 */
__noinline int policy_protects(const struct xdpsec_prefix *remote, u16 source_port, u16 destination_port)
{
	struct xdpsec_policy *policy;
	struct xdpsec_ports ports;

	if (!remote)
		return 0;
	policy = bpf_map_lookup_elem(&policies, remote);
	return policy && policy_find_ports(policy, source_port, destination_port, &ports) ? policy->peer + 1
											  : 0;
}

static __always_inline u32 policy_protects_quoted(const struct packet *quoted, const u32 remote[4])
{
	struct xdpsec_prefix prefix = policy_prefix(remote);

	return policy_protects(&prefix, quoted->source_port, quoted->destination_port);
}

#endif
