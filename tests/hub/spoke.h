/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated spoke of a hub: the protocol of loader/agreement with real cryptography; its data plane is that of the
 * tests (agreement_end.h), and keys are used by OpenSSL.
 */
#ifndef XDPSEC_HUB_SPOKE_H
#define XDPSEC_HUB_SPOKE_H

#include <netinet/in.h>

#include "agent/socket.h"
#include "agreement_end.h"

enum { SPOKE_PORT = 7253 };

struct spoke {
	struct end end;
	unsigned int number;
	uint32_t sealing;  /* SPI of what seals */
	uint64_t sequence; /* its next one */
	unsigned int unsendable;
	bool answered; /* the last ping */

	/* For the driver (spokes.c). */
	unsigned int agreed; /* handshakes, before the mark */
	unsigned int rounds; /* of a storm: still to do */
	bool asking;	     /* in a storm */
};

static inline bool spoke_is_ipv6(unsigned int number)
{
	return number % 2;
}

struct agreement_address spoke_address(unsigned int number);
/* The number of the spoke at that address; -1: none. */
int spoke_number(const uint8_t address[16]);

void spoke_init(struct spoke *spoke, unsigned int number, const uint64_t *now);
/* Its [Peer] section in the hub's configuration. */
void spoke_print_config(const struct spoke *spoke);

/* Send what the protocol has to say. */
void spoke_send(struct spoke *spoke, int socket);
/* Send a sealed ICMP echo request to an address behind the hub. */
void spoke_ping(struct spoke *spoke, int socket, const struct agreement_address *hub,
		const struct in_addr *to);
/* Take a sealed packet, of which an echo reply counts. false: it is under no key of the spoke. */
bool spoke_take_sealed(struct spoke *spoke, const uint8_t *bytes, size_t n);

#endif
