/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router's message about a packet that is too big (RFC 1191 section 3, RFC 4443 section 3.2), and the
 * packet that it quotes.
 *
 * Anybody can send such a message. But only somebody who has seen a packet of ours can quote it beyond the
 * UDP header: its SPI, and a sequence number used lately. Routers quote that much (RFC 1812 section 4.3.2.3,
 * RFC 4443 section 2.4 (c)). Those that quote 8 bytes, as in RFC 792, cannot be told from an attacker.
 * Callers that believe a message let it lower an MTU, and nothing else.
 */
#ifndef XDPSEC_TOO_BIG_BPF_H
#define XDPSEC_TOO_BIG_BPF_H

#include "xdpsec/icmp.bpf.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/packet.bpf.h"

/* The quoted sequence number may be this far behind the next one: a second at 10 Gbit/s. */
#define TOO_BIG_NUMBERS_BACK (1 << 20)

struct too_big {
	struct icmp_error *icmp;
	/* The quoted packet. It is not complete, so its lengths are not checked. */
	struct packet quoted;
	/* The sealed header of the quoted packet. False: it is not sealed, or the quote is too short. */
	bool has_header;
	u32 spi;
	u64 sequence;
};

/* Was a packet with this SPI and sequence number sent to the peer lately? */
static __always_inline bool too_big_is_sealed(u32 peer, u32 spi, u64 number)
{
	struct xdpsec_peer *known = bpf_map_lookup_elem(&peers, &peer);
	struct xdpsec_sequence *sequence;
	struct xdpsec_sa *sa;
	u32 slot;
	u64 next;

	if (!known)
		return false;
	slot = known->tx_sa;
	sa = bpf_map_lookup_elem(&sas, &slot);
	sequence = bpf_map_lookup_elem(&sequences, &slot);
	if (!sa || !sequence || sa->spi != spi)
		return false;
	next = sequence->next;
	return number < next && next - number <= TOO_BIG_NUMBERS_BACK;
}

static __always_inline void too_big_read_sealed(struct cursor *cursor, struct too_big *message)
{
	const struct xdpsec_header *header = cursor_take(cursor, sizeof(*header));

	if (!header)
		return;
	message->has_header = true;
	message->spi = bpf_ntohl(header->spi);
	message->sequence = bpf_be64_to_cpu(header->sequence);
}

/* The cursor is at the ICMP or ICMPv6 header. */
static __always_inline bool too_big_read(struct cursor *cursor, struct too_big *message, bool ipv6)
{
	struct icmp_error *icmp = cursor_take(cursor, sizeof(*icmp));

	if (!icmp)
		return false;
	if (ipv6 ? icmp->type != ICMPV6_PKT_TOOBIG
		 : icmp->type != ICMP_DEST_UNREACH || icmp->code != ICMP_FRAG_NEEDED)
		return false;
	/* ICMPv6 has 32 bits. An MTU of more than 16 bits is not that of a path for sealed packets. */
	if (ipv6 && icmp->mtu_high)
		return false;
	*message = (struct too_big){ .icmp = icmp };
	if (ipv6)
		packet_ipv6(cursor, &message->quoted, 0);
	else
		packet_ipv4(cursor, &message->quoted, 0);
	if (message->quoted.kind != PACKET_UDP)
		return false;
	too_big_read_sealed(cursor, message);
	return true;
}

/* Is this frame such a message, about a UDP packet? The cursor is at its start. message is filled in if
 * so. */
static __always_inline bool too_big_find(struct cursor *cursor, struct too_big *message)
{
	bool pppoe;
	__be16 protocol = packet_ethertype(cursor, &pppoe);

	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = cursor_take(cursor, sizeof(*ip));

		/* Routers send these without IP options and unfragmented. */
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
