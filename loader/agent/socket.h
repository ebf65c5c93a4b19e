/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's UDP socket at ListenPort, for both IP versions. */
#ifndef XDPSEC_AGENT_SOCKET_H
#define XDPSEC_AGENT_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "agreement/agreement.h"

/* The most datagrams that one call receives. If it has received as many, others may wait. */
#define SOCKET_BATCH 64

/* Longer than any message: what does not fit has a wrong length. */
#define SOCKET_DATAGRAM_MAX 256

struct datagram {
	struct agreement_path path; /* local.port is not set */
	size_t length;		    /* its whole length, of which SOCKET_DATAGRAM_MAX bytes are here */
	uint8_t bytes[SOCKET_DATAGRAM_MAX];
};

struct socket_settings {
	uint16_t port;
	uint32_t mark;	  /* of its packets; 0: none */
	unsigned int vrf; /* ifindex of the VRF that the underlay's device is in; 0: none */
};

/* Open the socket, for all addresses of the host. The caller closes *fd. 0, or -errno after a message. */
int socket_open(const struct socket_settings *settings, int *fd);
/* The kernel's number of the socket (SO_COOKIE); 0: unknown. */
uint64_t socket_cookie(int fd);

/* Receive up to SOCKET_BATCH datagrams that are there. The number, or -errno. full: how many have found no room in the
 * socket since it was opened, if any of these tells. */
int socket_receive(int fd, struct datagram datagrams[SOCKET_BATCH], uint32_t *full);
/* Send one datagram. path->device counts for link-local addresses only. 0, or -errno without a message. */
int socket_send(int fd, const struct agreement_path *path, const void *bytes, size_t length);

#endif
