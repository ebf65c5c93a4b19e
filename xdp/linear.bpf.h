/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames whose first buffer does not hold all headers: drivers that split headers from data, or leave the
 * first buffer empty (mlx5 with striding receive queues).
 */
#ifndef XDPSEC_LINEAR_BPF_H
#define XDPSEC_LINEAR_BPF_H

#include "xdpsec/kernel.bpf.h"

/* The bytes needed in the first buffer: Ethernet, two tags, the longest IPv4 header or a few IPv6 headers,
 * UDP, and the sealed header. */
#define LINEAR_MIN 192

/* 6.18 and later. */
extern int bpf_xdp_pull_data(struct xdp_md *xdp, u32 length) __ksym __weak;

/* Move length bytes into the first buffer. False: the kernel cannot, or there is no room. */
static __always_inline bool linear_pull(struct xdp_md *xdp, u32 length)
{
	return bpf_xdp_pull_data && !bpf_xdp_pull_data(xdp, length < LINEAR_MIN ? length : LINEAR_MIN);
}

#endif
