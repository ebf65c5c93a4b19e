// SPDX-License-Identifier: GPL-2.0-or-later
/* Making packets by chance. */
#include <string.h>

#include "fuzz/chance.h"
#include "make.h"
#include "unit/site.h"

const uint8_t *make_payload(void)
{
	static uint8_t payload[MAKE_PAYLOAD_MAX];

	if (!payload[0] && !payload[1])
		fill_pattern(payload, sizeof(payload), 7);
	return payload;
}

size_t make_length(void)
{
	switch (below(10)) {
	case 0:
		return below(17);
	case 1:
		return below(600);
	case 2:
		return 1400 + below(100);
	case 3:
		return one_in(20) ? 3000 + below(13500) : below(300);
	default:
		return below(130);
	}
}

static void odd_ipv4(struct packet *packet)
{
	if (one_in(8))
		packet->options = 4 * below(11);
	if (one_in(12))
		packet->fragment = one_in(2) ? IPV4_MORE_FRAGMENTS : below(0x4000);
}

static void odd_ipv6(struct packet *packet)
{
	static const uint8_t types[] = { PROTOCOL_HOP_BY_HOP, PROTOCOL_ROUTING, PROTOCOL_FRAGMENT,
					 PROTOCOL_DESTINATION };

	if (one_in(6))
		for (uint32_t i = below(9); i > 0; i--) {
			uint8_t type = one_of(types);

			packet_extend(packet, type,
				      type == PROTOCOL_FRAGMENT ? 8 : 8 * (1 + below(one_in(8) ? 12 : 3)));
		}
	if (one_in(10))
		packet->fragment = one_in(3) ? below(65536) : IPV6_MORE_FRAGMENTS;
}

void make_odd(struct packet *packet)
{
	if (one_in(4))
		packet->vlans = 1 + below(2);
	if (packet->family == 4)
		odd_ipv4(packet);
	else
		odd_ipv6(packet);
	/* Few, so that the fragments of one are met. */
	if (one_in(4))
		packet->id = below(8);
	if (one_in(6))
		packet->udp_checksum = 0;
	if (one_in(30))
		packet->udp_checksum = below(65536);
	if (one_in(10))
		packet->padding = below(60);
	if (one_in(60))
		packet->udp_length = below(65536);
	if (one_in(60))
		packet->ip_length = below(65536);
	if (one_in(80))
		packet->ihl = below(16);
	if (one_in(80))
		packet->version = below(16);
	if (one_in(60))
		packet->protocol = below(256);
	if (one_in(100))
		packet->ethertype = below(65536);
}

static void damage_bits(struct frame *frame)
{
	for (uint32_t i = 1 + below(3); i > 0; i--)
		frame->bytes[below(frame->length)] ^= 1 << below(8);
}

/* Damage bytes where headers are. */
static void damage_bytes(struct frame *frame)
{
	for (uint32_t i = 1 + below(4); i > 0; i--)
		frame->bytes[below(frame->length < 110 ? frame->length : 110)] = chance();
}

/* Values that mean something: lengths at their ends, protocols, versions, types of Ethernet. */
static void damage_field(struct frame *frame)
{
	static const uint8_t values[] = { 0x00, 0x01, 0xff, 0x80, 0x11, 0x2c,
					  0x3b, 0x3c, 0x45, 0x60, 0x08, 0x86 };
	size_t at = 12 + below(60);

	if (at < frame->length)
		frame->bytes[at] = one_of(values);
}

static void damage_more(struct frame *frame)
{
	for (uint32_t i = below(40); i > 0 && frame->length < FRAME_MAX; i--)
		frame->bytes[frame->length++] = chance();
}

void make_damage(struct frame *frame)
{
	switch (below(8)) {
	case 0:
		damage_bits(frame);
		break;
	case 1:
		damage_bytes(frame);
		break;
	case 2:
		frame->length = ETHERNET_LEN + below(frame->length - ETHERNET_LEN + 1);
		break;
	case 3:
		damage_field(frame);
		break;
	case 4:
		damage_more(frame);
		break;
	}
}

/* A test run takes a page in each buffer at most. */
void make_buffers(struct frame *frame)
{
	enum { PAGE_HOLDS = 3500, SHORTEST = 64, LONGEST = 3000 };

	frame->linear = 0;
	if (frame->length <= 200 || (frame->length <= PAGE_HOLDS && !one_in(6)))
		return;
	frame->linear = SHORTEST + below(LONGEST);
	if (frame->linear > frame->length)
		frame->linear = frame->length;
}

enum { QUOTED_MAX = 200 };

static uint8_t icmp_type(int family)
{
	static const uint8_t types4[] = { ICMP_UNREACHABLE,
					  ICMP_UNREACHABLE,
					  ICMP_UNREACHABLE,
					  ICMP_TIME_EXCEEDED,
					  ICMP_PARAMETER_PROBLEM,
					  4 /* source quench */,
					  5 /* redirect */,
					  31,
					  40,
					  ICMP_ECHO,
					  ICMP_ECHO_REPLY };
	static const uint8_t types6[] = { ICMPV6_UNREACHABLE,
					  ICMPV6_PACKET_TOO_BIG,
					  ICMPV6_PACKET_TOO_BIG,
					  ICMPV6_TIME_EXCEEDED,
					  ICMPV6_PARAMETER_PROBLEM,
					  127 /* experiments */,
					  ICMPV6_ECHO,
					  137 /* redirect */ };

	return family == 4 ? one_of(types4) : one_of(types6);
}

const uint8_t *make_header(uint32_t spi, uint64_t number)
{
	static uint8_t payload[QUOTED_MAX];

	memcpy(payload, make_payload(), sizeof(payload));
	write32(payload, spi);
	write32(payload + 4, XDPSEC_NEXT_UDP << 24 | 1 << 16);
	write64(payload + 8, number);
	return payload;
}

void make_icmp(struct frame *frame, const char *remote, uint16_t port, const uint8_t *payload, bool outgoing)
{
	static struct frame whole;
	struct icmp_message message = { .about = packet_udp(remote, port, payload, below(QUOTED_MAX)) };
	struct packet *about = &message.about;

	if (about->family == 4 && one_in(4))
		about->options = 4 * below(10);
	if (about->family == 6 && one_in(6))
		packet_extend(about, PROTOCOL_DESTINATION, 8);
	if (one_in(2))
		*about = packet_reversed(*about);
	message.outer = icmp_outer(about->family == 4 ? (one_in(2) ? REMOTE_B4 : REMOTE_CLEAR4)
						      : (one_in(2) ? REMOTE_B6 : REMOTE_CLEAR6));
	if (outgoing)
		message.outer = packet_reversed(message.outer);
	if (one_in(5))
		message.outer.vlans = 1 + below(2);
	if (about->family == 4 && one_in(8))
		message.outer.options = 4 * below(10);
	message.type = icmp_type(about->family);
	message.code = one_in(2) ? ICMP_FRAGMENTATION_NEEDED : below(5);
	message.rest = one_in(3) ? below(65536) : 500 + below(1500);
	if (one_in(10))
		message.rest |= chance() << 16;
	packet_build(&whole, about);
	message.quoted = whole.length - ETHERNET_LEN - about->padding;
	if (one_in(3))
		message.quoted = below(message.quoted + 1);
	if (message.quoted > ICMP_QUOTE_MAX)
		message.quoted = ICMP_QUOTE_MAX;
	icmp_build(frame, &message);
}
