// SPDX-License-Identifier: GPL-2.0-or-later
/* The end of a handshake: Confirm, Ack, and the first packet under a pair, which proves as much. */
#include "agreement/machine.h"

/* The initiator has the pair: it may be sealed under. */
static void take_confirm(struct machine *machine, uint32_t peer, unsigned int k,
			 const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];
	bool order = machine_in_order(p, &pair->terms);
	int seal = order ? machine_slot_to_seal(machine, peer) : -1;
	_cleanup_data_key_ struct data_key key = pair->send;

	if (order && seal < 0) {
		machine_no_slot(machine, peer);
		return;
	}
	pair->pending = false;
	if (!MACHINE_FAULT(FAULT_AGAIN))
		data_key_wipe(&pair->send);
	machine_judge_life(machine, peer, &pair->terms, now);
	if (order && machine_seal(machine, peer, (unsigned int)seal, &pair->terms, &key, k, now))
		return;
	pair->proven = pair->acknowledges = true;
	machine_note(machine, peer, k, now);
	machine_mark_left(machine, peer, &pair->terms, now);
	if (order)
		machine_agreed(machine, peer, &pair->terms, path, now);
	pair->acks = 1;
	pair->acks_since = now;
	machine->counters[COUNT_ACKS_SENT]++;
	machine->host.send(machine->host.data, peer, path, pair->proofs.ack, CONFIRM_LEN);
}

/* The Ack was lost: at most five a second, for the newest two. Nothing else happens. */
static void confirm_again(struct machine *machine, uint32_t peer, unsigned int k,
			  const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];
	unsigned int newer = 0;

	if (MACHINE_FAULT(FAULT_AGAIN)) {
		int seal = machine_slot_to_seal(machine, peer);
		struct data_key key = pair->send;

		if (seal >= 0 && key.length)
			machine_seal(machine, peer, (unsigned int)seal, &pair->terms, &key, k, now);
	}
	for (unsigned int i = 0; i < SLOTS_OPEN; i++)
		newer += p->pairs[i].acknowledges &&
			 machine_order(p, &p->pairs[i].terms) > machine_order(p, &pair->terms);
	if (now >= pair->acks_since + NS_PER_SECOND) {
		pair->acks_since = now;
		pair->acks = 0;
	}
	if (newer >= 2 || pair->acks >= ACKS_PER_SECOND)
		return;
	pair->acks++;
	machine->counters[COUNT_ACKS_SENT]++;
	machine->host.send(machine->host.data, peer, path, pair->proofs.ack, CONFIRM_LEN);
}

enum message_refusal machine_confirm(struct machine *machine, uint32_t session,
				     const uint8_t message[CONFIRM_LEN], const struct agreement_path *path,
				     uint64_t now)
{
	struct sa_pair *pair;
	uint32_t peer;
	unsigned int k;

	if (!machine_spi(machine, session, &peer, &k) || k == SPI_OUT || machine->stale)
		return REFUSED_NO_SESSION;
	pair = &machine->peers[peer].pairs[k];
	if (!pair->pending && !pair->acknowledges)
		return REFUSED_NO_SESSION;
	if (!confirm_right(&pair->proofs, message))
		return REFUSED_BAD_MAC;
	machine->counters[COUNT_CONFIRMS]++;
	if (!pair->pending) {
		confirm_again(machine, peer, k, path, now);
	} else {
		take_confirm(machine, peer, k, path, now);
		/* The peer's address is that of an authentic Confirm. After a first packet only the Initiation's address is
		 * known, which anybody can relay; the data plane has followed the packet by itself. */
		if (pair->acknowledges && machine->carries == CARRIES_TUNNEL)
			machine_check(machine, machine->host.endpoint(machine->host.data, peer, path));
	}
	machine_update(machine, peer);
	return ACCEPTED;
}

/* The responder has the pair as well. */
static void take_ack(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];

	pair->awaits = false;
	pair->proven = true;
	if (p->confirming == (int)k)
		p->confirming = -1;
	machine_note(machine, peer, k, now);
	machine_mark_left(machine, peer, &pair->terms, now);
	/* This pair is what was asked for, unless it was asked for because this one is old. */
	if (machine_used(p) && machine_used(p)->spi_rx == pair->terms.spi_rx && p->rekey != AGREEMENT_NEVER)
		machine_satisfied(machine, peer);
}

enum message_refusal machine_ack(struct machine *machine, uint32_t session,
				 const uint8_t message[CONFIRM_LEN], uint64_t now)
{
	const struct sa_pair *pair;
	uint32_t peer;
	unsigned int k;

	if (!machine_spi(machine, session, &peer, &k) || k == SPI_OUT || machine->stale)
		return REFUSED_NO_SESSION;
	pair = &machine->peers[peer].pairs[k];
	if (!pair->awaits)
		return REFUSED_NO_SESSION;
	if (!ack_right(&pair->proofs, message))
		return REFUSED_BAD_MAC;
	machine->counters[COUNT_ACKS]++;
	take_ack(machine, peer, k, now);
	machine_update(machine, peer);
	return ACCEPTED;
}

/*
 * The peer seals under a pair that is not waited for (any more): it has it, and it has left all before it. Not of a pair
 * that was left: it may be of a life of ours that is over, and no order is between the two.
 */
static void take_packet(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	struct sa_pair *pair = &machine->peers[peer].pairs[k];

	pair->proven = true;
	machine_note(machine, peer, k, now);
	machine_mark_left(machine, peer, &pair->terms, now);
}

static int pending_of(const struct machine_peer *p)
{
	for (unsigned int k = 0; k < SLOTS_OPEN; k++)
		if (p->pairs[k].pending)
			return (int)k;
	return -1;
}

void machine_first(struct machine *machine, uint32_t slot, uint32_t spi, uint64_t id, uint64_t now)
{
	uint32_t peer = slot / SLOTS_PEER;
	unsigned int k = slot % SLOTS_PEER - SLOTS_SEAL;
	struct machine_peer *p;

	if (peer >= machine->n_peers || k >= SLOTS_OPEN || machine->stale)
		return;
	p = &machine->peers[peer];
	if (MACHINE_FAULT(FAULT_EVENT_BY_PEER) && pending_of(p) >= 0)
		k = (unsigned int)pending_of(p);
	else if (!p->there || p->pairs[k].terms.spi_rx != spi || p->pairs[k].id != id)
		return;
	if (p->pairs[k].state != SLOT_LIVE && p->pairs[k].state != SLOT_LEFT)
		return;
	if (p->pairs[k].pending)
		take_confirm(machine, peer, k, &p->pairs[k].path, now);
	else if (p->pairs[k].awaits)
		take_ack(machine, peer, k, now);
	else if (!p->pairs[k].proven && p->pairs[k].state == SLOT_LIVE && !MACHINE_FAULT(FAULT_DEAF))
		take_packet(machine, peer, k, now);
	machine_update(machine, peer);
}
