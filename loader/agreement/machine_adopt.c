// SPDX-License-Identifier: GPL-2.0-or-later
/* A new agent takes over what the data plane has: SAs without their keys, and what their records say. */
#include "agreement/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool belongs(const struct machine *machine, const struct agreement_record *record)
{
	uint32_t peer = record->slot / SLOTS_PEER;

	return peer < machine->n_peers && machine->peers[peer].there &&
	       machine->peers[peer].key_hash == record->key_hash;
}

/* Does an SA of this life of ours stay: that of what seals, else that of the newest? */
static bool decides(const struct agreement_record *a, const struct agreement_record *b)
{
	bool seals_a = a->slot % SLOTS_PEER < SLOTS_SEAL, seals_b = b->slot % SLOTS_PEER < SLOTS_SEAL;

	return seals_a != seals_b ? seals_a : a->birth > b->birth;
}

static int choose_lives(struct machine *machine, const struct agreement_record *records, size_t n)
{
	const struct agreement_record **chosen = calloc(machine->n_peers, sizeof(struct agreement_record *));

	if (!chosen)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint32_t peer = records[i].slot / SLOTS_PEER;

		if (!records[i].linked || !belongs(machine, &records[i]))
			continue;
		if (!chosen[peer] || decides(&records[i], chosen[peer]))
			chosen[peer] = &records[i];
	}
	for (uint32_t peer = 0; peer < machine->n_peers; peer++)
		if (chosen[peer])
			machine->peers[peer].own_life = chosen[peer]->own_life;
	free((void *)chosen);
	return 0;
}

static struct terms terms_of(const struct agreement_record *record)
{
	return (struct terms){
		.peer_life = record->peer_life,
		.birth = record->birth,
		.generation = record->generation,
		.spi_rx = record->spi_rx,
		.spi_tx = record->spi_tx,
		.reject_after = record->reject_after,
		.suite = record->suite,
		.binding = record->binding,
		.mine = record->initiator,
	};
}

static void adopt_open(struct machine *machine, uint32_t peer, unsigned int k,
		       const struct agreement_record *record)
{
	struct sa_pair *pair = &machine->peers[peer].pairs[k];

	pair->state = record->state == AGREEMENT_LEFT ? SLOT_LEFT : SLOT_LIVE;
	pair->adopted = true;
	pair->proven = record->state != AGREEMENT_PENDING || record->opened;
	pair->terms = terms_of(record);
	pair->id = record->id;
	pair->since = record->since;
	machine_spi_add(machine, peer, k, record->spi_rx);
}

/*
 * Two that seal: the agent before was stopped while it exchanged one for the other. Which of them `peers` refers to is not
 * known here; the older one is unlinked.
 */
static void adopt_seal(struct machine *machine, uint32_t peer, unsigned int k,
		       const struct agreement_record *record, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	const struct agreement_times *times = &machine->times;
	int other = p->in_use;

	if (other >= 0 && p->seals[other].terms.birth > record->birth) {
		machine_retire_seal(machine, peer, k, now);
		return;
	}
	if (other >= 0)
		machine_retire_seal(machine, peer, (unsigned int)other, now);
	p->seals[k].state = SLOT_LIVE;
	p->seals[k].terms = terms_of(record);
	p->seals[k].id = record->id;
	p->in_use = (int)k;
	p->peer_life = record->peer_life;
	p->rekey = record->outdated
			   ? now
			   : record->birth + machine_spread(machine, record->initiator ? &times->rekey_after
										       : &times->takeover);
}

/* Neither `spis` nor `peers` refers to it, or it is not ours: it goes. */
static void adopt_dying(struct machine *machine, const struct agreement_record *record, uint64_t now)
{
	uint32_t peer = record->slot / SLOTS_PEER;
	unsigned int k = record->slot % SLOTS_PEER;

	if (record->linked)
		machine_check(machine, machine->host.unlink(machine->host.data, record->slot));
	if (peer < machine->n_peers && machine->peers[peer].there) {
		struct machine_peer *p = &machine->peers[peer];

		if (k < SLOTS_SEAL)
			p->seals[k].state = SLOT_DYING;
		else
			p->pairs[k - SLOTS_SEAL].state = SLOT_DYING;
		machine_dying(machine, peer, now);
	} else {
		machine->orphans[machine->n_orphans++] = record->slot;
		machine->grace = now;
	}
}

static void adopt_one(struct machine *machine, const struct agreement_record *record, uint64_t now)
{
	uint32_t peer = record->slot / SLOTS_PEER;
	unsigned int k = record->slot % SLOTS_PEER;
	struct machine_peer *p;

	if (!record->linked || record->state == AGREEMENT_DYING || !belongs(machine, record) ||
	    machine->peers[peer].own_life != record->own_life) {
		adopt_dying(machine, record, now);
		return;
	}
	p = &machine->peers[peer];
	if (record->generation > p->highest)
		p->highest = record->generation;
	if (k < SLOTS_SEAL)
		adopt_seal(machine, peer, k, record, now);
	else
		adopt_open(machine, peer, k - SLOTS_SEAL, record);
	machine_update(machine, peer);
}

/* A note may have been lost: what is older than a pair that the peer has shown to have is left. */
static void mark_adopted(struct machine *machine, uint32_t peer, uint64_t now)
{
	const struct machine_peer *p = &machine->peers[peer];

	for (unsigned int k = 0; k < SLOTS_OPEN; k++)
		if (p->pairs[k].adopted && p->pairs[k].proven && p->pairs[k].state == SLOT_LIVE)
			machine_mark_left(machine, peer, &p->pairs[k].terms, now);
	machine_update(machine, peer);
}

int machine_adopt(struct machine *machine, const struct agreement_record *records, size_t n, uint64_t now)
{
	int error = choose_lives(machine, records, n);

	if (error)
		return error;
	free(machine->orphans);
	machine->n_orphans = 0;
	machine->orphans = calloc(n ? n : 1, sizeof(*machine->orphans));
	if (!machine->orphans)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (records[i].state != AGREEMENT_EMPTY)
			adopt_one(machine, &records[i], now);
	for (uint32_t peer = 0; peer < machine->n_peers; peer++)
		if (machine->peers[peer].there)
			mark_adopted(machine, peer, now);
	return 0;
}
