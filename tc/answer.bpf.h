/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ICMP answer to a packet that cannot be sent, made from the packet itself: "fragmentation needed" (RFC
 * 1191) and ICMPv6 "packet too big" (RFC 4443 section 3.2) if it would not fit once it has grown, "host
 * unreachable" if a tunnel leads nowhere.
 *
 * Its source is the packet's destination. An address of our own would be refused as martian
 * (net/ipv4/fib_frontend.c, fib_validate_source). The destination is reached through this device, so reverse
 * path filters accept it.
 */
#ifndef XDPSEC_ANSWER_BPF_H
#define XDPSEC_ANSWER_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/icmp.bpf.h"
#include "xdpsec/packet.bpf.h"

/* Bytes quoted of the packet: enough for the longest IPv4 header and for VXLAN to find its device, and for
 * the IPv6 header with a few extensions. No more than that, as the quote is plaintext. */
#define ANSWER_QUOTE_IPV4 96
#define ANSWER_QUOTE_IPV6 128
/* Bytes quoted of a shorter packet: the header and 8 bytes (RFC 792). */
#define ANSWER_QUOTE_SHORT_IPV4 (sizeof(struct iphdr) + 8)
#define ANSWER_QUOTE_SHORT_IPV6 (sizeof(struct ipv6hdr) + 8)
#define ANSWER_TTL 64
#define ANSWER_TOS 0xc0 /* internetwork control, as the kernel's own (net/ipv4/icmp.c) */

/* The kind of answer: type and code in both families, and whether it carries an MTU. */
enum answer {
	ANSWER_TOO_BIG,
	ANSWER_UNREACHABLE, /* host unreachable, address unreachable, as WireGuard does */
};

/* The limits of net.ipv4.icmp_msgs_per_sec and icmp_msgs_burst, for each CPU. */
#define ANSWER_PER_SECOND 1000
#define ANSWER_BURST 50

struct answer_tokens {
	u64 updated; /* CLOCK_MONOTONIC, ns */
	u64 tokens;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct answer_tokens);
} answer_tokens SEC(".maps");

static __always_inline bool answer_allowed(void)
{
	struct answer_tokens *bucket;
	u64 now = bpf_ktime_get_coarse_ns(), gained;
	u32 zero = 0;

	bucket = bpf_map_lookup_elem(&answer_tokens, &zero);
	if (!bucket)
		return false;
	gained = (now - bucket->updated) / (1000000000 / ANSWER_PER_SECOND);
	if (gained) {
		bucket->updated = now;
		bucket->tokens += gained;
		if (bucket->tokens > ANSWER_BURST)
			bucket->tokens = ANSWER_BURST;
	}
	if (!bucket->tokens)
		return false;
	bucket->tokens--;
	return true;
}

/*
 * RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): no error to an address that is not one host's, and none
 * about a packet to a group or broadcast. That shows in its address or in the frame's (a subnet's broadcast
 * address looks like any other). RFC 4443 allows "packet too big" about a group, but not from the group's
 * address, and no other source is at hand here.
 */
static __always_inline bool answer_may(struct __sk_buff *skb, const struct packet *packet)
{
	const u8 *mac = (void *)(long)skb->data;

	if ((const void *)(mac + 1) > (const void *)(long)skb->data_end || *mac & 1)
		return false;
	return packet_is_host(packet->source, packet->ipv6) &&
	       packet_is_host(packet->destination, packet->ipv6);
}

static __always_inline void answer_swap_macs(struct ethhdr *ethernet)
{
	u16 *mac = (u16 *)ethernet;
	int i;

#pragma unroll
	for (i = 0; i < ETH_ALEN / 2; i++) {
		u16 destination = mac[i];

		mac[i] = mac[i + ETH_ALEN / 2];
		mac[i + ETH_ALEN / 2] = destination;
	}
}

