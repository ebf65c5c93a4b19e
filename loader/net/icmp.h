/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP and ICMPv6 errors that arrive about UDP packets of this host, whoever has sent them. Addresses are as in route.h. */
#ifndef XDPSEC_ICMP_H
#define XDPSEC_ICMP_H

#include <stdbool.h>
#include <stddef.h>

#include "xdpsec/abi.h"

enum icmp_meaning {
	ICMP_REFUSED,	  /* nothing has the port there */
	ICMP_PROHIBITED,  /* a firewall */
	ICMP_UNREACHABLE, /* no route, or the host does not answer its neighbours */
	ICMP_TOO_LARGE,
	ICMP_EXPIRED, /* its hop limit was reached */
};

struct icmp_message {
	enum icmp_meaning meaning;
	unsigned char from[16];	       /* the router or host that has sent it */
	unsigned char destination[16]; /* of the packet that it quotes */
	__u16 source_port, port;       /* of that packet, host byte order */
};

struct icmp_watch {
	int ipv4, ipv6; /* raw sockets; -1: not open */
};

/* Errors from now on are kept. 0 or -errno, without a message. */
int icmp_watch_open(struct icmp_watch *watch);
void icmp_watch_close(struct icmp_watch *watch);
#define _cleanup_icmp_watch_ __attribute__((cleanup(icmp_watch_close)))

/* Wait for the next error, at most patience_ms. False: none came. */
bool icmp_watch_next(const struct icmp_watch *watch, int patience_ms, struct icmp_message *error);

/* "port unreachable", and so on. */
const char *icmp_meaning_text(enum icmp_meaning meaning);

#endif
