/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receiving on a veth. Packets that XDP redirects into a veth arrive by the NAPI of the other end. That end
 * has NAPI only while it has GRO or an XDP program (drivers/net/veth.c, veth_xdp_xmit, veth_set_features).
 * Scripts switch GRO off on all devices, so a program of our own (xdp/near.bpf.c) keeps the near end of a
 * tunnel receiving.
 */
#ifndef XDPSEC_NAPI_H
#define XDPSEC_NAPI_H

#include <linux/types.h>

/* Attach it unless there is a program. It unfolds frames with this secret (include/xdpsec/fold.bpf.h). 0 or
 * -errno, without a message. */
int napi_hold(unsigned int index, const __u32 secret[4]);

#endif