/* The ICMP checksum covers the quote; bpf_csum_diff folds its result on some kernels and not on others. */
static __always_inline u64 answer_sum(const struct icmp_error *icmp, u32 length)
{
	return (u32)bpf_csum_diff(NULL, 0, (__be32 *)icmp, length, 0);
}

/* The caller has made the room in front. */
static __always_inline bool answer_ipv4(struct __sk_buff *skb, const struct packet *packet, enum answer what,
					u32 mtu, const u32 quote)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct icmp_error *icmp = (void *)(ip + 1);
	const u32 length = sizeof(*icmp) + quote;

	if ((void *)icmp + length > (void *)(long)skb->data_end)
		return false;
	answer_swap_macs(ethernet);
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = ANSWER_TOS,
		.tot_len = bpf_htons(sizeof(*ip) + length), /* the stack trims the rest */
		.ttl = ANSWER_TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = packet->destination[3],
		.daddr = packet->source[3],
	};
	ip->check = ~checksum_fold((u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	*icmp = (struct icmp_error){
		.type = ICMP_DEST_UNREACH,
		.code = what == ANSWER_TOO_BIG ? ICMP_FRAG_NEEDED : ICMP_HOST_UNREACH,
		.mtu_low = bpf_htons(mtu),
	};
	icmp->checksum = ~checksum_fold(answer_sum(icmp, length));
	return true;
}

static __always_inline bool answer_ipv6(struct __sk_buff *skb, const struct packet *packet, enum answer what,
					u32 mtu, const u32 quote)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct ipv6hdr *ip = (void *)(ethernet + 1);
	struct icmp_error *icmp = (void *)(ip + 1);
	const u32 length = sizeof(*icmp) + quote;

	if ((void *)icmp + length > (void *)(long)skb->data_end)
		return false;
	answer_swap_macs(ethernet);
	*ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(length),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = ANSWER_TTL,
	};
	__builtin_memcpy(ip->saddr.in6_u.u6_addr32, packet->destination, 16);
	__builtin_memcpy(ip->daddr.in6_u.u6_addr32, packet->source, 16);
	*icmp = (struct icmp_error){
		.type = what == ANSWER_TOO_BIG ? ICMPV6_PKT_TOOBIG : ICMPV6_DEST_UNREACH,
		.code = what == ANSWER_TOO_BIG ? 0 : ICMPV6_ADDR_UNREACH,
		.mtu_low = bpf_htons(mtu),
	};
	icmp->checksum = ~checksum_fold(answer_sum(icmp, length) + checksum_pseudo(packet->destination,
										   packet->source, true,
										   length, IPPROTO_ICMPV6));
	return true;
}

/*
 * Turn the packet into the answer. Only the addresses in packet are used. mtu is the size that the sender may
 * use; 0 if the answer is not about size. The frame has no VLAN tag. False: no answer (rate limit, addresses,
 * no room); the caller only drops the packet.
 */
static __noinline bool answer(struct __sk_buff *skb, const struct packet *packet, enum answer what, u32 mtu)
{
	const u32 room4 = sizeof(struct iphdr) + sizeof(struct icmp_error);
	const u32 room6 = sizeof(struct ipv6hdr) + sizeof(struct icmp_error);
	u32 length = skb->len - sizeof(struct ethhdr);

	if (!answer_may(skb, packet) || !answer_allowed() ||
	    bpf_skb_adjust_room(skb, packet->ipv6 ? room6 : room4, BPF_ADJ_ROOM_MAC, 0))
		return false;
	if (packet->ipv6)
		return length >= ANSWER_QUOTE_IPV6
			       ? answer_ipv6(skb, packet, what, mtu, ANSWER_QUOTE_IPV6)
			       : answer_ipv6(skb, packet, what, mtu, ANSWER_QUOTE_SHORT_IPV6);
	return length >= ANSWER_QUOTE_IPV4 ? answer_ipv4(skb, packet, what, mtu, ANSWER_QUOTE_IPV4)
					   : answer_ipv4(skb, packet, what, mtu, ANSWER_QUOTE_SHORT_IPV4);
}

#endif
