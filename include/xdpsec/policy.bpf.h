/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy of a remote address: which peer it belongs to, and in inline mode which ports are protected. */
#ifndef XDPSEC_POLICY_BPF_H
#define XDPSEC_POLICY_BPF_H

#include "maps.bpf.h"

static __always_inline bool policy_ports_have(const struct xdpsec_ports *ports, u16 port)
{
	return port >= ports->first && port <= ports->last;
}

/* An address as key of the LPM trie. Word by word: the compiler copies bytes one by one. */
static __always_inline struct xdpsec_prefix policy_prefix(const u32 address[4])
{
	struct xdpsec_prefix prefix = { .length = 128 };
	int i;

#pragma unroll
	for (i = 0; i < 4; i++)
		((u32 *)prefix.address)[i] = address[i];
	return prefix;
}

/* The policy of the longest prefix that has the address, or NULL. A prefix of one address is the longest one. */
static __always_inline struct xdpsec_policy *policy_find(const struct xdpsec_config *config,
							 const u32 address[4])
{
	struct xdpsec_policy *policy;
	struct xdpsec_prefix prefix;

	if (config && config->hosts) {
		policy = bpf_map_lookup_elem(&hosts, address);
		if (policy)
			return policy;
	}
	prefix = policy_prefix(address);
	return bpf_map_lookup_elem(&policies, &prefix);
}

#endif
