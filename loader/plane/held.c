// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading which slots, SPIs, peers and prefixes the maps hold. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/message.h"
#include "plane/held.h"
#include "plane/peer.h"
#include "plane/sa.h"

static int read_slots(struct held *held, const struct plane *plane)
{
	__u32 slot;
	int err = 0;

	for (slot = 0; slot < XDPSEC_MAX_SAS; slot++)
		held->slots[slot].slot = XDPSEC_NO_SA;
	for (bool first = true; !err && plane_next(plane, MAP_SLOTS, first, &slot); first = false)
		if (slot < XDPSEC_MAX_SAS)
			err = plane_read(plane, MAP_SLOTS, &slot, &held->slots[slot]);
	return err;
}

static int read_spis(struct held *held, const struct plane *plane)
{
	struct opened *opened;
	struct xdpsec_sa sa;
	__u32 spi, slot;

	for (bool first = true; plane_next(plane, MAP_SPIS, first, &spi) && held->n_opened < XDPSEC_MAX_SAS;
	     first = false) {
		/* An agent may delete it at any time, but nobody else does. */
		if (bpf_map_lookup_elem(plane->maps[MAP_SPIS], &spi, &slot) || sa_is_agreed(plane, slot))
			continue;
		opened = &held->opened[held->n_opened++];
		*opened = (struct opened){ .spi = spi, .slot = slot, .peer = XDPSEC_NO_SA };
		if (bpf_map_lookup_elem(plane->maps[MAP_SAS], &opened->slot, &sa) == 0)
			opened->peer = sa.peer;
	}
	return 0;
}

int held_read(struct held *held, const struct plane *plane)
{
	int err;

	*held = (struct held){
		.slots = calloc(XDPSEC_MAX_SAS, sizeof(*held->slots)),
		.peers = calloc(XDPSEC_MAX_PEERS, sizeof(*held->peers)),
		.opened = calloc(XDPSEC_MAX_SAS, sizeof(*held->opened)),
	};
	if (!held->slots || !held->peers || !held->opened)
		return fail(ENOMEM, "out of memory");
	err = read_slots(held, plane);
	if (!err)
		err = plane_read_all(plane, MAP_PEERS, held->peers);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (sa_is_agreed(plane, held->peers[i].tx_sa))
			held->peers[i].tx_sa = XDPSEC_NO_SA;
	return err ?: read_spis(held, plane);
}

void held_free(struct held *held)
{
	free(held->slots);
	free(held->peers);
	free(held->opened);
	*held = (struct held){};
}

bool held_in_use(const struct held *held, __u32 slot)
{
	for (size_t i = 0; i < held->n_opened; i++)
		if (held->opened[i].slot == slot)
			return true;
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (held->peers[i].tx_sa == slot)
			return true;
	return false;
}

bool held_peer(const struct held *held, __u32 peer)
{
	return held->peers[peer].tx_sa != XDPSEC_NO_SA || held_receives(held, peer, NULL);
}

const struct opened *held_receives(const struct held *held, __u32 peer, const char *fingerprint)
{
	for (size_t i = 0; i < held->n_opened; i++) {
		const struct opened *opened = &held->opened[i];

		if (opened->peer == peer && opened->slot < XDPSEC_MAX_SAS &&
		    held->slots[opened->slot].slot == opened->slot &&
		    (!fingerprint || strcmp(held->slots[opened->slot].fingerprint, fingerprint) == 0))
			return opened;
	}
	return NULL;
}

static bool is_recorded(const struct peer_record *records, __u32 slot)
{
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (records[i].in_use && (records[i].tx.slot == slot || peer_record_opens(&records[i], slot)))
			return true;
	return false;
}

static bool opens_as_recorded(const struct opened *opened, const struct peer_record *records)
{
	const struct peer_record *record = opened->peer < XDPSEC_MAX_PEERS ? &records[opened->peer] : NULL;

	const struct sa_record *rx = record && record->in_use ? peer_record_opens(record, opened->slot)
							      : NULL;

	return rx && rx->spi == opened->spi;
}

bool held_differs(const struct held *held, const struct peer_record *records)
{
	for (__u32 slot = 0; slot < XDPSEC_MAX_SAS; slot++)
		if (held->slots[slot].slot == slot && !is_recorded(records, slot))
			return true;
	for (size_t i = 0; i < held->n_opened; i++)
		if (!opens_as_recorded(&held->opened[i], records))
			return true;
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (held->peers[i].tx_sa != (records[i].in_use ? records[i].tx.slot : XDPSEC_NO_SA))
			return true;
	return false;
}
