/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router further on tells with ICMP "fragmentation needed" (RFC 1191) or ICMPv6 "packet too big" (RFC 4443
 * section 3.2) the MTU of the path. It means the sealed packet; who sent the plaintext may send 32 bytes
 * less, and would send too much for ever if it believed the number as it is.
 *
 * As everywhere, such a message has nothing that proves it. It can only lower an MTU, and the stack has its
 * own limits for that.
 */
#ifndef XDPSEC_PATH_MTU_BPF_H
#define XDPSEC_PATH_MTU_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/icmp.bpf.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/policy.bpf.h"

/* Below these nobody takes an MTU for one (RFC 791, RFC 8200 section 5). */
#define PATH_MTU_IPV4_MIN 68
#define PATH_MTU_IPV6_MIN 1280

/* An IPv4 header of the given protocol that starts a datagram, with its options. NULL: not that. */
static __always_inline struct iphdr *path_mtu_take_ipv4(struct cursor *cursor, u8 protocol)
{
	struct iphdr *ip = cursor_take(cursor, sizeof(*ip));
	u32 length;

	if (!ip || ip->protocol != protocol || ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
		return NULL;
	length = ip->ihl * 4;
	if (ip->version != 4 || length < sizeof(*ip) || !cursor_take(cursor, length - sizeof(*ip)))
		return NULL;
	return ip;
}

/* The message and, behind it, the IP header of the packet that it is about. remote gets where that was sent.
 */
static __always_inline struct icmp_error *path_mtu_take_ipv4_message(struct cursor *cursor, u32 remote[4])
{
	struct icmp_error *message;
	struct iphdr *quoted;

	if (!path_mtu_take_ipv4(cursor, IPPROTO_ICMP))
		return NULL;
	message = cursor_take(cursor, sizeof(*message));
	if (!message || message->type != ICMP_DEST_UNREACH || message->code != ICMP_FRAG_NEEDED)
		return NULL;
	quoted = path_mtu_take_ipv4(cursor, IPPROTO_UDP);
	if (!quoted)
		return NULL;
	packet_map_ipv4(remote, &quoted->daddr);
	return message;
}

static __always_inline struct icmp_error *path_mtu_take_ipv6_message(struct cursor *cursor, u32 remote[4])
{
	struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));
	struct icmp_error *message;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6)
		return NULL;
	message = cursor_take(cursor, sizeof(*message));
	if (!message || message->type != ICMPV6_PKT_TOOBIG || message->mtu_high)
		return NULL;
	ip = cursor_take(cursor, sizeof(*ip));
	if (!ip || ip->nexthdr != IPPROTO_UDP)
		return NULL;
	__builtin_memcpy(remote, ip->daddr.in6_u.u6_addr32, 16);
	return message;
}

/*
 * Where this is such a message about a packet of a protected flow: its MTU less what sealing adds. Anything
 * else stays as it is. Our own answers (tc/too_big.bpf.h) do not pass here, as XDP does not see what is
 * redirected into ingress. A call of its own, for its stack.
 */
static __noinline int path_mtu_adjust(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	struct xdpsec_prefix prefix = { .length = 128 };
	struct icmp_error *message;
	struct xdpsec_policy *policy;
	struct cursor cursor = { data, data, data_end };
	u32 remote[4], minimum, mtu;
	__be16 *ports;
	u16 lowered;

	switch (packet_ethertype(&cursor)) {
	case bpf_htons(ETH_P_IP):
		minimum = PATH_MTU_IPV4_MIN;
		message = path_mtu_take_ipv4_message(&cursor, remote);
		break;
	case bpf_htons(ETH_P_IPV6):
		minimum = PATH_MTU_IPV6_MIN;
		message = path_mtu_take_ipv6_message(&cursor, remote);
		break;
	default:
		return 0;
	}
	if (!message)
		return 0;
	ports = cursor_take(&cursor, 2 * sizeof(*ports));
	if (!ports)
		return 0;

	__builtin_memcpy(prefix.address, remote, sizeof(remote));
	policy = bpf_map_lookup_elem(&policies, &prefix);
	if (!policy || !policy_has_port(policy, bpf_ntohs(ports[0]), bpf_ntohs(ports[1])))
		return 0;
	mtu = bpf_ntohs(message->mtu_low);
	/* 0 is from a router older than RFC 1191: the stack guesses. */
	if (mtu <= minimum)
		return 0;
	mtu = mtu < minimum + XDPSEC_OVERHEAD ? minimum : mtu - XDPSEC_OVERHEAD;
	lowered = bpf_htons(mtu);
	message->checksum = checksum_replace(message->checksum, message->mtu_low, lowered);
	message->mtu_low = lowered;
	return 0;
}

#endif
