/* SPDX-License-Identifier: GPL-2.0-only */
/* The underlay's route to an endpoint: asked for each packet, so that the routing table decides, and a change
 * of it is followed at once. */
#ifndef XDPSEC_ROUTE_BPF_H
#define XDPSEC_ROUTE_BPF_H

#include "xdpsec/kernel.bpf.h"
#include "xdpsec/endpoint.bpf.h"

#define ROUTE_AF_INET 2
#define ROUTE_AF_INET6 10

enum route_found {
	ROUTE_FOUND,
	ROUTE_NONE,
	ROUTE_TOO_NARROW, /* route->mtu is what it takes */
};

struct route {
	u32 device; /* ifindex */
	u32 mtu;
	struct bpf_redir_neigh next;
};

/*
 * For the outer packet: destination, ports and udp_length are as they will be without header and tag. Its
 * source is filled in. The source port decides between routes of equal cost. from is the device whose
 * `forwarding` the kernel asks (net/core/filter.c, bpf_ipv4_fib_lookup). A call of its own, for its stack.
 */
static __noinline enum route_found route_find(struct __sk_buff *skb, struct packet *packet, u32 from,
					      struct route *route)
{
	struct bpf_fib_lookup lookup = {
		.family = packet->ipv6 ? ROUTE_AF_INET6 : ROUTE_AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.sport = bpf_htons(packet->source_port),
		.dport = bpf_htons(packet->destination_port),
		.tot_len = (packet->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
			   packet->udp_length + XDPSEC_OVERHEAD,
		.ifindex = from,
	};
	long found;

	if (packet->ipv6)
		__builtin_memcpy(lookup.ipv6_dst, packet->destination, 16);
	else
		lookup.ipv4_dst = packet->destination[3];
	found = bpf_fib_lookup(skb, &lookup, sizeof(lookup), BPF_FIB_LOOKUP_SKIP_NEIGH | BPF_FIB_LOOKUP_SRC);
	route->mtu = lookup.mtu_result;
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return ROUTE_TOO_NARROW;
	if (found != BPF_FIB_LKUP_RET_SUCCESS)
		return ROUTE_NONE;
	route->device = lookup.ifindex;
	if (packet->ipv6)
		__builtin_memcpy(packet->source, lookup.ipv6_src, 16);
	else
		packet_map_ipv4(packet->source, &lookup.ipv4_src);
	/* The gateway's, which need not be of the same family (RFC 8950). */
	route->next.nh_family = lookup.family;
	if (lookup.family == ROUTE_AF_INET6)
		__builtin_memcpy(route->next.ipv6_nh, lookup.ipv6_dst, 16);
	else
		route->next.ipv4_nh = lookup.ipv4_dst;
	return ROUTE_FOUND;
}

#endif
