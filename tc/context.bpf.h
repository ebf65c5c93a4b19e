/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context of a program that seals: TC's, or with SEAL_FROM_XDP that of the fast path in XDP. The stages in
 * between are the same source.
 */
#ifndef XDPSEC_CONTEXT_BPF_H
#define XDPSEC_CONTEXT_BPF_H

#include "xdpsec/device.bpf.h"

#ifdef SEAL_FROM_XDP
typedef struct xdp_md seal_context;
#define context_dynptr bpf_dynptr_from_xdp
#else
typedef struct __sk_buff seal_context;
#define context_dynptr bpf_dynptr_from_skb
#endif

/* The device from which the kernel looks for the route of an outer packet: the far end of the tunnel. */
static __always_inline u32 context_routes_from(const seal_context *context)
{
#ifdef SEAL_FROM_XDP
	(void)context;
	return device_index(XDPSEC_DEVICE_FAR);
#else
	return context->ifindex;
#endif
}

#endif
