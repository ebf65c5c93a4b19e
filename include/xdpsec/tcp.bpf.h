/* SPDX-License-Identifier: GPL-2.0-only */
/* The header of TCP (RFC 9293 section 3.1). <linux/tcp.h> needs the C library. */
#ifndef XDPSEC_TCP_BPF_H
#define XDPSEC_TCP_BPF_H

#include "kernel.bpf.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04

struct tcp_header {
	__be16 source, destination;
	__be32 sequence, acknowledgment;
	u8 offset; /* upper four bits: the header's length in words */
	u8 flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
};

#endif
