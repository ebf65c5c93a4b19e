// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SAs of a peer in the data plane. A slot that opens:
 *
 *	free -> live -> [left] -> dying -> free
 *
 * and one that seals without `left`. Live: installed, and linked. Dying: unlinked; it is erased after a grace period of
 * the kernel that began after it was unlinked, and filled only when it was erased. Otherwise a program on another CPU
 * could take the old key and a number of the new one (docs/agreement.md).
 */
#include "agreement/machine.h"

#include <errno.h>
#include <string.h>

/* The grace period is asked for so long after the first slot dies: others may follow meanwhile. */
#define GRACE_GATHER (50 * NS_PER_MS)

/* The key that seals is over so soon that a new key matters more than what is under way under those that were left. */
#define URGENT (60 * NS_PER_SECOND)

uint64_t machine_deadline_seal(const struct machine *machine, const struct terms *terms)
{
	uint64_t life = terms->reject_after * NS_PER_SECOND;

	if (machine->times.reject_after && machine->times.reject_after < life)
		life = machine->times.reject_after;
	return terms->birth + life;
}

uint64_t machine_deadline_open(const struct machine *machine, const struct terms *terms)
{
	return machine_deadline_seal(machine, terms) + machine->times.rx_margin +
	       terms->reject_after * NS_PER_MS;
}

/* ---- records ----------------------------------------------------------------------------------------- */

static struct agreement_record new_record(const struct machine_peer *p, const struct terms *terms,
					  uint32_t slot, uint64_t now)
{
	return (struct agreement_record){
		.key_hash = p->key_hash,
		.peer_life = terms->peer_life,
		.own_life = p->own_life,
		.birth = terms->birth,
		.since = now,
		.slot = slot,
		.partner = AGREEMENT_NO_SLOT,
		.spi_rx = terms->spi_rx,
		.spi_tx = terms->spi_tx,
		.generation = terms->generation,
		.reject_after = terms->reject_after,
		.state = AGREEMENT_CONFIRMED,
		.initiator = terms->mine,
		.suite = terms->suite,
		.binding = terms->binding,
	};
}

void machine_note(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	const struct machine_peer *p = &machine->peers[peer];
	const struct sa_pair *pair = &p->pairs[k];
	uint32_t slot = machine_slot(peer, SLOTS_SEAL + k);
	struct agreement_record record = new_record(p, &pair->terms, slot, now);

	record.deadline = machine_deadline_open(machine, &pair->terms);
	record.state = AGREEMENT_PENDING;
	if (pair->proven)
		record.state = AGREEMENT_CONFIRMED;
	if (pair->state == SLOT_LEFT) {
		record.state = AGREEMENT_LEFT;
		record.since = pair->since;
	}
	for (unsigned int i = 0; i < SLOTS_SEAL; i++)
		if (p->seals[i].state == SLOT_LIVE && p->seals[i].terms.spi_rx == pair->terms.spi_rx)
			record.partner = machine_slot(peer, i);
	machine_check(machine, machine->host.note(machine->host.data, slot, &record));
}

/* ---- slots that die ---------------------------------------------------------------------------------- */

void machine_dying(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	if (!p->dying) {
		p->dying = true;
		p->next_dying = machine->first_dying;
		machine->first_dying = peer;
	}
	if (machine->grace != AGREEMENT_NEVER)
		return;
	machine->grace = now + GRACE_GATHER;
	if (machine->last_grace && machine->last_grace + machine->times.grace_period > machine->grace)
		machine->grace = machine->last_grace + machine->times.grace_period;
}

void machine_retire_open(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];

	machine_check(machine, machine->host.unlink(machine->host.data, machine_slot(peer, SLOTS_SEAL + k)));
	machine_spi_remove(machine, peer, k, pair->terms.spi_rx);
	if (p->confirming == (int)k)
		p->confirming = -1;
	explicit_bzero(pair, sizeof(*pair));
	pair->state = SLOT_DYING;
	machine_dying(machine, peer, now);
}

void machine_retire_seal(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	machine_check(machine, machine->host.unlink(machine->host.data, machine_slot(peer, k)));
	p->seals[k].state = SLOT_DYING;
	if (p->in_use == (int)k) {
		p->in_use = -1;
		p->rekey = AGREEMENT_NEVER;
	}
	machine_dying(machine, peer, now);
}

/* The last SA has gone: as after a reboot. A handshake that was under way is void, for it offers the old life. */
static void new_own_life(struct machine *machine, uint32_t peer)
{
	struct machine_peer *p = &machine->peers[peer];

	machine_forget_out(machine, peer);
	p->highest = 0;
	if (MACHINE_FAULT(FAULT_SAME_LIFE))
		return;
	machine->host.random(machine->host.data, &p->own_life, sizeof(p->own_life));
}

