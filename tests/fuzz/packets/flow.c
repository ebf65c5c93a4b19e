// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking up the flow of a packet, by rules of its own. */
#include <arpa/inet.h>

#include "unit/unit.h"
#include "flow.h"
#include "unit/site.h"

enum { PREFIXES_MAX = 16, NOTES = 1 << 16 };

static struct flow {
	uint8_t address[16];
	unsigned int length; /* of 128 bits */
	int peer;
} flows[PREFIXES_MAX];
static size_t n_flows;

void flow_address(const char *text, uint8_t address[16])
{
	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, address), 1);
		return;
	}
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, address + 12), 1);
}

void flow_add(const char *prefix, int peer)
{
	struct flow *flow = &flows[n_flows++];
	unsigned int length;
	char text[64];

	assert_true(n_flows <= PREFIXES_MAX);
	assert_int_equal(sscanf(prefix, "%63[^/]/%u", text, &length), 2);
	flow_address(text, flow->address);
	flow->length = length + (strchr(text, ':') ? 0 : 96);
	flow->peer = peer;
}

static bool covers(const struct flow *flow, const uint8_t address[16])
{
	for (unsigned int bit = 0; bit < flow->length; bit++)
		if ((flow->address[bit / 8] ^ address[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

int flow_peer(const uint8_t address[16])
{
	const struct flow *found = NULL;

	for (size_t i = 0; i < n_flows; i++)
		if (covers(&flows[i], address) && (!found || flows[i].length > found->length))
			found = &flows[i];
	return found ? found->peer : FLOW_NOBODY;
}

static bool is_protected_port(uint16_t port)
{
	return port == PORT || (port >= PORT_RANGE_FIRST && port <= PORT_RANGE_LAST);
}

static bool has_port(int peer, const struct view *view)
{
	return peer != PEER_B || is_protected_port(view->source_port) ||
	       is_protected_port(view->destination_port);
}

bool flow_protects(const struct view *view)
{
	int source = flow_peer(view->source), destination = flow_peer(view->destination);

	return (source != FLOW_NOBODY && has_port(source, view)) ||
	       (destination != FLOW_NOBODY && has_port(destination, view));
}

struct bound flow_bound(const struct view *view, int slot)
{
	const size_t skip = view->family == 4 ? 12 : 0, length = 16 - skip;
	const enum xdpsec_binding binding = site_sas[slot].binding;
	struct bound bound = {};

	if (binding == XDPSEC_BIND_NONE)
		return bound;
	if (binding == XDPSEC_BIND_ADDRESSES) {
		memcpy(bound.bytes, view->source + skip, length);
		memcpy(bound.bytes + length, view->destination + skip, length);
		bound.length = 2 * length;
	}
	write16(bound.bytes + bound.length, view->source_port);
	write16(bound.bytes + bound.length + 2, view->destination_port);
	bound.length += 4;
	return bound;
}

/* ---- fragments that were seen in clear --------------------------------------------------------------- */

/* The programs may know less (a second has passed, their table is full), and drop then; they may not know
 * more. */
static struct note {
	bool used, clear;
	uint8_t source[16], destination[16];
	uint32_t id;
} notes[NOTES];
static size_t n_notes;

static struct note *note_of(const struct view *view)
{
	uint32_t at = view->id;

	for (int i = 0; i < 16; i++)
		at = (at ^ view->source[i]) * 16777619 ^ view->destination[i];
	for (;; at++) {
		struct note *note = &notes[at % NOTES];

		if (!note->used) {
			note->used = true;
			note->id = view->id;
			memcpy(note->source, view->source, 16);
			memcpy(note->destination, view->destination, 16);
			assert_true(++n_notes < NOTES / 2);
			return note;
		}
		if (note->id == view->id && memcmp(note->source, view->source, 16) == 0 &&
		    memcmp(note->destination, view->destination, 16) == 0)
			return note;
	}
}

void flow_forget(void)
{
	memset(notes, 0, sizeof(notes));
	n_notes = 0;
}

enum flow_verdict flow_judge(const struct view *view, const uint8_t remote[16], int *peer)
{
	*peer = flow_peer(remote);
	if (view->kind == VIEW_OTHER || *peer == FLOW_NOBODY)
		return FLOW_CLEAR;
	if (view->kind == VIEW_UNREADABLE)
		return FLOW_NEVER;
	if (view->kind == VIEW_LATER)
		return note_of(view)->clear ? FLOW_CLEAR : FLOW_FRAGMENT;
	if (view->detour)
		return FLOW_NEVER;
	if (view->kind == VIEW_FIRST)
		note_of(view)->clear = !has_port(*peer, view);
	if (!has_port(*peer, view))
		return FLOW_CLEAR;
	return view->kind == VIEW_FIRST || *peer == PEER_NO_SA || *peer == PEER_NO_CONTEXT ? FLOW_NEVER
											   : FLOW_PROTECTED;
}
