/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VRF that the protected device belongs to. Its routing table has the routes to the endpoints, and the
 * far end of a tunnel looks them up: it has to be in the same VRF (net/core/filter.c, bpf_ipv4_fib_lookup,
 * goes by the device that the packet is on).
 */
#ifndef XDPSEC_VRF_H
#define XDPSEC_VRF_H

#include "net/netlink.h"

/* The index of the VRF that the device, or the bridge or bond that it is a part of, is in; 0: none. */
unsigned int vrf_of(unsigned int device);

/* Put the far end into the VRF of the device, or out of any. *changed gets whether it was not there.
 * Returns 0 or -errno, with a message. */
int vrf_follow(const struct netdev *far, unsigned int device, bool *changed);

#endif
