// SPDX-License-Identifier: GPL-2.0-or-later
/* The data plane of one end of the key agreement's tests. */
#include "agreement_plane.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xdpsec/wire.h"

/* These two are for tests without agreement_world.c, whose own ones take their places: no fault, and nobody to go on. */
__attribute__((weak)) int machine_fault;

__attribute__((weak)) void world_broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}

void plane_begin(struct plane *plane, uint32_t peers)
{
	memset(plane, 0, sizeof(*plane));
	plane->peers = peers;
	plane->slots = calloc((size_t)peers * SLOTS_PEER, sizeof(*plane->slots));
	plane->tx = calloc(peers, sizeof(*plane->tx));
	plane->activity = calloc(peers, sizeof(*plane->activity));
	if (!plane->slots || !plane->tx || !plane->activity)
		abort();
	for (uint32_t peer = 0; peer < peers; peer++)
		plane->tx[peer] = -1;
}

void plane_release(struct plane *plane)
{
	free(plane->slots);
	free(plane->tx);
	free(plane->activity);
	memset(plane, 0, sizeof(*plane));
}

void plane_clear(struct plane *plane, uint32_t peer)
{
	memset(&plane->slots[(size_t)peer * SLOTS_PEER], 0, SLOTS_PEER * sizeof(*plane->slots));
	plane->tx[peer] = -1;
}

static bool stale(const struct plane *plane, uint64_t owner)
{
	return owner != plane->owner && !MACHINE_FAULT(FAULT_NO_OWNER);
}

int plane_install(struct plane *plane, uint64_t owner, const struct agreement_sa *sa, uint32_t fact,
		  uint64_t *id)
{
	struct plane_slot *slot = &plane->slots[sa->slot];

	if (stale(plane, owner))
		return -ESTALE;
	if (slot->filled)
		return -EBUSY;
	if (sa->slot / SLOTS_PEER != sa->peer || sa->seals != (sa->slot % SLOTS_PEER < SLOTS_SEAL) ||
	    sa->spi < XDPSEC_SPI_MIN || !sa->record.deadline)
		world_broken("an SA that the data plane cannot take: slot %u", sa->slot);
	*slot = (struct plane_slot){
		.filled = true, .sa = *sa, .noted = sa->record, .fact = fact, .id = ++plane->ids
	};
	slot->sa.record.id = slot->noted.id = slot->id;
	*id = slot->id;
	return 0;
}

/* Rule 4, as far as one end sees it: forward, within one life of either end. */
static void check_forward(const struct plane *plane, const struct plane_slot *slot)
{
	const struct plane_slot *before = plane_seals(plane, slot->sa.peer);
	const struct agreement_record *was, *is = &slot->sa.record;

	if (!before)
		return;
	was = &before->sa.record;
	if (was->peer_life == is->peer_life && was->own_life == is->own_life &&
	    was->generation > is->generation)
		world_broken("rule 4: what seals moves back from generation %u to %u", was->generation,
			     is->generation);
}

int plane_link(struct plane *plane, uint64_t owner, uint32_t number)
{
	struct plane_slot *slot = &plane->slots[number];
	struct plane_slot *before;

	if (stale(plane, owner))
		return -ESTALE;
	if (!slot->filled || slot->unlinked)
		return -EINVAL;
	if (slot->sa.seals) {
		check_forward(plane, slot);
		before = plane_seals(plane, slot->sa.peer);
		if (before) {
			before->linked = false;
			before->unlinked = plane->graces + 1;
		}
		plane->tx[slot->sa.peer] = (int)number;
	}
	slot->linked = true;
	return 0;
}

int plane_unlink(struct plane *plane, uint64_t owner, uint32_t number)
{
	struct plane_slot *slot = &plane->slots[number];

	if (stale(plane, owner))
		return -ESTALE;
	if (plane->tx[number / SLOTS_PEER] == (int)number)
		plane->tx[number / SLOTS_PEER] = -1;
	if (slot->linked)
		slot->unlinked = plane->graces + 1;
	slot->linked = false;
	return 0;
}

int plane_erase(struct plane *plane, uint64_t owner, uint32_t number)
{
	struct plane_slot *slot = &plane->slots[number];

	if (stale(plane, owner))
		return -ESTALE;
	if (slot->linked)
		return -EBUSY;
	if (slot->unlinked && plane->graces < slot->unlinked)
		world_broken("a slot is erased without a grace period after it was unlinked");
	memset(slot, 0, sizeof(*slot));
	return 0;
}

int plane_note(struct plane *plane, uint64_t owner, uint32_t number, const struct agreement_record *record,
	       bool lost)
{
	struct plane_slot *slot = &plane->slots[number];

	if (stale(plane, owner))
		return -ESTALE;
	slot->noted.state = record->state;
	slot->noted.since = record->since;
	slot->noted.partner = record->partner;
	if (!lost)
		slot->sa.record = slot->noted;
	return 0;
}

struct plane_slot *plane_opens(const struct plane *plane, uint32_t peer, uint32_t fact)
{
	for (uint32_t k = SLOTS_SEAL; k < SLOTS_PEER; k++) {
		struct plane_slot *slot = &plane->slots[peer * SLOTS_PEER + k];

		if (slot->filled && slot->linked && slot->fact == fact)
			return slot;
	}
	return NULL;
}

struct plane_slot *plane_seals(const struct plane *plane, uint32_t peer)
{
	return plane->tx[peer] < 0 ? NULL : &plane->slots[plane->tx[peer]];
}

size_t plane_records(const struct plane *plane, struct agreement_record *records)
{
	size_t n = 0;

	for (uint32_t i = 0; i < plane->peers * SLOTS_PEER; i++) {
		if (!plane->slots[i].filled)
			continue;
		records[n] = plane->slots[i].sa.record;
		records[n].opened = plane->slots[i].opened;
		records[n++].linked = plane->slots[i].linked;
	}
	return n;
}
