/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Internet checksum (RFC 1071). Its sums do not depend on byte order, so everything is added as it lies
 * in memory.
 */
#ifndef XDPSEC_CHECKSUM_BPF_H
#define XDPSEC_CHECKSUM_BPF_H

#include "kernel.bpf.h"
#include "packet.bpf.h"

static __always_inline u16 checksum_fold(u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 1624 equation 3, for one 16-bit field. */
static __always_inline u16 checksum_replace(u16 checksum, u16 before, u16 after)
{
	return ~checksum_fold((u64)(u16)~checksum + (u16)~before + after);
}

/* The pseudo header of RFC 768 and RFC 8200 section 8.1. Addresses are those of struct packet: an IPv4
 * address is the last word, and the constant words of its mapping are left out. */
static __always_inline u64 checksum_pseudo(const u32 s[4], const u32 d[4], bool ipv6, u16 length, u8 protocol)
{
	u64 sum = (u64)s[3] + d[3] + bpf_htons(length) + bpf_htons(protocol);

	if (ipv6)
		sum += (u64)s[0] + s[1] + s[2] + d[0] + d[1] + d[2];
	return sum;
}

/* The sum over pseudo header and UDP header, with this length and checksum. */
static __always_inline u64 checksum_udp_headers(const struct packet *packet, u32 udp_length, u16 checksum)
{
	return checksum_pseudo(packet->source, packet->destination, packet->ipv6, udp_length, IPPROTO_UDP) +
	       bpf_htons(packet->source_port) + bpf_htons(packet->destination_port) + bpf_htons(udp_length) +
	       checksum;
}

/* The value for a UDP header: zero would mean that there is no checksum (RFC 768). */
static __always_inline u16 checksum_finish(u64 sum)
{
	u16 checksum = ~checksum_fold(sum);

	return checksum ?: 0xffff;
}

/*
 * Correct the headers after the packet has grown (or shrunk) by this many bytes behind its UDP header: the
 * lengths of IP, UDP and PPPoE, and the checksum of IPv4. The caller sets the UDP checksum in the header that
 * is returned. NULL: beyond the frame.
 */
static __always_inline struct udphdr *checksum_resize(const struct packet *packet, void *data, void *data_end,
						      const int by)
{
	u32 l3 = packet->l3 & (PACKET_HEADERS_MAX - 1), l4 = packet->l4 & (PACKET_HEADERS_MAX - 1);
	struct udphdr *udp;

	if (packet->pppoe) {
		__be16 *length = data +
				 ((packet->l3 - 4) & (PACKET_HEADERS_MAX - 1)); /* pppoe_header.length */

		if ((void *)(length + 1) > data_end)
			return NULL;
		*length = bpf_htons(bpf_ntohs(*length) + by);
	}
	if (packet->ipv6) {
		struct ipv6hdr *ip = data + l3;

		if ((void *)(ip + 1) > data_end)
			return NULL;
		ip->payload_len = bpf_htons(packet->ip_length + by - sizeof(*ip));
	} else {
		struct iphdr *ip = data + l3;
		u16 length = bpf_htons(packet->ip_length + by);

		if ((void *)(ip + 1) > data_end)
			return NULL;
		ip->check = checksum_replace(ip->check, ip->tot_len, length);
		ip->tot_len = length;
	}
	udp = data + l4;
	if ((void *)(udp + 1) > data_end)
		return NULL;
	udp->len = bpf_htons(packet->udp_length + by);
	return udp;
}

#endif
