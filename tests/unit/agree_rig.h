/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agreed peer of tunnel.h's gateway: TUNNEL_NO_SA, which has an endpoint and AllowedIPs. Its SAs are installed as the
 * agent does it, by loader/plane/agree.h over an instance of its own name.
 */
#ifndef XDPSEC_UNIT_AGREE_RIG_H
#define XDPSEC_UNIT_AGREE_RIG_H

#include "plane/agree.h"
#include "tunnel.h"

enum {
	AGREED_PEER = TUNNEL_NO_SA,
	AGREED_TX = 8 * AGREED_PEER, /* k 0 to 2 */
	AGREED_RX = 8 * AGREED_PEER + 3,
	AGREED_COUNTERS_TX = 2 * AGREED_PEER,
	AGREED_COUNTERS_RX = 2 * AGREED_PEER + 1,
	MANUAL_TX = 8 * TUNNEL_B,
	MANUAL_RX = 8 * TUNNEL_B + 3,
};

/* Plus the slot. */
#define AGREED_SPI 0xa0000000U
#define AGREED_HASH 0x6861736861736801ULL
#define AGREED_LIFE 600 /* seconds */

/* The agent, and the events that it was given since agree_rig_events(). */
extern struct agree agent;

enum { EVENTS_MAX = 64 };
extern struct xdpsec_event events[EVENTS_MAX];
extern int n_events;

/* tunnel_setup(), and an agent. */
int agree_setup(void **state);
int agree_teardown(void **state);
/* tunnel_reset(); nothing in the agreed peer's slots. */
int agree_reset(void **state);

/* Another agent takes over. */
void agree_rig_open(struct agree *agree);

/* Seconds from now; may be negative. CLOCK_BOOTTIME, ns. */
uint64_t boot_time(int seconds);

/* An SA for a slot of the agreed peer, right in everything. */
struct agreement_sa agreed_sa(uint32_t slot, uint32_t generation);
/* Install it with the key of that number. Returns what agree_install() does. */
int agreed_install_as(const struct agree *agree, const struct agreement_sa *sa, int key, uint64_t *id);
/* Install and link it. */
uint64_t agreed_use(const struct agreement_sa *sa, int key);
/* Unlink if linked, and erase. */
void agreed_erase(uint32_t slot);

/* n bytes, sealed by OpenSSL with key number key. */
struct packet agreed_sealed(int key, uint32_t spi, uint8_t next_header, uint64_t sequence, const void *plain,
			    size_t n, uint8_t *buffer);
/* The same as it comes in, with a packet of the peer in it. */
struct packet agreed_incoming(int key, uint32_t spi, uint64_t sequence, uint8_t *buffer);

/* Have the events so far given to us. Returns how many they are. */
int agree_rig_events(void);

/* Everything that programs of an agent may change: of all peers, or (quicker) of those that there are. */
struct snapshot;
struct snapshot *snapshot_take(bool whole);
/* false: something differs. */
bool snapshot_is_same(const struct snapshot *a, const struct snapshot *b);
void snapshot_free(struct snapshot *snapshot);

#endif
