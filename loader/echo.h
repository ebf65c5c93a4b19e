/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP echo requests of a certain size that nobody on the way may cut into fragments. */
#ifndef XDPSEC_ECHO_H
#define XDPSEC_ECHO_H

#include <stdbool.h>

/* Smallest packets, with their IP header, that an echo can ask with. */
#define ECHO_MINIMUM_IPV4 (20 + 8 + 8)
#define ECHO_MINIMUM_IPV6 (40 + 8 + 8)

struct echo {
	int fd; /* -1: not open */
	bool ipv4;
	unsigned short id, sequence;
	int patience; /* ms to wait for an answer */
};

/* To the address (IPv4 mapped), through the device. 0 or -errno, without a message. */
int echo_open(struct echo *echo, const unsigned char address[16], const char *device);
void echo_close(struct echo *echo);
#define _cleanup_echo_ __attribute__((cleanup(echo_close)))

/*
 * Send a packet of that size, IP header included, up to three times: is it answered? Whatever the kernel has
 * learned of smaller paths is ignored. 1: answered, 0: not, or -errno.
 */
int echo_try(struct echo *echo, unsigned int size);

#endif
