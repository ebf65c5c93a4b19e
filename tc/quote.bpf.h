/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors on their way out. They quote the packet that they are about. If that packet was opened here,
 * the quote is plaintext: "port unreachable" would carry it back over the underlay in clear. So the quote is
 * cut to the IP and UDP headers. These travel in clear anyway, and the other side needs them to find its
 * socket (RFC 792 asks for no more).
 */
#ifndef XDPSEC_QUOTE_BPF_H
#define XDPSEC_QUOTE_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/icmp.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/policy_judge.bpf.h"

enum quote_verdict {
	QUOTE_NONE, /* no error, or about an unprotected flow, or without any payload of it */
	QUOTE_CUT,  /* headers of the usual lengths: can be cut */
	QUOTE_ODD,  /* other headers, or a redirect */
};

/* RFC 4861 section 4.5: target and destination, then options. */
#define QUOTE_REDIRECT_ADDRESSES 32
#define QUOTE_OPTION_REDIRECTED 4 /* section 4.6.3 */
/* Linux sends two at most. A message with more is dropped. */
#define QUOTE_OPTIONS_MAX 4

struct quote_option {
	u8 type;
	u8 units; /* length of the whole option, in 8 bytes */
	u8 reserved[6];
};

struct quote_redirected {
	struct ipv6hdr ip;
	struct udphdr udp;
};

/* Is UDP with this remote address protected on any port? */
static __always_inline bool quote_is_peers(const u32 remote[4])
{
	struct xdpsec_prefix prefix = policy_prefix(remote);

	return bpf_map_lookup_elem(&policies, &prefix);
}

/* Is the packet quoted by an ICMPv6 redirect, at offset at, of a protected flow? */
static __always_inline bool quote_redirects_protected(struct __sk_buff *skb, u32 at)
{
	struct quote_redirected quoted;
	struct packet packet = {};

	/* Too short for ports, so there is no payload behind them. */
	if (bpf_skb_load_bytes(skb, at, &quoted, sizeof(quoted)))
		return false;
	__builtin_memcpy(packet.source, quoted.ip.saddr.in6_u.u6_addr32, 16);
	__builtin_memcpy(packet.destination, quoted.ip.daddr.in6_u.u6_addr32, 16);
	packet.source_port = bpf_ntohs(quoted.udp.source);
	packet.destination_port = bpf_ntohs(quoted.udp.dest);
	if (quoted.ip.nexthdr == IPPROTO_UDP)
		return policy_protects_quoted(&packet, packet.source) ||
		       policy_protects_quoted(&packet, packet.destination);
	/* Only the first next header is checked: a walk through extension headers is not worth the code. */
	return packet_may_be_udp(quoted.ip.nexthdr) &&
	       (quote_is_peers(packet.source) || quote_is_peers(packet.destination));
}

/* Judge an ICMPv6 redirect whose addresses start at offset at. A call of its own, as it is rare and needs
 * stack. */
static __noinline int quote_redirect(struct __sk_buff *skb, u32 at)
{
	struct quote_option option;
	int i;

	at += QUOTE_REDIRECT_ADDRESSES;
	for (i = 0; i < QUOTE_OPTIONS_MAX; i++) {
		if (at >= skb->len)
			return QUOTE_NONE;
		if (bpf_skb_load_bytes(skb, at, &option, sizeof(option)) || !option.units)
			return QUOTE_ODD;
		if (option.type == QUOTE_OPTION_REDIRECTED)
			return quote_redirects_protected(skb, at + sizeof(option)) ? QUOTE_ODD : QUOTE_NONE;
		at += option.units * sizeof(option);
	}
	return at >= skb->len ? QUOTE_NONE : QUOTE_ODD;
}

