/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets whose IP and UDP headers lie, by name: no program may seal, open or pass one of a protected prefix.
 */
#ifndef XDPSEC_UNIT_MALFORMED_H
#define XDPSEC_UNIT_MALFORMED_H

#include "unit.h"
#include "packet.h"

struct malformed {
	const char *name;
	int family;
	void (*change)(struct packet *packet); /* a good packet with at least 16 bytes of payload */
	bool flow_is_known; /* its ports can be read, so that the drop counts for an SA too */
};

/*
 * Run test once for each of them (its *state is a const struct malformed), then the others, over the site of
 * site.h, which is reset before each.
 */
int malformed_run_group(const char *name, CMUnitTestFunction test, const struct CMUnitTest *others, size_t n);

#endif
