/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The answer to a packet that does not fit the device once it has grown: ICMP "fragmentation needed" (RFC
 * 1191) or ICMPv6 "packet too big" (RFC 4443 section 3.2), made of the packet itself and handed to the
 * device's ingress, from where the stack takes it to a local socket or routes it to who sent the packet.
 *
 * It seems to come from the packet's destination: an address of our own would be refused as martian
 * (net/ipv4/fib_frontend.c, fib_validate_source), and the destination is reached through this device, which
 * is what reverse path filters ask.
 */
#ifndef XDPSEC_TOO_BIG_BPF_H
#define XDPSEC_TOO_BIG_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/icmp.bpf.h"
#include "xdpsec/packet.bpf.h"

/* Of the packet: enough for the longest IPv4 header and what VXLAN needs to find its device, and for the
 * IPv6 header with a few extensions. Not as much as would fit, as it is plaintext. */
#define TOO_BIG_QUOTE_IPV4 96
#define TOO_BIG_QUOTE_IPV6 128
#define TOO_BIG_TTL 64
#define TOO_BIG_TOS 0xc0 /* internetwork control, as the kernel's own (net/ipv4/icmp.c) */

/* As net.ipv4.icmp_msgs_per_sec and icmp_msgs_burst, for each CPU. */
#define TOO_BIG_PER_SECOND 1000
#define TOO_BIG_BURST 50

struct too_big_tokens {
	u64 updated; /* CLOCK_MONOTONIC, ns */
	u64 tokens;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct too_big_tokens);
} too_big_tokens SEC(".maps");

static __always_inline bool too_big_allowed(void)
{
	struct too_big_tokens *bucket;
	u64 now = bpf_ktime_get_coarse_ns(), gained;
	u32 zero = 0;

	bucket = bpf_map_lookup_elem(&too_big_tokens, &zero);
	if (!bucket)
		return false;
	gained = (now - bucket->updated) / (1000000000 / TOO_BIG_PER_SECOND);
	if (gained) {
		bucket->updated = now;
		bucket->tokens += gained;
		if (bucket->tokens > TOO_BIG_BURST)
			bucket->tokens = TOO_BIG_BURST;
	}
	if (!bucket->tokens)
		return false;
	bucket->tokens--;
	return true;
}

/* RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): no error to what is not one host's address. */
static __always_inline bool too_big_may_answer(const struct packet *packet)
{
	const u32 *s = packet->source;
	u8 first = packet->ipv6 ? s[0] : s[3]; /* little-endian: the first byte in memory */

	if (packet->ipv6)
		return first != 0xff && (s[0] | s[1] | s[2] | s[3]);
	return first != 0 && first < 224;
}

static __always_inline void too_big_swap_macs(struct ethhdr *ethernet)
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
static __always_inline u64 too_big_sum(const struct icmp_error *icmp, u32 length)
{
	return (u32)bpf_csum_diff(NULL, 0, (__be32 *)icmp, length, 0);
}

/* The room in front has been made. */
static __always_inline bool too_big_ipv4(struct __sk_buff *skb, const struct packet *packet, u32 mtu)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct icmp_error *icmp = (void *)(ip + 1);
	const u32 length = sizeof(*icmp) + TOO_BIG_QUOTE_IPV4;

	if ((void *)icmp + length > (void *)(long)skb->data_end)
		return false;
	too_big_swap_macs(ethernet);
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = TOO_BIG_TOS,
		.tot_len = bpf_htons(sizeof(*ip) + length), /* the stack trims what is behind */
		.ttl = TOO_BIG_TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = packet->destination[3],
		.daddr = packet->source[3],
	};
	ip->check = ~checksum_fold((u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	*icmp = (struct icmp_error){
		.type = ICMP_DEST_UNREACH,
		.code = ICMP_FRAG_NEEDED,
		.mtu_low = bpf_htons(mtu),
	};
	icmp->checksum = ~checksum_fold(too_big_sum(icmp, length));
	return true;
}

static __always_inline bool too_big_ipv6(struct __sk_buff *skb, const struct packet *packet, u32 mtu)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct ipv6hdr *ip = (void *)(ethernet + 1);
	struct icmp_error *icmp = (void *)(ip + 1);
	const u32 length = sizeof(*icmp) + TOO_BIG_QUOTE_IPV6;

	if ((void *)icmp + length > (void *)(long)skb->data_end)
		return false;
	too_big_swap_macs(ethernet);
	*ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(length),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = TOO_BIG_TTL,
	};
	__builtin_memcpy(ip->saddr.in6_u.u6_addr32, packet->destination, 16);
	__builtin_memcpy(ip->daddr.in6_u.u6_addr32, packet->source, 16);
	*icmp = (struct icmp_error){
		.type = ICMPV6_PKT_TOOBIG,
		.mtu_low = bpf_htons(mtu),
	};
	icmp->checksum = ~checksum_fold(too_big_sum(icmp, length) + checksum_pseudo(packet->destination,
										    packet->source, true,
										    length, IPPROTO_ICMPV6));
	return true;
}

/*
 * Count the packet as too big, and answer it; mtu is what the sender may send. The VLAN tag is out of the
 * frame. Without an answer (rate, source) it is only dropped.
 */
static __noinline int too_big(struct __sk_buff *skb, const struct packet *packet, u32 mtu, u32 device, u32 sa)
{
	u32 room = packet->ipv6 ? sizeof(struct ipv6hdr) + sizeof(struct icmp_error)
				: sizeof(struct iphdr) + sizeof(struct icmp_error);
	bool answered;

	drop(XDPSEC_DROP_TOO_BIG, sa);
	if (!too_big_may_answer(packet) || !too_big_allowed() ||
	    bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, 0))
		return VERDICT_DROP;
	answered = packet->ipv6 ? too_big_ipv6(skb, packet, mtu) : too_big_ipv4(skb, packet, mtu);
	if (!answered || bpf_redirect(device, BPF_F_INGRESS) != 7 /* TC_ACT_REDIRECT */)
		return VERDICT_DROP;
	return VERDICT_REDIRECT;
}

#endif
