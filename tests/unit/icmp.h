/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames with ICMP or ICMPv6 messages that quote a packet. */
#ifndef XDPSEC_UNIT_ICMP_H
#define XDPSEC_UNIT_ICMP_H

#include "packet.h"

enum {
	ICMP_HEADER_LEN = 8,
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_PORT_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_PORT_UNREACHABLE = 4,
	ICMPV6_PACKET_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
	ICMPV6_PARAMETER_PROBLEM = 4,
	ICMPV6_ECHO = 128,
	ICMPV6_REDIRECT = 137,
	ICMP_QUOTE_MAX = 512,
};

struct icmp_message {
	struct packet outer; /* addresses, VLANs, options; what it carries is the message */
	uint8_t type, code;
	uint32_t rest;	     /* of the header: RFC 1191's and RFC 4443's MTU, RFC 4884's length */
	struct packet about; /* whole; of the same family */
	size_t quoted;	     /* bytes of it, at most ICMP_QUOTE_MAX */
};

/* From source (of the message's family) to LOCAL4 or LOCAL6; or the other way with packet_reversed(outer). */
struct packet icmp_outer(const char *source);

void icmp_build(struct frame *frame, const struct icmp_message *message);

#endif
