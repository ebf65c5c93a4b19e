/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only parser, for both directions: from an Ethernet frame (or one of a PPPoE session) to its UDP header.
 *
 * On an error it leaves the fields that it has read so far. A packet with bad lengths is dropped if its
 * remote address is protected, and passes otherwise; so the caller needs the addresses.
 */
#ifndef XDPSEC_PACKET_BPF_H
#define XDPSEC_PACKET_BPF_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "kernel.bpf.h"
#include "abi.h"

#define PACKET_VLANS_MAX 2
/* The highest offset at which headers in front of a UDP payload may end. Packets with longer headers are
 * neither sealed nor opened. A power of two, for masks. */
#define PACKET_HEADERS_MAX 512
/* Hop-by-hop, destination, routing, fragment, and destination again (RFC 8200 section 4.1), and as many
 * more; a longer chain is malformed. */
#define PACKET_EXTENSIONS_MAX 8

#define IP_FRAGMENT_OFFSET 0x1fff
#define IP_MORE_FRAGMENTS 0x2000

enum packet_kind {
	PACKET_OTHER,	  /* not IP, or certainly not UDP */
	PACKET_UDP,	  /* whole, or the first fragment: ports and lengths are known */
	PACKET_FRAGMENT,  /* a later fragment of what may be UDP: no ports */
	PACKET_MALFORMED, /* IP with readable addresses and an unreadable rest */
};

struct packet {
	enum packet_kind kind;
	bool ipv6;
	bool first_fragment;
	bool bad_lengths;		   /* the lengths of frame, IP and UDP do not agree */
	bool pppoe;			   /* struct pppoe_header is in front of the IP header */
	u32 l3, l4;			   /* offsets of the IP and the UDP header in the frame */
	u32 ip_length;			   /* of the IP packet, with its header */
	u32 udp_length;			   /* of the UDP datagram, with its header, as IP has it */
	u32 id_be;			   /* of a fragment */
	u16 source_port, destination_port; /* host byte order */
	u16 checksum;			   /* of UDP, as it lies in memory; 0: none */
	/* Format of struct xdpsec_prefix.address; in words, as the compiler copies bytes one by one. */
	u32 source[4], destination[4];
};

/* Copy both addresses of an Ethernet header, 12 octets that begin at a word. In words, as above. */
static __always_inline void packet_copy_ethernet(void *to, const void *from)
{
	const u32 *source = from;
	u32 *words = to;

	words[0] = source[0];
	words[1] = source[1];
	words[2] = source[2];
}

struct cursor {
	void *position;
	void *start;
	void *end;
};

struct vlan_header {
	__be16 tci;
	__be16 protocol;
};

/* RFC 2516 section 4, with the PPP protocol, which is never compressed there (section 7). */
struct pppoe_header {
	u8 version_type;
	u8 code;
	__be16 session;
	__be16 length; /* of the rest, with the PPP protocol */
	__be16 protocol;
};

#define PPPOE_SESSION 0 /* code */
#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

struct ipv6_extension {
	u8 next_header;
	u8 length; /* in 8 bytes, without the first 8 */
	u8 type;   /* of a routing header */
	u8 segments_left;
};

struct ipv6_fragment {
	u8 next_header;
	u8 reserved;
	__be16 offset; /* 13 bits in 8 bytes, 2 reserved, 1 more fragments */
	__be32 id;
};

static __always_inline void *cursor_take(struct cursor *cursor, u32 length)
{
	void *taken = cursor->position;

	if (taken + length > cursor->end)
		return NULL;
	cursor->position = taken + length;
	return taken;
}

/* The Ethernet type of the packet in a PPPoE session. That of the session itself if it is neither IPv4 nor
 * IPv6. */
static __always_inline __be16 packet_in_pppoe(struct cursor *cursor)
{
	const struct pppoe_header *pppoe = cursor_take(cursor, sizeof(*pppoe));

	if (!pppoe || pppoe->code != PPPOE_SESSION)
		return bpf_htons(ETH_P_PPP_SES);
	if (pppoe->protocol == bpf_htons(PPP_IPV4))
		return bpf_htons(ETH_P_IP);
	return pppoe->protocol == bpf_htons(PPP_IPV6) ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_PPP_SES);
}

