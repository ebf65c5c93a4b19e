/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration that the tests share: a site with a peer for each situation.
 *
 *	peer             prefixes                             ports            SAs
 *	PEER_B           198.51.100.0/25   2001:db8:2::/48    4789, 5201-5210  AES-128
 *	PEER_C           198.51.100.128/25 2001:db8:3::/48    all              AES-256
 *	PEER_NO_SA       203.0.113.0/26    2001:db8:4::/48    all              none
 *	PEER_NO_CONTEXT  203.0.113.64/26   2001:db8:5::/48    all              without a context
 *	not protected    203.0.113.128/25  2001:db8:6::/48
 */
#ifndef XDPSEC_UNIT_SITE_H
#define XDPSEC_UNIT_SITE_H

#include "oracle.h"
#include "packet.h"
#include "rig.h"

#define REMOTE_B4 "198.51.100.2"
#define REMOTE_B6 "2001:db8:2::2"
#define REMOTE_C4 "198.51.100.130"
#define REMOTE_C6 "2001:db8:3::2"
#define REMOTE_NO_SA4 "203.0.113.2"
#define REMOTE_NO_SA6 "2001:db8:4::2"
#define REMOTE_NO_CONTEXT4 "203.0.113.66"
#define REMOTE_NO_CONTEXT6 "2001:db8:5::2"
#define REMOTE_CLEAR4 "203.0.113.130"
#define REMOTE_CLEAR6 "2001:db8:6::2"

enum {
	PORT = 4789,		 /* protected towards PEER_B */
	PORT_RANGE_FIRST = 5201, /* ... to PORT_RANGE_LAST */
	PORT_RANGE_LAST = 5210,
	PORT_CLEAR = 7777, /* not protected */
};

enum { PEER_B, PEER_C, PEER_NO_SA, PEER_NO_CONTEXT };

enum {
	SLOT_B_TX,
	SLOT_B_RX,
	SLOT_C_TX,
	SLOT_C_RX,
	SLOT_NO_CONTEXT_TX,
	SLOT_NO_CONTEXT_RX,
	SLOTS,
	SLOT_NONE = -1,
};

/* For a packet that goes out or comes in under the SA in slot. */
struct site_sa {
	uint32_t spi, peer;
	size_t key_length;
	const char *remote4, *remote6;
	bool has_context;
	enum xdpsec_binding binding;
	uint8_t key[32];
	struct oracle *oracle;
};

extern struct site_sa site_sas[SLOTS];

enum { SITE_POLICIES = 8 };

/* Whose which prefix is; with the ports of PEER_B, or all of them. */
extern const struct site_policy {
	const char *prefix;
	int peer;
} site_policies[SITE_POLICIES];

/* rig_setup() and the table above. */
int site_setup(void **state);
int site_teardown(void **state);

/* The test setup of every test: sequences from 1, windows empty, a hop, the full MTU. */
int site_reset(void **state);

/* Change what the SA in slot binds, as a reload does. */
void site_bind(int slot, enum xdpsec_binding binding);

/* Another key in the slot, in the place of the one that was there; seed makes it. */
void site_rekey(int slot, uint32_t seed);

/* The associated data of a packet by the SA in slot. */
struct bound site_bound(const struct packet *packet, int slot);

/* The packet sealed by the SA in slot with this sequence number: the whole packet, its payload in buffer. */
struct packet site_sealed(const struct packet *plain, int slot, uint64_t sequence, uint8_t *buffer);

#endif