/* Erase the peer's dying slots. true: some could not be: something refers to them, and they are unlinked again. */
static bool erase_dying(struct machine *machine, uint32_t peer)
{
	struct machine_peer *p = &machine->peers[peer];
	bool again = false, any = false;
	void *data = machine->host.data;

	for (unsigned int k = 0; k < SLOTS_PEER; k++) {
		enum slot_state *state = k < SLOTS_SEAL ? &p->seals[k].state
							: &p->pairs[k - SLOTS_SEAL].state;
		uint32_t slot = machine_slot(peer, k);

		if (*state == SLOT_DYING) {
			if (!machine_check(machine, machine->host.erase(data, slot))) {
				*state = SLOT_FREE;
			} else {
				machine_check(machine, machine->host.unlink(data, slot));
				again = true;
			}
		}
		any |= *state != SLOT_FREE;
	}
	if (!any)
		new_own_life(machine, peer);
	return again;
}

static void erase_orphans(struct machine *machine)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < machine->n_orphans; i++)
		if (machine_check(machine, machine->host.erase(machine->host.data, machine->orphans[i])))
			machine->orphans[kept++] = machine->orphans[i];
	machine->n_orphans = kept;
}

void machine_grace(struct machine *machine, uint64_t now)
{
	uint32_t peer = machine->first_dying;

	machine->last_grace = now;
	machine->grace = now + machine->times.grace_period;
	if (!MACHINE_FAULT(FAULT_NO_GRACE) && machine_check(machine, machine->host.grace(machine->host.data)))
		return;
	machine->grace = AGREEMENT_NEVER;
	machine->first_dying = AGREEMENT_NO_SLOT;
	while (peer != AGREEMENT_NO_SLOT) {
		struct machine_peer *p = &machine->peers[peer];
		uint32_t next = p->next_dying;

		p->dying = false;
		if (erase_dying(machine, peer))
			machine_dying(machine, peer, now);
		machine_update(machine, peer);
		peer = next;
	}
	erase_orphans(machine);
	if (machine->n_orphans > 0)
		machine->grace = now + machine->times.grace_period;
}

/* ---- slots to fill ----------------------------------------------------------------------------------- */

/*
 * Rank of a pair among those that may go for want of a slot: the least goes first; 0: never. One that was left; else one
 * that the peer has not shown to have: no Confirm, no Ack and no packet came. Whoever made it: if those that we initiated
 * or adopted stayed, nothing could be agreed until a deadline when all slots are of that kind (docs/model finds it).
 */
static unsigned int evictable(const struct machine_peer *p, const struct sa_pair *pair)
{
	const struct sealing *seal = p->in_use < 0 ? NULL : &p->seals[p->in_use];

	if (MACHINE_FAULT(FAULT_EVICT))
		return pair->state == SLOT_LIVE && !pair->pending;
	if (pair->state == SLOT_LEFT)
		return 1;
	if (MACHINE_FAULT(FAULT_KEEP) && (pair->terms.mine || pair->adopted))
		return 0;
	if (pair->state != SLOT_LIVE || pair->proven || pair->pending)
		return 0;
	return seal && seal->terms.spi_rx == pair->terms.spi_rx ? 0 : 2;
}

static bool goes_before(const struct sa_pair *a, unsigned int rank_a, const struct sa_pair *b,
			unsigned int rank_b)
{
	if (rank_a != rank_b)
		return rank_a < rank_b;
	return rank_a == 1 ? a->since < b->since : a->terms.birth < b->terms.birth;
}

/* The key that seals lasts for a while: a slot that GRACE or a grace period will free is waited for, and no packet is lost. */
static bool can_wait(const struct machine *machine, const struct machine_peer *p, uint64_t now)
{
	return p->in_use >= 0 && !MACHINE_FAULT(FAULT_EVICT) &&
	       now + URGENT < machine_deadline_seal(machine, &p->seals[p->in_use].terms);
}

int machine_slot_to_open(struct machine *machine, uint32_t peer, bool reserve, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	unsigned int rank, best_rank = 0, best = 0;
	bool left_waits = can_wait(machine, p, now), soon = false;

	for (unsigned int k = 0; k < SLOTS_OPEN; k++) {
		if (p->pairs[k].state == SLOT_FREE && !reserve)
			return (int)k;
		if (p->pairs[k].state == SLOT_FREE)
			reserve = false;
		soon |= p->pairs[k].state == SLOT_DYING || (p->pairs[k].state == SLOT_LEFT && left_waits);
		rank = evictable(p, &p->pairs[k]);
		if (rank && (!best_rank || goes_before(&p->pairs[k], rank, &p->pairs[best], best_rank))) {
			best = k;
			best_rank = rank;
		}
	}
	machine->counters[COUNT_NO_SLOT]++;
	if (!soon && best_rank) {
		machine->counters[COUNT_EVICTED]++;
		machine_retire_open(machine, peer, best, now);
	}
	return -1;
}

