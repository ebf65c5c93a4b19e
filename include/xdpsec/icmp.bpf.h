/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two messages of path MTU discovery. The numbers are here because <linux/icmp.h> wants the C library.
 */
#ifndef XDPSEC_ICMP_BPF_H
#define XDPSEC_ICMP_BPF_H

#include "kernel.bpf.h"

#define ICMP_DEST_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMPV6_PKT_TOOBIG 2

/* Both have one layout: RFC 1191 has 16 unused bits and 16 of MTU where RFC 4443 has 32 of MTU. */
struct icmp_error {
	u8 type;
	u8 code;
	__be16 checksum;
	__be16 mtu_high;
	__be16 mtu_low;
};

#endif
