/* SPDX-License-Identifier: GPL-2.0-only */
/* The inner packet of a tunnel: reading its header, changing DSCP and ECN. */
#ifndef XDPSEC_INNER_BPF_H
#define XDPSEC_INNER_BPF_H

#include "checksum.bpf.h"
#include "packet.bpf.h"

#define ECN_MASK 3
#define ECN_NOT_ECT 0
#define ECN_ECT1 1
#define ECN_ECT0 2
#define ECN_CE 3

struct inner {
	bool ipv6;
	bool fragment; /* a later fragment, without a header of the next layer */
	u8 tos;	       /* DSCP and ECN, of IPv4 or IPv6 */
	u8 protocol;   /* IPv6: next header of the fixed header */
	u32 header_length;
	u32 length;		       /* of the packet, with its header */
	u32 source[4], destination[4]; /* as struct xdpsec_prefix.address */
};

/* Read the header. length is the number of bytes available. False: not IP, or its header is not complete. */
static __always_inline bool inner_read(const void *start, const void *end, u32 length, struct inner *inner)
{
	const struct iphdr *ip = start;

	if ((const void *)(ip + 1) > end)
		return false;
	if (ip->version == 4) {
		inner->ipv6 = false;
		inner->fragment = ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET);
		inner->tos = ip->tos;
		inner->protocol = ip->protocol;
		inner->header_length = ip->ihl * 4;
		inner->length = bpf_ntohs(ip->tot_len);
		packet_map_ipv4(inner->source, &ip->saddr);
		packet_map_ipv4(inner->destination, &ip->daddr);
		return inner->header_length >= sizeof(*ip) && inner->length >= inner->header_length &&
		       inner->length <= length;
	}
	if (ip->version == 6) {
		const struct ipv6hdr *ip6 = start;

		if ((const void *)(ip6 + 1) > end)
			return false;
		inner->ipv6 = true;
		inner->fragment = false;
		inner->tos = bpf_ntohs(*(const __be16 *)ip6) >> 4;
		inner->protocol = ip6->nexthdr;
		inner->header_length = sizeof(*ip6);
		inner->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		__builtin_memcpy(inner->source, ip6->saddr.in6_u.u6_addr32, 16);
		__builtin_memcpy(inner->destination, ip6->daddr.in6_u.u6_addr32, 16);
		return inner->length <= length;
	}
	return false;
}

/* Set DSCP and ECN of the packet at start. False: beyond end. */
static __always_inline bool inner_set_tos(void *start, const void *end, bool ipv6, u8 tos)
{
	struct iphdr *ip = start;
	u16 *first = start, before;

	if ((const void *)(ip + 1) > end)
		return false;
	before = *first;
	if (ipv6) {
		*first = bpf_htons((bpf_ntohs(before) & 0xf00f) | (u16)tos << 4);
	} else {
		ip->tos = tos;
		ip->check = checksum_replace(ip->check, before, *first);
	}
	return true;
}

/*
 * RFC 6040 figure 4: the ECN field of a packet that leaves the tunnel. False: drop the packet, as congestion
 * was marked on the path and the inner packet cannot carry the mark.
 */
static __always_inline bool inner_ecn(u8 inner, u8 outer, u8 *ecn)
{
	inner &= ECN_MASK;
	outer &= ECN_MASK;
	*ecn = inner;
	if (inner == ECN_NOT_ECT)
		return outer != ECN_CE;
	if (outer == ECN_CE || (inner == ECN_ECT0 && outer == ECN_ECT1))
		*ecn = outer;
	return true;
}

#endif
