/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations of agreed SAs: one packet each, and what it changes. */
#ifndef XDPSEC_AGREED_EXPECT_H
#define XDPSEC_AGREED_EXPECT_H

#include "agree_rig.h"

/* Of all CPUs together. */
struct agreed_counted {
	uint64_t packets, bytes, drops[XDPSEC_DROP_COUNT];
};

/* index: AGREED_COUNTERS_TX or AGREED_COUNTERS_RX. */
struct agreed_counted agreed_counted(uint32_t index);
/* The use of the agreed peer's SAs, as the programs note it. */
struct xdpsec_activity agreed_seen(void);
struct xdpsec_agreement agreed_record(uint32_t slot);

/* A packet to the agreed peer is sealed as OpenSSL does it with this key and number, and counted. */
void expect_agreed_seals(int key, uint32_t spi, uint64_t sequence);
/* It is dropped for this reason. */
void expect_agreed_not_sealed(enum xdpsec_drop reason);

/* The verdict of XDP on an outer packet. */
int agreed_run_in(const struct packet *outer);
/* A packet of the agreed peer, sealed with this key and number, is delivered and counted. */
void expect_agreed_opens(int key, uint32_t spi, uint64_t sequence);
void expect_agreed_not_opened(const struct packet *outer, enum xdpsec_drop reason);

#endif
