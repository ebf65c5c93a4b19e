// SPDX-License-Identifier: GPL-2.0-or-later
/* The order of pairs, which both ends compute alike, and what a new life of the peer makes void. */
#include "agreement/machine.h"

uint64_t machine_order(const struct machine_peer *p, const struct terms *terms)
{
	bool greater = terms->mine ? !p->own_less : p->own_less;

	return (uint64_t)terms->generation * 2 + greater;
}

static bool same_life(const struct terms *a, const struct terms *b)
{
	return MACHINE_FAULT(FAULT_NO_LIFE) || a->peer_life == b->peer_life;
}

const struct terms *machine_used(const struct machine_peer *p)
{
	return p->in_use < 0 ? NULL : &p->seals[p->in_use].terms;
}

bool machine_in_order(const struct machine_peer *p, const struct terms *terms)
{
	const struct terms *used = machine_used(p);

	return !used || !same_life(used, terms) || machine_order(p, terms) > machine_order(p, used) ||
	       MACHINE_FAULT(FAULT_NO_ORDER);
}

void machine_mark_left(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	for (unsigned int k = 0; k < SLOTS_OPEN; k++) {
		const struct sa_pair *pair = &p->pairs[k];

		if (pair->state == SLOT_LIVE && same_life(&pair->terms, terms) &&
		    machine_order(p, &pair->terms) < machine_order(p, terms))
			machine_leave(machine, peer, k, now);
	}
}

/* A handshake of another life than that of what is in use voids what is under way with the latter. */
static void void_life(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	const struct terms *used = machine_used(p);

	for (unsigned int k = 0; k < SLOTS_OPEN; k++) {
		struct sa_pair *pair = &p->pairs[k];

		if (pair->state != SLOT_LIVE && pair->state != SLOT_LEFT)
			continue;
		if (!same_life(&pair->terms, terms)) {
			pair->pending = pair->awaits = pair->acknowledges = false;
			data_key_wipe(&pair->send);
			if (p->confirming == (int)k)
				p->confirming = -1;
		}
		if (used && same_life(&pair->terms, used))
			machine_leave(machine, peer, k, now);
	}
}

void machine_judge_life(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	const struct terms *used = machine_used(p);

	if (used && same_life(used, terms))
		return;
	machine_forget_out(machine, peer);
	void_life(machine, peer, terms, now);
	if (p->peer_life && p->peer_life != terms->peer_life) {
		p->status.restarts++;
		machine_report(machine, peer,
			       &(struct agreement_report){ .event = AGREEMENT_PEER_RESTARTED });
	}
	p->peer_life = terms->peer_life;
}
