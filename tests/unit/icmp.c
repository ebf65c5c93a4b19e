// SPDX-License-Identifier: GPL-2.0-or-later
/* Building ICMP and ICMPv6 messages. */
#undef NDEBUG /* the assertions here have effects */
#include <assert.h>
#include <string.h>

#include "icmp.h"

struct packet icmp_outer(const char *source)
{
	struct packet packet = packet_reversed(packet_udp(source, 0, NULL, 0));

	packet.no_udp = true;
	packet.protocol = packet.family == 6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
	return packet;
}

static void write_header(uint8_t *icmp, const struct icmp_message *message, uint16_t checksum)
{
	icmp[0] = message->type;
	icmp[1] = message->code;
	write16(icmp + 2, checksum);
	write32(icmp + 4, message->rest);
}

void icmp_build(struct frame *frame, const struct icmp_message *message)
{
	uint8_t body[ICMP_HEADER_LEN + ICMP_QUOTE_MAX];
	struct packet outer = message->outer, about = message->about;
	struct frame quoted;

	about.vlans = 0;
	packet_build(&quoted, &about);
	assert(message->quoted <= ICMP_QUOTE_MAX && message->quoted <= quoted.length - ETHERNET_LEN);
	memcpy(body + ICMP_HEADER_LEN, quoted.bytes + ETHERNET_LEN, message->quoted);
	outer.payload = body;
	outer.length = ICMP_HEADER_LEN + message->quoted;
	write_header(body, message, 0);
	write_header(body, message, packet_payload_checksum(&outer));
	packet_build(frame, &outer);
}
