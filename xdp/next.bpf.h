/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several instances on one device: a tail call gives packets that this instance lets pass to the next one.
 * The loader makes the chain (loader/plane/chain.h). The last instance, on most devices the only one, has a program
 * without any of this.
 */
#ifndef XDPSEC_NEXT_BPF_H
#define XDPSEC_NEXT_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "xdpsec/drop.bpf.h"

/* Not one of the maps that the programs of an instance share: each copy of a program has its own
 * successor. So a new chain is complete before it replaces the old one. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} next SEC(".maps");

/*
 * There is no next program: the kernel has emptied the map, as its pin was removed by hand. Packets that the
 * lost instance would have opened must not be delivered unopened, and nobody knows any more which these are.
 * So only packets that cannot be UDP pass, which keeps the host reachable. A call of its own, for its stack.
 */
static __noinline int next_is_lost(struct xdp_md *xdp)
{
	struct {
		struct ethhdr ethernet;
		u8 ip[sizeof(struct iphdr)];
	} headers;
	u8 protocol;

	if (bpf_xdp_load_bytes(xdp, 0, &headers, sizeof(headers)))
		return drop(XDPSEC_DROP_NO_NEXT, XDPSEC_NO_SA);
	if (headers.ethernet.h_proto == bpf_htons(ETH_P_ARP))
		return VERDICT_PASS;
	if (headers.ethernet.h_proto == bpf_htons(ETH_P_IP)) {
		protocol = headers.ip[9];
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_ICMP)
			return VERDICT_PASS;
	} else if (headers.ethernet.h_proto == bpf_htons(ETH_P_IPV6)) {
		protocol = headers.ip[6];
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_ICMPV6)
			return VERDICT_PASS;
	}
	return drop(XDPSEC_DROP_NO_NEXT, XDPSEC_NO_SA);
}

/* The verdict of the next program. (A tail call returns only if there is no program to call.) */
static __always_inline int next_judge(struct xdp_md *xdp)
{
	bpf_tail_call_static(xdp, &next, 0);
	return next_is_lost(xdp) == VERDICT_PASS ? XDP_PASS : XDP_DROP;
}

#endif
