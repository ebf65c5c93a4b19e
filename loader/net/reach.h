/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the path to a UDP port: single datagrams, and the ICMP errors that they draw. */
#ifndef XDPSEC_REACH_H
#define XDPSEC_REACH_H

#include <stdbool.h>

#include "net/icmp.h"

/* As struct xdpsec_prefix.address. */
struct reach_target {
	unsigned char address[16];
	__u16 port;
	const unsigned char *source; /* NULL: the kernel chooses */
	__u32 mark;
	const char *device; /* to bind to, as a VRF; NULL: none */
};

/*
 * Send a datagram of one byte, with a hop limit (0: the usual one), and wait for an ICMP error about it. 1: there is one;
 * 0: none came; -errno: it could not be sent (-EPERM: a firewall of this host; -ENETUNREACH and others: the routes).
 */
int reach_try(const struct reach_target *target, const struct icmp_watch *watch, int hops, int patience_ms,
	      struct icmp_message *error);

/* The last router on the path that answers, and how far it is; 0: none does. */
int reach_last_hop(const struct reach_target *target, const struct icmp_watch *watch, unsigned char from[16]);

#endif
