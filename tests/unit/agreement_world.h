/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hub and its spokes in one process: agents (the real machine), data planes, and a network that loses, delays, reorders,
 * duplicates and replays. Without cryptography: a key is the number of its pair. After each event the rules of
 * loader/agreement/machine.h are checked.
 */
#ifndef XDPSEC_AGREEMENT_WORLD_H
#define XDPSEC_AGREEMENT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "agreement_faulty.h"

enum { WORLD_SPOKES = 4 };

struct world_options {
	uint64_t seed;
	unsigned int spokes;
	uint64_t events;
	struct agreement_times times;
	uint16_t reject_after;
	bool silent; /* Idle */
	/* Chances in 1000 for each message, and for each turn of what disturbs. */
	unsigned int loss, duplicate, late, replay;
	unsigned int lost_events; /* of the data plane */
	unsigned int lost_notes;  /* states that do not get into the records */
	unsigned int restart, reboot, reload, renew, second, outage, clock, high;
};

struct world_figures {
	uint64_t events, messages, data, opened, pairs, switches;
	uint64_t restarts, reboots, reloads, renews, seconds, outages, evicted, expired, excused;
};

/* Runs to the end, which is calm. NULL: all rules were kept; else which one was not, and why. */
const char *world_run(const struct world_options *options, struct world_figures *figures);

#endif
