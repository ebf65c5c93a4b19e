/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Internet checksum (RFC 1071). Its sums do not care for byte order, so that everything is added as it
 * lies in memory.
 */
#ifndef XDPSEC_CHECKSUM_BPF_H
#define XDPSEC_CHECKSUM_BPF_H

#include "kernel.bpf.h"

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

/* The pseudo header of RFC 768 and RFC 8200 section 8.1 over addresses as struct packet has them: an IPv4
 * address is in the last word, and the constant words of its mapping are left out. */
static __always_inline u64 checksum_pseudo(const u32 s[4], const u32 d[4], bool ipv6, u16 length, u8 protocol)
{
	u64 sum = (u64)s[3] + d[3] + bpf_htons(length) + bpf_htons(protocol);

	if (ipv6)
		sum += (u64)s[0] + s[1] + s[2] + d[0] + d[1] + d[2];
	return sum;
}

/* As it goes into a UDP header: zero would say that there is none (RFC 768). */
static __always_inline u16 checksum_finish(u64 sum)
{
	u16 checksum = ~checksum_fold(sum);

	return checksum ?: 0xffff;
}

#endif
