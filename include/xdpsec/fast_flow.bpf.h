/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path: the firewall's leave. A flow is in a flowtable because a rule of nftables has put it there (`flow
 * add`), and the kernel's own software fast path would forward it without asking the rules again. The lookup keeps the
 * flow from timing out (net/netfilter/nf_flow_table_bpf.c; 6.12 and later, module nf_flow_table_inet).
 */
#ifndef XDPSEC_FAST_FLOW_BPF_H
#define XDPSEC_FAST_FLOW_BPF_H

#include "fast.bpf.h"
#include "fast_pair.bpf.h"

/* include/net/netfilter/nf_flow_table.h; the numbers differ between versions. */
enum nf_flow_flags {
	NF_FLOW_SNAT = 0,
	NF_FLOW_DNAT = 1,
};

enum flow_offload_xmit_type {
	FLOW_OFFLOAD_XMIT_NEIGH = 1,
};

struct flow_offload_tuple {
	int iifidx;
	u8 dir : 2, xmit_type : 3;
} __attribute__((preserve_access_index));

struct flow_offload_tuple_rhash {
	struct flow_offload_tuple tuple;
} __attribute__((preserve_access_index));

struct flow_offload {
	struct flow_offload_tuple_rhash tuplehash[2];
	unsigned long flags;
} __attribute__((preserve_access_index));

struct bpf_flowtable_opts {
	__s32 error;
};

extern struct flow_offload_tuple_rhash *bpf_xdp_flow_lookup(struct xdp_md *xdp, struct bpf_fib_lookup *tuple,
							    struct bpf_flowtable_opts *opts,
							    u32 opts_len) __ksym __weak;

/*
 * Is it a flow without NAT, whose packets the kernel sends to the neighbour as they are (not through IPsec), and whose
 * answers come by the device that this packet is to leave by? The kernel's struct has both directions in a row.
 */
static __always_inline bool fast_flow_is_plain(const struct flow_offload_tuple_rhash *found, u32 to)
{
	const u32 size = bpf_core_type_size(struct flow_offload_tuple_rhash);
	const void *flow = found, *other = found;
	u64 flags;

	if (BPF_CORE_READ_BITFIELD(found, tuple.xmit_type) !=
	    bpf_core_enum_value(enum flow_offload_xmit_type, FLOW_OFFLOAD_XMIT_NEIGH))
		return false;
	/* Two branches: the verifier allows constants only to be added to this pointer. */
	if (BPF_CORE_READ_BITFIELD(found, tuple.dir)) {
		flow -= size;
		barrier_var(flow);
		other = flow;
	} else {
		other += size;
		barrier_var(other);
	}
	/* Both lie in one object. If its memory were gone, iifidx would read as 0, which is no device. */
	flags = kernel_u64(flow + bpf_core_field_offset(struct flow_offload, flags));
	return kernel_u32(other + bpf_core_field_offset(struct flow_offload_tuple_rhash, tuple.iifidx)) ==
		       to &&
	       !(flags & (1UL << bpf_core_enum_value(enum nf_flow_flags, NF_FLOW_SNAT) |
			  1UL << bpf_core_enum_value(enum nf_flow_flags, NF_FLOW_DNAT)));
}

/* A call of its own, for its stack. */
static __noinline int fast_flow_is_known(struct xdp_md *xdp, const struct inner *inner, u32 ports, u32 from,
					 u32 to)
{
	struct bpf_flowtable_opts opts = {};
	struct bpf_fib_lookup tuple = {
		.family = inner->ipv6 ? FAST_AF_INET6 : FAST_AF_INET,
		.l4_protocol = inner->protocol,
		.sport = ports,
		.dport = ports >> 16, /* little-endian: as both lie in memory */
		.ifindex = from,
	};
	const struct flow_offload_tuple_rhash *found;

	if (inner->ipv6) {
		__builtin_memcpy(tuple.ipv6_src, inner->source, 16);
		__builtin_memcpy(tuple.ipv6_dst, inner->destination, 16);
	} else {
		tuple.ipv4_src = inner->source[3];
		tuple.ipv4_dst = inner->destination[3];
	}
	found = bpf_xdp_flow_lookup(xdp, &tuple, &opts, sizeof(opts));
	return found && fast_flow_is_plain(found, to);
}

/* May the flow go from one device to the other without the firewall seeing its packets? ports: as fast_is_plain() has them */
static __always_inline bool fast_flow_may(struct xdp_md *xdp, const struct inner *inner, u32 ports, u32 from,
					  u32 to)
{
	return !fast_settings.asks_flowtable || fast_flow_is_known(xdp, inner, ports, from, to);
}

#endif