/* Judge the ICMP message at the cursor. usual: the IP header in front of it has no options. */
static __always_inline enum quote_verdict quote_judge(struct __sk_buff *skb, struct cursor *cursor, bool ipv6,
						      bool usual)
{
	struct icmp_error *icmp = cursor_take(cursor, sizeof(*icmp));
	struct packet quoted = {};
	bool redirect;
	u32 start;

	if (!icmp)
		return QUOTE_NONE;
	start = cursor->position - cursor->start;
	if (ipv6 && icmp->type == ICMPV6_REDIRECT)
		return quote_redirect(skb, start);
	if (!icmp_is_error(icmp->type, ipv6))
		return QUOTE_NONE;
	redirect = !ipv6 && icmp->type == ICMP_REDIRECT;
	if (ipv6)
		packet_ipv6(cursor, &quoted, 0);
	else
		packet_ipv4(cursor, &quoted, 0);
	if (quoted.kind != PACKET_UDP || (cursor->position == cursor->end && !redirect))
		return QUOTE_NONE;
	/* A packet of the peer to here, or one from here to the peer. */
	if (!policy_protects_quoted(&quoted, quoted.source) &&
	    !policy_protects_quoted(&quoted, quoted.destination))
		return QUOTE_NONE;
	if (redirect)
		return QUOTE_ODD;
	usual = usual && quoted.l4 - start == (ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	return usual ? QUOTE_CUT : QUOTE_ODD;
}

/* RFC 4884: clear the length of the quote, as extensions behind it are cut off too. An MTU is in other
 * bits. */
static __always_inline void quote_clear_length(struct icmp_error *icmp, bool ipv6)
{
	if (!ipv6)
		icmp->mtu_high = 0;
	else if (icmp->type != ICMPV6_PKT_TOOBIG)
		icmp->mtu_high &= bpf_htons(0xff);
}

/* Correct lengths and checksums. l3 is the offset of the IP header; the frame ends behind the quoted UDP
 * header. */
static __always_inline bool quote_finish(struct __sk_buff *skb, u32 l3, bool ipv6)
{
	void *start = (void *)(long)skb->data + l3, *end = (void *)(long)skb->data_end;
	struct icmp_error *icmp;

	if (ipv6) {
		const u32 length = sizeof(*icmp) + sizeof(struct ipv6hdr) + sizeof(struct udphdr);
		struct ipv6hdr *ip = start;
		u64 sum;

		icmp = (struct icmp_error *)(ip + 1);
		if ((void *)icmp + length > end)
			return false;
		ip->payload_len = bpf_htons(length);
		quote_clear_length(icmp, true);
		icmp->checksum = 0;
		sum = checksum_pseudo(ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32, true, length,
				      IPPROTO_ICMPV6);
		sum += (u32)bpf_csum_diff(NULL, 0, (__be32 *)icmp, length, 0);
		icmp->checksum = ~checksum_fold(sum);
	} else {
		const u32 length = sizeof(*icmp) + sizeof(struct iphdr) + sizeof(struct udphdr);
		struct iphdr *ip = start;
		u16 total = bpf_htons(sizeof(*ip) + length);

		icmp = (struct icmp_error *)(ip + 1);
		if ((void *)icmp + length > end)
			return false;
		ip->check = checksum_replace(ip->check, ip->tot_len, total);
		ip->tot_len = total;
		quote_clear_length(icmp, false);
		icmp->checksum = 0;
		icmp->checksum = ~checksum_fold((u32)bpf_csum_diff(NULL, 0, (__be32 *)icmp, length, 0));
	}
	return true;
}

/* Judge, and cut if needed, a packet that is not UDP. A call of its own, for its stack. */
static __noinline int quote_cut(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	struct cursor cursor = { data, data, (void *)(long)skb->data_end };
	bool ipv6, pppoe;
	__be16 protocol = packet_ethertype(&cursor, &pppoe);
	u32 l3 = cursor.position - data, length;
	enum quote_verdict verdict;

	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = cursor_take(&cursor, sizeof(*ip));
		u32 header_length;

		if (!ip || ip->protocol != IPPROTO_ICMP)
			return VERDICT_PASS;
		header_length = ip->ihl * 4;
		if (header_length < sizeof(*ip) || !cursor_take(&cursor, header_length - sizeof(*ip)))
			return VERDICT_PASS;
		ipv6 = false;
		verdict = quote_judge(skb, &cursor, false, header_length == sizeof(*ip));
		length = 2 * sizeof(*ip);
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = cursor_take(&cursor, sizeof(*ip));

		if (!ip || ip->nexthdr != IPPROTO_ICMPV6)
			return VERDICT_PASS;
		ipv6 = true;
		verdict = quote_judge(skb, &cursor, true, true);
		length = 2 * sizeof(*ip);
	} else {
		return VERDICT_PASS;
	}
	if (verdict == QUOTE_NONE)
		return VERDICT_PASS;
	barrier_var(l3);
	/* PPPoE has one more length to correct: not worth the code. */
	if (verdict == QUOTE_ODD || pppoe ||
	    l3 > sizeof(struct ethhdr) + PACKET_VLANS_MAX * sizeof(struct vlan_header))
		return drop(XDPSEC_DROP_QUOTED, XDPSEC_NO_SA);
	length += l3 + sizeof(struct icmp_error) + sizeof(struct udphdr);
	if (bpf_skb_change_tail(skb, length, 0) || !quote_finish(skb, l3, ipv6))
		return drop(XDPSEC_DROP_QUOTED, XDPSEC_NO_SA);
	return VERDICT_PASS;
}

#endif
