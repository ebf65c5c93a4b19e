/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that the fast path leaves to the ordinary way. */
#ifndef XDPSEC_TESTS_FAST_UNUSUAL_H
#define XDPSEC_TESTS_FAST_UNUSUAL_H

#include <stdbool.h>
#include <stddef.h>

#include "packet.h"

enum unusual_way { WAY_OUT = 1, WAY_IN = 2 };

struct unusual {
	const char *name;
	void (*make)(struct packet *packet);
	unsigned int ways;
	int family; /* 4 or 6; 0: both */
};

extern const struct unusual unusual_packets[];
extern const size_t unusual_count;

bool unusual_applies(const struct unusual *unusual, enum unusual_way way, const struct packet *packet);

#endif