/* The protocol behind Ethernet, its VLAN tags and PPPoE, network byte order; 0: too short. */
static __always_inline __be16 packet_ethertype(struct cursor *cursor, bool *pppoe)
{
	struct ethhdr *ethernet = cursor_take(cursor, sizeof(*ethernet));
	__be16 protocol;
	int i;

	if (!ethernet)
		return 0;
	protocol = ethernet->h_proto;
#pragma unroll
	for (i = 0; i < PACKET_VLANS_MAX; i++) {
		struct vlan_header *vlan;

		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		vlan = cursor_take(cursor, sizeof(*vlan));
		if (!vlan)
			return 0;
		protocol = vlan->protocol;
	}
	*pppoe = protocol == bpf_htons(ETH_P_PPP_SES);
	return *pppoe ? packet_in_pppoe(cursor) : protocol;
}

static __always_inline void packet_udp(struct cursor *cursor, struct packet *packet)
{
	struct udphdr *udp;

	packet->l4 = cursor->position - cursor->start;
	udp = cursor_take(cursor, sizeof(*udp));
	if (!udp) {
		/* A first fragment this short hides its ports on purpose. */
		packet->kind = packet->first_fragment ? PACKET_FRAGMENT : PACKET_MALFORMED;
		return;
	}
	packet->kind = PACKET_UDP;
	packet->source_port = bpf_ntohs(udp->source);
	packet->destination_port = bpf_ntohs(udp->dest);
	packet->checksum = udp->check;
	if (packet->udp_length < sizeof(*udp) || bpf_ntohs(udp->len) != packet->udp_length)
		packet->bad_lengths = true;
}

static __always_inline void packet_map_ipv4(u32 mapped[4], const __be32 *address)
{
	mapped[0] = 0;
	mapped[1] = 0;
	mapped[2] = bpf_htonl(0xffff);
	mapped[3] = *address;
}

static __always_inline void packet_ipv4(struct cursor *cursor, struct packet *packet, u32 frame_length)
{
	struct iphdr *ip = cursor_take(cursor, sizeof(*ip));
	u32 header_length, fragment;

	if (!ip)
		return;
	packet_map_ipv4(packet->source, &ip->saddr);
	packet_map_ipv4(packet->destination, &ip->daddr);
	if (ip->protocol != IPPROTO_UDP)
		return;
	packet->kind = PACKET_MALFORMED;
	header_length = ip->ihl * 4;
	/* Without this the compiler would compare the field instead, and the verifier would know nothing
	 * of this bound. */
	barrier_var(header_length);
	packet->ip_length = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || header_length < sizeof(*ip) ||
	    !cursor_take(cursor, header_length - sizeof(*ip)))
		return;
	if (packet->ip_length < header_length || packet->l3 + packet->ip_length > frame_length)
		packet->bad_lengths = true;
	packet->udp_length = packet->ip_length - header_length;
	fragment = bpf_ntohs(ip->frag_off);
	packet->id_be = ip->id;
	if (fragment & IP_FRAGMENT_OFFSET) {
		packet->kind = PACKET_FRAGMENT;
		return;
	}
	packet->first_fragment = fragment & IP_MORE_FRAGMENTS;
	packet_udp(cursor, packet);
}

/* Could UDP follow? Only the first fragment shows what follows a later fragment's header. These values
 * cannot lead to UDP. */
static __always_inline bool packet_may_be_udp(u8 next_header)
{
	return next_header != IPPROTO_TCP && next_header != IPPROTO_ICMPV6 && next_header != IPPROTO_ESP &&
	       next_header != IPPROTO_SCTP && next_header != IPPROTO_GRE;
}

/* Read the fixed header. False: there are no others behind it. */
static __always_inline bool packet_ipv6_header(struct cursor *cursor, struct packet *packet, u32 frame_length,
					       u8 *next_header)
{
	struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));

	if (!ip)
		return false;
	__builtin_memcpy(packet->source, ip->saddr.in6_u.u6_addr32, 16);
	__builtin_memcpy(packet->destination, ip->daddr.in6_u.u6_addr32, 16);
	*next_header = ip->nexthdr;
	packet->ipv6 = true;
	packet->ip_length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (packet->l3 + packet->ip_length > frame_length)
		packet->bad_lengths = true;
	if (ip->version == 6)
		return true;
	packet->kind = PACKET_MALFORMED;
	return false;
}

