/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gateway with a fast path, and the complete effect of its two programs over one frame. */
#ifndef XDPSEC_TESTS_FAST_GATEWAY_H
#define XDPSEC_TESTS_FAST_GATEWAY_H

#include "tunnel.h"

/* The neighbours, on the underlay and of the LAN (RFC 7042 section 2.1.2). */
#define FAST_NEIGHBOUR "00:00:5e:00:53:81"
#define FAST_HOST "00:00:5e:00:53:82"

extern const uint8_t fast_neighbour[6];
extern uint8_t fast_text[9000];

/* tunnel_setup(), and the LAN. All runs are on one CPU. */
int fast_setup(void **state);

/* The test setup of every test: nothing is kept, and both devices take frames. */
int fast_reset(void **state);

/* One run of both programs, so that they see whether the devices take frames, over frames that are nobody's. */
void fast_note_devices(void);

/* A packet of UDP from the LAN with so many bytes. */
struct packet fast_outgoing(const char *destination, size_t length);

/* A packet takes the ordinary way, as the first one of a pair does. */
void fast_introduce(const struct packet *packet);

/* A packet is sealed for the peer, and sent to the neighbour. Returns the outer source port. */
uint16_t expect_fast_out(const struct packet *in, int peer);

/* The packet of a peer that has inner in it, with the next number. Valid until the next one. */
struct packet fast_incoming(int peer, const struct packet *inner);

/* outer is opened, and inner goes to the tunnel device, or to the LAN one hop later. */
void expect_fast_in(const struct packet *outer, const struct packet *inner, int peer, bool fast);
void expect_fast_incoming(const struct packet *inner, int peer, bool fast);

#endif
