/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router on the path says how large a packet may be (RFC 1191 section 3, RFC 4443 section 3.2): the
 * message, on its way in, and the packet that it quotes.
 *
 * Nothing proves such a message. Whoever believes one lets it lower an MTU, and no more.
 */
#ifndef XDPSEC_TOO_BIG_BPF_H
#define XDPSEC_TOO_BIG_BPF_H

#include "xdpsec/icmp.bpf.h"
#include "xdpsec/packet.bpf.h"

struct too_big {
	struct icmp_error *icmp;
	/* Whose packet it was. It is not whole, so that its lengths say nothing. */
	struct packet quoted;
};

/* The cursor, which is at the ICMP or ICMPv6 header, is left behind the headers of the packet quoted. */
static __always_inline bool too_big_read(struct cursor *cursor, struct too_big *message, bool ipv6)
{
	struct icmp_error *icmp = cursor_take(cursor, sizeof(*icmp));

	if (!icmp)
		return false;
	if (ipv6 ? icmp->type != ICMPV6_PKT_TOOBIG
		 : icmp->type != ICMP_DEST_UNREACH || icmp->code != ICMP_FRAG_NEEDED)
		return false;
	/* ICMPv6 has 32 bits; what does not fit 16 is no MTU of a path that sealed packets take. */
	if (ipv6 && icmp->mtu_high)
		return false;
	*message = (struct too_big){ .icmp = icmp };
	if (ipv6)
		packet_ipv6(cursor, &message->quoted, 0);
	else
		packet_ipv4(cursor, &message->quoted, 0);
	return message->quoted.kind == PACKET_UDP;
}

/* Is this frame one, about a UDP packet? The cursor is at its start; message is for when it is. */
static __always_inline bool too_big_find(struct cursor *cursor, struct too_big *message)
{
	__be16 protocol = packet_ethertype(cursor);

	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = cursor_take(cursor, sizeof(*ip));

		/* Routers send these without options and in one piece. */
		return ip && ip->protocol == IPPROTO_ICMP && ip->version == 4 && ip->ihl == 5 &&
		       !(ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)) &&
		       too_big_read(cursor, message, false);
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));

		return ip && ip->nexthdr == IPPROTO_ICMPV6 && too_big_read(cursor, message, true);
	}
	return false;
}

#endif
