// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing a frame with what came out of a program. */
#include <string.h>

#include "unit/icmp.h"
#include "same.h"
#include "xdpsec/wire.h"

enum {
	TOTAL_LENGTH = 2, /* offsets in IPv4's header */
	HEADER_CHECKSUM = 10,
	PAYLOAD_LENGTH = 4, /* in IPv6's */
	UDP_LENGTH = 4,	    /* in UDP's */
	UDP_CHECKSUM = 6,
	ICMP_CHECKSUM = 2, /* in ICMP's */
	ICMP_MTU = 6,
	TCP_LEN = 20, /* TCP's header, and the checksum in it */
	TCP_CHECKSUM = 16,
	TCP_FLAGS = 13,
	TCP_SYN = 2,
	TCP_OPTION_MSS = 2,
};

bool same_frames(const struct frame *a, const struct frame *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* In ones' complement there are two zeros. */
static uint32_t one_zero(uint32_t sum)
{
	return sum == 0xffff ? 0 : sum;
}

bool same_sum(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	return one_zero(checksum_bytes(0, a, n)) == one_zero(checksum_bytes(0, b, m));
}

/* To the header at ip, which has got another length, comes the checksum of the one at got, if that is right.
 */
static bool take_header_checksum(uint8_t *ip, const uint8_t *got, const uint8_t *before)
{
	size_t header = (before[0] & 15) * 4;

	memcpy(ip + HEADER_CHECKSUM, got + HEADER_CHECKSUM, 2);
	return same_sum(got, header, before, header);
}

bool same_around(const struct frame *got, const struct frame *frame, const struct view *view, size_t payload)
{
	static struct frame want;
	size_t at = view_payload(view), before = view_payload_length(view), behind = at + before;
	uint8_t *ip = want.bytes + view->network, *udp = want.bytes + view->transport;
	const uint8_t *got_ip = got->bytes + view->network, *got_udp = got->bytes + view->transport;
	size_t change = payload - before;

	if (got->length != frame->length + change)
		return false;
	memcpy(want.bytes, frame->bytes, at);
	memcpy(want.bytes + at, got->bytes + at, payload);
	memcpy(want.bytes + at + payload, frame->bytes + behind, frame->length - behind);
	write16(udp + UDP_LENGTH, view->udp_length + change);
	if (view->family == 4) {
		write16(ip + TOTAL_LENGTH, view->ip_length + change);
		if (!take_header_checksum(ip, got_ip, frame->bytes + view->network))
			return false;
	} else {
		write16(ip + PAYLOAD_LENGTH, view->ip_length + change - IPV6_LEN);
	}
	if (read16(udp + UDP_CHECKSUM)) {
		uint32_t sum = checksum_pseudo_header(view->family, got_ip, PROTOCOL_UDP, UDP_LEN + payload);

		memcpy(udp + UDP_CHECKSUM, got_udp + UDP_CHECKSUM, 2);
		if (!read16(udp + UDP_CHECKSUM) || checksum_bytes(sum, got_udp, UDP_LEN + payload) != 0xffff)
			return false;
	}
	return memcmp(got->bytes, want.bytes, got->length) == 0;
}

/* ---- ICMP -------------------------------------------------------------------------------------------- */

/* From the IP header at ip to the end of its packet. */
static bool icmp_checksum_holds(const uint8_t *ip, int family, size_t header, size_t length)
{
	uint32_t sum = family == 4 ? 0 : checksum_pseudo_header(6, ip, PROTOCOL_ICMPV6, length);

	return checksum_bytes(sum, ip + header, length) == 0xffff;
}

bool same_but_cut(const struct frame *got, const struct frame *frame, const struct view *view)
{
	static struct frame want;
	size_t header = view->family == 4 ? IPV4_LEN : IPV6_LEN, icmp = view->network + header;
	uint8_t *ip = want.bytes + view->network, *message = want.bytes + icmp;
	size_t length = ICMP_HEADER_LEN + header + UDP_LEN;

	/* A packet that is cut has no options, and its quote has none. A frame may end where it is cut,
	 * with other lengths in its headers. */
	if (got->length != icmp + length || got->length > frame->length)
		return false;
	memcpy(want.bytes, frame->bytes, got->length);
	if (view->family == 4) {
		write16(ip + TOTAL_LENGTH, header + length);
		if (!take_header_checksum(ip, got->bytes + view->network, frame->bytes + view->network))
			return false;
	} else {
		write16(ip + PAYLOAD_LENGTH, length);
	}
	/* RFC 4884: the length of the quote is in one of these, which are otherwise unused. */
	if (view->family == 4)
		memset(message + 4, 0, 2);
	else if (message[0] != ICMPV6_PACKET_TOO_BIG)
		message[4] = 0;
	memcpy(message + ICMP_CHECKSUM, got->bytes + icmp + ICMP_CHECKSUM, 2);
	return memcmp(got->bytes, want.bytes, got->length) == 0 &&
	       icmp_checksum_holds(got->bytes + view->network, view->family, header, length);
}

bool same_but_lowered(const struct frame *got, const struct frame *frame, const struct view *view)
{
	static struct frame want;
	size_t icmp = view_icmp(view, frame->bytes, frame->length);
	uint8_t *message = want.bytes + icmp;

	if (!icmp || got->length != frame->length)
		return false;
	memcpy(want.bytes, frame->bytes, frame->length);
	write16(message + ICMP_MTU, read16(frame->bytes + icmp + ICMP_MTU) - XDPSEC_OVERHEAD);
	memcpy(message + ICMP_CHECKSUM, got->bytes + icmp + ICMP_CHECKSUM, 2);
	return memcmp(got->bytes, want.bytes, got->length) == 0 &&
	       same_sum(got->bytes + icmp, ICMP_HEADER_LEN, frame->bytes + icmp, ICMP_HEADER_LEN);
}

bool is_answer(const struct frame *answer, const struct frame *frame, const struct view *view, size_t *length)
{
	static struct frame moved;
	bool ipv4 = view->family == 4;
	size_t header = ipv4 ? IPV4_LEN : IPV6_LEN, most = ipv4 ? 96 : 128, quote;
	const uint8_t *ip = moved.bytes + ETHERNET_LEN, *icmp = ip + header;
	unsigned int tags = (view->network - ETHERNET_LEN) / VLAN_LEN;

	/* A tag that is still in the frame stays there. */
	moved = *answer;
	if (memcmp(answer->bytes + 12, frame->bytes + 12, view->network - 12) != 0)
		return false;
	for (unsigned int i = 0; i < tags; i++)
		frame_untag(&moved);
	if (moved.length < ETHERNET_LEN + header + ICMP_HEADER_LEN || !frame_checksums_hold(&moved) ||
	    memcmp(moved.bytes, frame->bytes + 6, 6) != 0 || memcmp(moved.bytes + 6, frame->bytes, 6) != 0)
		return false;
	quote = (ipv4 ? read16(ip + TOTAL_LENGTH) - IPV4_LEN : read16(ip + PAYLOAD_LENGTH)) - ICMP_HEADER_LEN;
	*length = view->network + header + ICMP_HEADER_LEN + quote;
	if (ipv4 &&
	    (ip[0] != 0x45 || ip[9] != PROTOCOL_ICMP || icmp[0] != ICMP_UNREACHABLE ||
	     memcmp(ip + 12, view->destination + 12, 4) != 0 || memcmp(ip + 16, view->source + 12, 4) != 0))
		return false;
	if (!ipv4 && (ip[6] != PROTOCOL_ICMPV6 ||
		      (icmp[0] != ICMPV6_PACKET_TOO_BIG && icmp[0] != ICMPV6_UNREACHABLE) || ip[7] != 64 ||
		      memcmp(ip + 8, view->destination, 16) != 0 || memcmp(ip + 24, view->source, 16) != 0))
		return false;
	/* No more of the plaintext than the sender needs. */
	return quote <= most && view->network + quote <= frame->length &&
	       memcmp(icmp + ICMP_HEADER_LEN, frame->bytes + view->network, quote) == 0;
}

/* ---- inside of a tunnel ------------------------------------------------------------------------------ */

/* The offset of the first MSS value of a SYN in the segment at tcp; 0: there is none. */
static size_t mss_at(const uint8_t *tcp, size_t n)
{
	size_t end = (tcp[12] >> 4) * 4, at = TCP_LEN;

	if (!(tcp[TCP_FLAGS] & TCP_SYN) || end > n)
		return 0;
	while (at + 4 <= end && tcp[at] != 0 && tcp[at] != TCP_OPTION_MSS) {
		if (tcp[at] != 1 && tcp[at + 1] < 2)
			return 0;
		at += tcp[at] == 1 ? 1 : tcp[at + 1];
	}
	return at + 4 <= end && tcp[at] == TCP_OPTION_MSS && tcp[at + 1] == 4 ? at + 2 : 0;
}

static bool same_but_mss(const uint8_t *got, const uint8_t *tcp, size_t n)
{
	static uint8_t want[FRAME_MAX];
	size_t at = n >= TCP_LEN ? mss_at(tcp, n) : 0;

	if (!at || read16(got + at) >= read16(tcp + at))
		return false;
	memcpy(want, tcp, n);
	memcpy(want + at, got + at, 2);
	memcpy(want + TCP_CHECKSUM, got + TCP_CHECKSUM, 2);
	return memcmp(got, want, n) == 0 && same_sum(got, n, tcp, n);
}

/* DSCP and ECN are the caller's to look at. */
static bool same_header(const uint8_t *got, const uint8_t *ip, size_t header)
{
	uint8_t want[60];

	memcpy(want, ip, header);
	if (ip[0] >> 4 == 4) {
		want[1] = got[1];
		memcpy(want + HEADER_CHECKSUM, got + HEADER_CHECKSUM, 2);
		if (!same_sum(got, header, ip, header))
			return false;
	} else {
		want[0] = (ip[0] & 0xf0) | (got[0] & 0x0f);
		want[1] = (ip[1] & 0x0f) | (got[1] & 0xf0);
	}
	return memcmp(got, want, header) == 0;
}

bool same_inside(const uint8_t *got, const uint8_t *packet, size_t n)
{
	size_t header;

	if (!n)
		return true;
	header = packet[0] >> 4 == 4 ? (packet[0] & 15) * 4 : IPV6_LEN;
	if (header > n || !same_header(got, packet, header))
		return false;
	if (memcmp(got + header, packet + header, n - header) == 0)
		return true;
	return packet[packet[0] >> 4 == 4 ? 9 : 6] == PROTOCOL_TCP &&
	       same_but_mss(got + header, packet + header, n - header);
}
