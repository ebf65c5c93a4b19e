/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames in several buffers, of which the first does not hold the headers: drivers that split headers from
 * data, or leave the first buffer empty (mlx5 with striding receive queues).
 */
#ifndef XDPSEC_LINEAR_BPF_H
#define XDPSEC_LINEAR_BPF_H

#include "xdpsec/drop.bpf.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/packet.bpf.h"

/* What the first buffer is to hold: Ethernet, two tags, the longest IPv4 header or a few of IPv6, UDP, and
 * the sealed header. */
#define LINEAR_MIN 192

/* 6.18 and later. */
extern int bpf_xdp_pull_data(struct xdp_md *xdp, u32 length) __ksym __weak;

/* False: the kernel cannot, or has no room for it. */
static __always_inline bool linear_pull(struct xdp_md *xdp, u32 length)
{
	return bpf_xdp_pull_data && !bpf_xdp_pull_data(xdp, length < LINEAR_MIN ? length : LINEAR_MIN);
}

/* Ethernet without tags, and the longer IP header. */
struct linear_headers {
	struct ethhdr ethernet;
	u8 ip[sizeof(struct ipv6hdr)];
};

/*
 * A frame whose headers cannot be had in one piece: what cannot be UDP from a protected address passes, the
 * rest is dropped. Tagged frames are dropped, as it is not worth more code. A call of its own, for its stack.
 */
static __noinline int linear_judge(struct xdp_md *xdp)
{
	struct xdpsec_prefix prefix = { .length = 128 };
	struct linear_headers headers;
	u32 *address = (u32 *)prefix.address;
	u8 protocol;

	if (bpf_xdp_load_bytes(xdp, 0, &headers, sizeof(headers)))
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	if (headers.ethernet.h_proto == bpf_htons(ETH_P_IP)) {
		protocol = headers.ip[9];
		address[2] = bpf_htonl(0xffff);
		__builtin_memcpy(&address[3], headers.ip + 12, 4);
		if (protocol != IPPROTO_UDP)
			return VERDICT_PASS;
	} else if (headers.ethernet.h_proto == bpf_htons(ETH_P_IPV6)) {
		protocol = headers.ip[6];
		__builtin_memcpy(address, headers.ip + 8, 16);
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_ICMPV6)
			return VERDICT_PASS;
	} else if (headers.ethernet.h_proto != bpf_htons(ETH_P_8021Q) &&
		   headers.ethernet.h_proto != bpf_htons(ETH_P_8021AD)) {
		return VERDICT_PASS;
	} else {
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	}
	if (bpf_map_lookup_elem(&policies, &prefix))
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	return VERDICT_PASS;
}

#endif