static __always_inline void packet_ipv6(struct cursor *cursor, struct packet *packet, u32 frame_length)
{
	u32 headers = 0;
	u8 next_header;
	int i;

	if (!packet_ipv6_header(cursor, packet, frame_length, &next_header))
		return;
	for (i = 0; i < PACKET_EXTENSIONS_MAX; i++) {
		if (next_header == IPPROTO_UDP) {
			/* Wraps if the extension headers reach beyond the payload: the lengths are bad
			 * then. */
			packet->udp_length = packet->ip_length - sizeof(struct ipv6hdr) - headers;
			if (headers > packet->ip_length - sizeof(struct ipv6hdr))
				packet->bad_lengths = true;
			packet_udp(cursor, packet);
			return;
		}
		if (next_header == IPPROTO_FRAGMENT) {
			struct ipv6_fragment *fragment = cursor_take(cursor, sizeof(*fragment));

			packet->kind = PACKET_MALFORMED;
			if (!fragment)
				return;
			next_header = fragment->next_header;
			headers += sizeof(*fragment);
			packet->id_be = fragment->id;
			if (fragment->offset & bpf_htons(0xfff8)) {
				packet->kind = packet_may_be_udp(next_header) ? PACKET_FRAGMENT
									      : PACKET_OTHER;
				return;
			}
			/* Neither offset nor more fragments: an atomic fragment (RFC 6946), as good as whole. */
			packet->first_fragment = fragment->offset & bpf_htons(1);
		} else if (next_header == IPPROTO_HOPOPTS || next_header == IPPROTO_ROUTING ||
			   next_header == IPPROTO_DSTOPTS) {
			struct ipv6_extension *extension = cursor_take(cursor, 8);
			u32 rest;

			packet->kind = PACKET_MALFORMED;
			if (!extension)
				return;
			/* On its way to another node first: the destination is neither the flow's remote
			 * address nor the one in the checksum. */
			if (next_header == IPPROTO_ROUTING && extension->segments_left)
				return;
			next_header = extension->next_header;
			rest = extension->length * 8;
			if (!cursor_take(cursor, rest))
				return;
			headers += 8 + rest;
		} else {
			packet->kind = PACKET_OTHER;
			return;
		}
	}
	packet->kind = PACKET_MALFORMED;
}

/*
 * Can it be the address of a host beyond a wire? Not 0.0.0.0/8, 127.0.0.0/8, groups and broadcast (RFC 1122
 * section 3.2.1.3), nor ::, ::1, IPv4 in IPv6 and groups (RFC 4291 section 2.4).
 */
static __always_inline bool packet_is_host(const u32 address[4], bool ipv6)
{
	u8 first = ipv6 ? address[0] : address[3]; /* little-endian: the first byte in memory */

	if (ipv6)
		return first != 0xff && (address[0] | address[1]);
	return first != 0 && first != 127 && first < 224;
}

/* Is the destination a group, or the broadcast address? */
static __always_inline bool packet_is_to_group(const struct packet *packet)
{
	u8 first = packet->ipv6 ? packet->destination[0] : packet->destination[3]; /* little-endian */

	return packet->ipv6 ? first == 0xff : first >= 224;
}

/* frame_length also counts the part outside of [data, data_end). */
static __always_inline void packet_parse(struct packet *packet, void *data, void *data_end, u32 frame_length)
{
	struct cursor cursor = { data, data, data_end };
	bool pppoe = false;
	__be16 protocol = packet_ethertype(&cursor, &pppoe);

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->pppoe = pppoe;
	packet->l3 = cursor.position - data;
	if (protocol == bpf_htons(ETH_P_IP))
		packet_ipv4(&cursor, packet, frame_length);
	else if (protocol == bpf_htons(ETH_P_IPV6))
		packet_ipv6(&cursor, packet, frame_length);
}

#endif