int machine_slot_to_seal(const struct machine *machine, uint32_t peer)
{
	for (unsigned int k = 0; k < SLOTS_SEAL; k++)
		if (machine->peers[peer].seals[k].state == SLOT_FREE)
			return (int)k;
	return -1;
}

void machine_no_slot(struct machine *machine, uint32_t peer)
{
	machine_report(machine, peer, &(struct agreement_report){ .event = AGREEMENT_NO_SLOT_FREE });
}

/* Install and link; then the state is live, else free or dying. */
static int fill(struct machine *machine, struct agreement_sa *sa, enum slot_state *state,
		struct data_key *key, uint64_t *id, uint64_t now)
{
	void *data = machine->host.data;
	struct agreement_key moved = { .length = key->length };
	int error;

	memcpy(moved.bytes, key->bytes, sizeof(moved.bytes));
	data_key_wipe(key);
	error = machine_check(machine, machine->host.install(data, sa, &moved, id));
	agreement_key_wipe(&moved);
	if (!error) {
		*state = SLOT_LIVE;
		error = machine_check(machine, machine->host.link(data, sa->slot));
	} else if (error == -EBUSY) {
		*state = SLOT_LIVE;
	}
	if (!error)
		return 0;
	if (*state == SLOT_LIVE) {
		*state = SLOT_DYING;
		machine_dying(machine, sa->peer, now);
	}
	machine->counters[COUNT_INSTALL_FAILED]++;
	machine_report(machine, sa->peer,
		       &(struct agreement_report){ .event = AGREEMENT_INSTALL_FAILED, .error = error });
	return error;
}

int machine_open(struct machine *machine, uint32_t peer, unsigned int k, const struct terms *terms,
		 struct data_key *key, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];
	struct agreement_sa sa = { .peer = peer, .slot = machine_slot(peer, SLOTS_SEAL + k), .event = true };
	int error;

	sa.spi = terms->spi_rx;
	sa.record = new_record(p, terms, sa.slot, now);
	sa.record.deadline = machine_deadline_open(machine, terms);
	sa.record.state = AGREEMENT_PENDING;
	memset(pair, 0, sizeof(*pair));
	error = fill(machine, &sa, &pair->state, key, &pair->id, now);
	if (error)
		return error;
	pair->terms = *terms;
	machine_spi_add(machine, peer, k, terms->spi_rx);
	return 0;
}

int machine_seal(struct machine *machine, uint32_t peer, unsigned int k, const struct terms *terms,
		 struct data_key *key, unsigned int partner, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct agreement_sa sa = { .peer = peer, .slot = machine_slot(peer, k), .seals = true };
	int before = p->in_use, error;

	sa.spi = terms->spi_tx;
	sa.record = new_record(p, terms, sa.slot, now);
	sa.record.deadline = machine_deadline_seal(machine, terms);
	sa.record.partner = machine_slot(peer, SLOTS_SEAL + partner);
	error = fill(machine, &sa, &p->seals[k].state, key, &p->seals[k].id, now);
	if (error)
		return error;
	p->seals[k].terms = *terms;
	p->in_use = (int)k;
	p->expired = false;
	if (before >= 0) {
		p->seals[before].state = SLOT_DYING;
		machine_dying(machine, peer, now);
	}
	p->rekey = terms->birth + machine_spread(machine, terms->mine ? &machine->times.rekey_after
								      : &machine->times.takeover);
	return 0;
}

void machine_leave(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	struct sa_pair *pair = &machine->peers[peer].pairs[k];

	if (pair->state != SLOT_LIVE)
		return;
	pair->state = SLOT_LEFT;
	pair->since = now;
	if (MACHINE_FAULT(FAULT_AT_ONCE))
		machine_retire_open(machine, peer, k, now);
	else
		machine_note(machine, peer, k, now);
}

void machine_reset(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	machine->counters[COUNT_RESETS]++;
	if (p->in_use >= 0)
		machine_retire_seal(machine, peer, (unsigned int)p->in_use, now);
	for (unsigned int k = 0; k < SLOTS_OPEN; k++) {
		struct sa_pair *pair = &p->pairs[k];

		pair->pending = pair->awaits = pair->acknowledges = false;
		data_key_wipe(&pair->send);
		machine_leave(machine, peer, k, now);
	}
	p->confirming = -1;
	p->asking = false;
	p->peer_life = 0;
	new_own_life(machine, peer);
}
