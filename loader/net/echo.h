/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP echo requests of a given size that must not be fragmented. */
#ifndef XDPSEC_ECHO_H
#define XDPSEC_ECHO_H

#include <stdbool.h>

/* The smallest packets, with IP header, of an echo request. */
#define ECHO_MINIMUM_IPV4 (20 + 8 + 8)
#define ECHO_MINIMUM_IPV6 (40 + 8 + 8)

struct echo {
	int fd; /* -1: not open */
	bool ipv4;
	unsigned short id, sequence;
	int patience; /* ms to wait for an answer */
};

/* The way of the requests. NULL and 0: the kernel chooses. */
struct echo_way {
	const char *device;
	const unsigned char *source; /* as the address */
	unsigned int mark;
};

/* Open a socket to the address (IPv4 mapped). 0 or -errno, without a message. */
int echo_open(struct echo *echo, const unsigned char address[16], const struct echo_way *way);
void echo_close(struct echo *echo);
#define _cleanup_echo_ __attribute__((cleanup(echo_close)))

/*
 * Send a packet of that size, with IP header, up to three times. The kernel's knowledge of smaller path MTUs
 * is ignored. 1: answered, 0: not, or -errno.
 */
int echo_try(struct echo *echo, unsigned int size);

#endif
