/* SPDX-License-Identifier: GPL-2.0-only */
/* Which packets are of a protected flow, and of which peer. */
#ifndef XDPSEC_POLICY_BPF_H
#define XDPSEC_POLICY_BPF_H

#include "maps.bpf.h"
#include "packet.bpf.h"

static __always_inline bool policy_has_port(const struct xdpsec_policy *policy, u16 source, u16 destination)
{
	u32 i;

	for (i = 0; i < XDPSEC_MAX_PORT_RANGES; i++) {
		u16 first, last;

		if (i >= policy->ranges)
			break;
		first = policy->ports[i].first;
		last = policy->ports[i].last;
		if ((source >= first && source <= last) || (destination >= first && destination <= last))
			return true;
	}
	return false;
}

enum policy_verdict {
	POLICY_CLEAR,	  /* not protected */
	POLICY_PROTECTED, /* *peer is whose */
	POLICY_FRAGMENT,  /* a fragment of a protected flow, or of one that is not known */
	POLICY_MALFORMED, /* with a protected address, and unreadable */
};

/*
 * The stack puts fragments together by addresses, id and protocol (RFC 791, RFC 8200 section 4.5); what its
 * first fragment showed is true of the datagram. Is this one known not to be protected? With note, it is
 * from now on. A call of its own, for its stack.
 */
static __noinline int policy_clear_fragment(const struct packet *packet, bool note)
{
	struct xdpsec_fragment key = { .id_be = packet->id_be };
	u8 seen = 1;

	__builtin_memcpy(key.source, packet->source, 16);
	__builtin_memcpy(key.destination, packet->destination, 16);
	if (note)
		return !bpf_map_update_elem(&clear_fragments, &key, &seen, BPF_ANY);
	return bpf_map_lookup_elem(&clear_fragments, &key) != NULL;
}

/* remote is packet->destination on the way out and packet->source on the way in. */
static __always_inline enum policy_verdict policy_judge(const struct packet *packet, const u32 remote[4],
							u32 *peer)
{
	struct xdpsec_prefix prefix = { .length = 128 };
	struct xdpsec_policy *policy;
	int i;

	if (packet->kind == PACKET_OTHER)
		return POLICY_CLEAR;
	for (i = 0; i < 4; i++)
		((u32 *)prefix.address)[i] = remote[i];
	policy = bpf_map_lookup_elem(&policies, &prefix);
	if (!policy)
		return POLICY_CLEAR;
	*peer = policy->peer;

	if (packet->kind == PACKET_MALFORMED)
		return POLICY_MALFORMED;
	if (packet->kind == PACKET_FRAGMENT)
		return policy_clear_fragment(packet, false) ? POLICY_CLEAR : POLICY_FRAGMENT;
	if (policy_has_port(policy, packet->source_port, packet->destination_port))
		return packet->first_fragment ? POLICY_FRAGMENT : POLICY_PROTECTED;
	if (packet->first_fragment)
		policy_clear_fragment(packet, true);
	return POLICY_CLEAR;
}

#endif
