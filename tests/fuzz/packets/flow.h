/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose flow a packet is of, by the prefixes and ports of the configuration, and what may become of it. */
#ifndef XDPSEC_FUZZ_FLOW_H
#define XDPSEC_FUZZ_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "unit/oracle.h"
#include "view.h"

enum { FLOW_NOBODY = -1 };

/* At setup: "198.51.100.0/24" is peer's. */
void flow_add(const char *prefix, int peer);
/* The peer of the longest prefix that has the address, or FLOW_NOBODY. */
int flow_peer(const uint8_t address[16]);

/* "198.51.100.2" or "2001:db8::1" as struct view has it. */
void flow_address(const char *text, uint8_t address[16]);

enum flow_verdict {
	FLOW_CLEAR,	/* may pass as it is */
	FLOW_PROTECTED, /* is sealed or opened, or dropped */
	FLOW_NEVER,	/* is dropped */
	FLOW_FRAGMENT,	/* a later fragment of one that was not seen in clear: is dropped */
};

/*
 * Inline mode, with the table of site.h. remote is the view's destination on the way out, its source on the
 * way in. First fragments are remembered: what they show holds for the later ones.
 */
enum flow_verdict flow_judge(const struct view *view, const uint8_t remote[16], int *peer);
/* Is this UDP, in whichever direction, of a protected flow? */
bool flow_protects(const struct view *view);

/* The associated data of this packet by the SA in slot. */
struct bound flow_bound(const struct view *view, int slot);

/* Start a new round: no fragment was seen. */
void flow_forget(void);

#endif
