/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the path to a UDP port: single datagrams, and the ICMP errors that they draw. */
#ifndef XDPSEC_REACH_H
#define XDPSEC_REACH_H

#include <stdbool.h>

#include "net/icmp.h"

/* The port to ask. Addresses are IPv6, or IPv4 as ::ffff:a.b.c.d. */
struct reach_target {
	unsigned char address[16];
	__u16 port;		     /* host byte order */
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

/* Find the last router on the path that answers. Its distance in hops; 0: none answers, and from is unchanged. */
int reach_last_hop(const struct reach_target *target, const struct icmp_watch *watch, unsigned char from[16]);

#endif
