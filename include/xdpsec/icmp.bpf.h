/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors. The numbers are here because <linux/icmp.h> needs the C library. */
#ifndef XDPSEC_ICMP_BPF_H
#define XDPSEC_ICMP_BPF_H

#include "kernel.bpf.h"

#define ICMP_DEST_UNREACH 3
#define ICMP_HOST_UNREACH 1
#define ICMP_FRAG_NEEDED 4
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_CONVERSION_FAILED 31 /* RFC 1475 */
#define ICMP_SECURITY_FAILURES 40 /* RFC 2521 */
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_ADDR_UNREACH 3
#define ICMPV6_PKT_TOOBIG 2
#define ICMPV6_REDIRECT 137
#define ICMPV6_INFOMSG_MASK 0x80 /* RFC 4443 section 2.1: types from here on are not errors */

/* The first 8 bytes of all errors. One layout serves both messages of path MTU discovery: RFC 1191 has 16
 * unused bits and 16 of MTU where RFC 4443 has 32 of MTU. */
struct icmp_error {
	u8 type;
	u8 code;
	__be16 checksum;
	__be16 mtu_high;
	__be16 mtu_low;
};

/* Does a message of this type quote a packet behind its first 8 bytes? (An ICMPv6 redirect quotes in an
 * option: tc/quote.bpf.h.) */
static __always_inline bool icmp_is_error(u8 type, bool ipv6)
{
	if (ipv6)
		return !(type & ICMPV6_INFOMSG_MASK);
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB || type == ICMP_CONVERSION_FAILED ||
	       type == ICMP_SECURITY_FAILURES;
}

#endif
