/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What XDP redirects into a veth arrives by the NAPI of the other end, and that is there while this has GRO
 * or a program at XDP (drivers/net/veth.c, veth_xdp_xmit, veth_set_features). Scripts switch GRO off on all
 * devices; a program of our own keeps the near end of a tunnel receiving. It is xdp/near.bpf.c.
 */
#ifndef XDPSEC_NAPI_H
#define XDPSEC_NAPI_H

/* Attach it, where there is no program. 0 or -errno, without a message. */
int napi_hold(unsigned int index);

#endif
