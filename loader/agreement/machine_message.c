// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages and events: the table of docs/agreement.md, row by row. */
#include "agreement/machine.h"

#include <errno.h>
#include <string.h>

/* ---- the order of pairs ------------------------------------------------------------------------------ */

/* Within one life of the peer: generation first, then whose public key is greater. Both ends compute the same. */
static uint64_t order_of(const struct machine_peer *p, const struct terms *terms)
{
	bool greater = terms->mine ? !p->own_less : p->own_less;

	return (uint64_t)terms->generation * 2 + greater;
}

static bool same_life(const struct terms *a, const struct terms *b)
{
	return MACHINE_FAULT(FAULT_NO_LIFE) || a->peer_life == b->peer_life;
}

static const struct terms *used_terms(const struct machine_peer *p)
{
	return p->in_use < 0 ? NULL : &p->seals[p->in_use].terms;
}

static bool in_order(const struct machine_peer *p, const struct terms *terms)
{
	const struct terms *used = used_terms(p);

	return !used || !same_life(used, terms) || order_of(p, terms) > order_of(p, used) ||
	       MACHINE_FAULT(FAULT_NO_ORDER);
}

/* The peer seals under this pair or a later one: it has left all before it, for ever. */
void machine_mark_left(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	for (unsigned int k = 0; k < SLOTS_OPEN; k++) {
		const struct sa_pair *pair = &p->pairs[k];

		if (pair->state == SLOT_LIVE && same_life(&pair->terms, terms) &&
		    order_of(p, &pair->terms) < order_of(p, terms))
			machine_leave(machine, peer, k, now);
	}
}

/* A handshake of another life than that of what is in use voids what is under way with the latter. */
static void void_life(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	const struct terms *used = used_terms(p);

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

/* Before the pair's SAs are touched: is it of a new life? */
static void judge_life(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	const struct terms *used = used_terms(p);

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

/* The handshake has switched what seals. */
static void agreed(struct machine *machine, uint32_t peer, const struct terms *terms,
		   const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	machine->counters[COUNT_HANDSHAKES]++;
	p->status.handshakes++;
	p->status.handshake = now;
	machine_satisfied(machine, peer);
	machine_report(machine, peer,
		       &(struct agreement_report){ .event = AGREEMENT_AGREED,
						   .generation = terms->generation,
						   .suite = terms->suite,
						   .initiator = terms->mine,
						   .path = path });
}

static void no_slot(struct machine *machine, uint32_t peer)
{
	machine_report(machine, peer, &(struct agreement_report){ .event = AGREEMENT_NO_SLOT_FREE });
}

/* ---- the responder: Initiation ----------------------------------------------------------------------- */

static enum denial denial_of(const struct machine *machine, const struct machine_peer *p,
			     const struct initiation_payload *offer)
{
	if (offer->carries != machine->carries)
		return DENIAL_CARRIES;
	if (offer->binding != p->settings.binding)
		return DENIAL_BINDING;
	if (!suite_choose(offer->suites, p->settings.suites, p->settings.n_suites))
		return DENIAL_SUITE;
	return DENIAL_NONE;
}

static void answer_path(struct machine *machine, uint32_t peer, const struct agreement_path *path,
			const uint8_t message[RESPONSE_LEN])
{
	machine->host.send(machine->host.data, peer, path, message, RESPONSE_LEN);
}

/* Nothing but the timestamp is moved by what is refused. */
static enum message_refusal deny(struct machine *machine, uint32_t peer,
				 const struct initiation_payload *offer, struct response_payload *answer,
				 const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	_cleanup_handshake_result_ struct handshake_result result = { 0 };
	uint8_t message[RESPONSE_LEN];
	enum message_refusal refusal;

	acceptance_take(&p->accepted, &offer->timestamp, now);
	if (p->refused_since && now < p->refused_since + machine->times.refusal)
		return ACCEPTED;
	p->refused_since = now;
	answer->generation = offer->generation;
	answer->suite = 0;
	answer->spi = 0;
	refusal = machine->codec.response(machine->codec.data, peer, answer, &result, message);
	if (refusal)
		return refusal;
	machine->counters[COUNT_REFUSALS_SENT]++;
	machine_report(machine, peer,
		       &(struct agreement_report){
			       .event = AGREEMENT_REFUSES, .denial = answer->denial, .path = path });
	answer_path(machine, peer, path, message);
	return ACCEPTED;
}

static struct response_payload answer_of(struct machine *machine, const struct machine_peer *p,
					 const struct initiation_payload *offer)
{
	struct response_payload answer = {
		.life = p->own_life,
		.carries = offer->carries,
		.binding = offer->binding,
		.suite = suite_choose(offer->suites, p->settings.suites, p->settings.n_suites),
		.denial = denial_of(machine, p, offer),
		.reject_after = machine->reject_after,
	};

	if (offer->reject_after < answer.reject_after)
		answer.reject_after = offer->reject_after;
	answer.generation = p->highest + 1;
	if (offer->generation > answer.generation)
		answer.generation = offer->generation;
	return answer;
}

static void set_pending(struct machine *machine, uint32_t peer, unsigned int k,
			struct handshake_result *result, const struct agreement_path *path)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];

	/* The peer has given up its older Initiations: none of them is confirmed any more, and what opens stays. */
	for (unsigned int i = 0; i < SLOTS_OPEN; i++) {
		p->pairs[i].pending = false;
		data_key_wipe(&p->pairs[i].send);
	}
	pair->pending = true;
	pair->path = *path;
	pair->proofs = result->proofs;
	pair->send = result->send;
	data_key_wipe(&result->send);
	if (++p->status.unconfirmed == UNCONFIRMED_RESPONSES)
		machine_report(machine, peer,
			       &(struct agreement_report){ .event = AGREEMENT_UNCONFIRMED,
							   .attempts = p->status.unconfirmed,
							   .path = path });
}

/* A pair for an Initiation that is accepted: what opens first, then the Response. */
static enum message_refusal respond(struct machine *machine, uint32_t peer, uint32_t session,
				    const struct initiation_payload *offer, struct response_payload *answer,
				    const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	_cleanup_handshake_result_ struct handshake_result result = { 0 };
	int k = machine_slot_to_open(machine, peer, p->out.any, now);
	uint8_t message[RESPONSE_LEN];
	enum message_refusal refusal;
	struct terms terms = {
		.peer_life = offer->life,
		.birth = now,
		.generation = answer->generation,
		.spi_tx = session,
		.reject_after = answer->reject_after,
		.suite = answer->suite,
		.binding = answer->binding,
	};

	if (k < 0) {
		no_slot(machine, peer);
		return ACCEPTED;
	}
	terms.spi_rx = answer->spi = machine_draw_spi(machine);
	refusal = machine->codec.response(machine->codec.data, peer, answer, &result, message);
	if (refusal)
		return refusal;
	if (machine_open(machine, peer, (unsigned int)k, &terms, &result.receive, now))
		return ACCEPTED;
	acceptance_take(&p->accepted, &offer->timestamp, now);
	p->highest = terms.generation;
	set_pending(machine, peer, (unsigned int)k, &result, path);
	machine->counters[COUNT_RESPONSES_SENT]++;
	answer_path(machine, peer, path, message);
	return ACCEPTED;
}

static void early_fault(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	int seal = machine_slot_to_seal(machine, peer);

	for (unsigned int k = 0; k < SLOTS_OPEN && seal >= 0; k++)
		if (p->pairs[k].pending && in_order(p, &p->pairs[k].terms)) {
			struct data_key key = p->pairs[k].send;

			machine_seal(machine, peer, (unsigned int)seal, &p->pairs[k].terms, &key, k, now);
			break;
		}
}

/* Generations begin again where they are used up; but what is refused changes nothing. */
static enum message_refusal begin_again(struct machine *machine, uint32_t peer, uint64_t now)
{
	enum message_refusal refusal;

	if (machine->peers[peer].highest + 1 <= GENERATION_RESET)
		return ACCEPTED;
	refusal = machine->codec.ready(machine->codec.data, peer);
	if (refusal)
		return refusal;
	machine_reset(machine, peer, now);
	machine_report(machine, peer, &(struct agreement_report){ .event = AGREEMENT_RESET });
	machine_want(machine, peer, now);
	return ACCEPTED;
}

static enum message_refusal take_initiation(struct machine *machine, uint32_t peer, uint32_t session,
					    const struct initiation_payload *offer,
					    const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct response_payload answer;
	enum message_refusal refusal;

	if (acceptance_too_soon(&p->accepted, now))
		return REFUSED_TOO_SOON;
	if (acceptance_replayed(&p->accepted, &offer->timestamp))
		return REFUSED_REPLAYED;
	if (offer->generation > GENERATION_RESET)
		return REFUSED_MALFORMED;
	if (denial_of(machine, p, offer)) {
		answer = answer_of(machine, p, offer);
		return deny(machine, peer, offer, &answer, path, now);
	}
	refusal = begin_again(machine, peer, now);
	if (refusal)
		return refusal;
	answer = answer_of(machine, p, offer);
	refusal = respond(machine, peer, session, offer, &answer, path, now);
	if (MACHINE_FAULT(FAULT_EARLY))
		early_fault(machine, peer, now);
	return refusal;
}

enum message_refusal machine_initiation(struct machine *machine, uint32_t peer, uint32_t session,
					const struct initiation_payload *offer,
					const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	enum message_refusal refusal;

	if (machine->stale)
		return ACCEPTED;
	machine->counters[COUNT_INITIATIONS]++;
	refusal = take_initiation(machine, peer, session, offer, path, now);
	if (refusal == REFUSED_PSK_UNREADABLE && !p->status.psk_unreadable) {
		p->status.psk_unreadable = true;
		machine_report(machine, peer,
			       &(struct agreement_report){ .event = AGREEMENT_PSK_UNREADABLE });
	}
	machine_update(machine, peer);
	return refusal;
}

/* ---- the initiator: Response ------------------------------------------------------------------------- */

static void take_refusal(struct machine *machine, uint32_t peer, enum denial denial,
			 const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	machine_forget_out(machine, peer);
	p->asking = true;
	p->retry = now + machine_spread(machine, &machine->times.refused);
	p->status.denial = (uint8_t)denial;
	machine->counters[COUNT_REFUSALS]++;
	machine_report(
		machine, peer,
		&(struct agreement_report){ .event = AGREEMENT_REFUSED, .denial = denial, .path = path });
}

/* SAs that open and, in order, seal are in place. false: they are not, and no Confirm may be sent. */
static bool take_pair(struct machine *machine, uint32_t peer, unsigned int k, int seal,
		      const struct terms *terms, struct handshake_result *result, uint64_t now)
{
	if (machine_open(machine, peer, k, terms, &result->receive, now))
		return false;
	return seal < 0 || !machine_seal(machine, peer, (unsigned int)seal, terms, &result->send, k, now);
}

static void start_confirm(struct machine *machine, uint32_t peer, unsigned int k,
			  const struct handshake_result *result, const struct agreement_path *path,
			  uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	p->pairs[k].proofs = result->proofs;
	p->pairs[k].path = *path;
	p->pairs[k].awaits = true;
	p->confirming = (int)k;
	p->confirms = 0;
	p->confirmed = now;
	machine_send_confirm(machine, peer, k, path);
}

/* A pair for the Response: false, and nothing has changed, if slots are missing: it is dropped as if lost. */
static bool find_slots(struct machine *machine, uint32_t peer, const struct terms *terms, unsigned int *k,
		       int *seal, uint64_t now)
{
	int open = machine_slot_to_open(machine, peer, false, now);

	*seal = -1;
	if (open >= 0 && in_order(&machine->peers[peer], terms)) {
		*seal = machine_slot_to_seal(machine, peer);
		if (*seal < 0)
			open = -1;
	}
	if (open < 0)
		no_slot(machine, peer);
	*k = (unsigned int)open;
	return open >= 0;
}

static void take_response(struct machine *machine, uint32_t peer, const struct terms *terms,
			  struct handshake_result *result, const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	unsigned int k;
	int seal;

	if (!find_slots(machine, peer, terms, &k, &seal, now)) {
		/* One is free then: the slow retry is not waited for. */
		if (p->asking && p->retry > now + machine->times.grace_period + NS_PER_SECOND / 4)
			p->retry = now + machine->times.grace_period + NS_PER_SECOND / 4;
		return;
	}
	machine_forget_out(machine, peer);
	if (terms->generation > p->highest)
		p->highest = terms->generation;
	judge_life(machine, peer, terms, now);
	if (MACHINE_FAULT(FAULT_TX_FIRST))
		machine->host.send(machine->host.data, peer, path, result->proofs.confirm, CONFIRM_LEN);
	if (!take_pair(machine, peer, k, seal, terms, result, now))
		return;
	machine_satisfied(machine, peer);
	if (seal >= 0)
		agreed(machine, peer, terms, path, now);
	machine_note(machine, peer, k, now);
	start_confirm(machine, peer, k, result, path, now);
	if (machine->carries == CARRIES_TUNNEL)
		machine_check(machine, machine->host.endpoint(machine->host.data, peer, path));
}

void machine_response(struct machine *machine, uint32_t peer, const struct response_payload *answer,
		      struct handshake_result *result, const struct agreement_path *path, uint64_t now)
{
	const struct machine_peer *p = &machine->peers[peer];
	struct terms terms = {
		.peer_life = answer->life,
		.birth = p->out.sent,
		.generation = answer->generation,
		.spi_rx = p->out.session,
		.spi_tx = answer->spi,
		.reject_after = answer->reject_after,
		.suite = answer->suite,
		.binding = answer->binding,
		.mine = true,
	};

	if (p->out.any && !machine->stale) {
		machine->counters[COUNT_RESPONSES]++;
		if (!answer->suite)
			take_refusal(machine, peer, answer->denial, path, now);
		else if (answer->generation > GENERATION_RESET)
			machine_forget_out(machine, peer);
		else
			take_response(machine, peer, &terms, result, path, now);
		machine_update(machine, peer);
	}
	handshake_result_wipe(result);
}

/* ---- Confirm, Ack, first packets --------------------------------------------------------------------- */

/* The initiator has the pair: it may be sealed under. */
static void take_confirm(struct machine *machine, uint32_t peer, unsigned int k,
			 const struct agreement_path *path, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];
	bool order = in_order(p, &pair->terms);
	int seal = order ? machine_slot_to_seal(machine, peer) : -1;
	_cleanup_data_key_ struct data_key key = pair->send;

	if (order && seal < 0) {
		no_slot(machine, peer);
		return;
	}
	pair->pending = false;
	if (!MACHINE_FAULT(FAULT_AGAIN))
		data_key_wipe(&pair->send);
	judge_life(machine, peer, &pair->terms, now);
	if (order && machine_seal(machine, peer, (unsigned int)seal, &pair->terms, &key, k, now))
		return;
	pair->proven = pair->acknowledges = true;
	machine_note(machine, peer, k, now);
	machine_mark_left(machine, peer, &pair->terms, now);
	if (order)
		agreed(machine, peer, &pair->terms, path, now);
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
			 order_of(p, &p->pairs[i].terms) > order_of(p, &pair->terms);
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
		/* Not by a first packet: all that is known then is where the Initiation came from, and anybody can relay
		 * that. The data plane has followed the packet by itself. */
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
	/* Not what is asked for because the pair is old. */
	if (used_terms(p) && used_terms(p)->spi_rx == pair->terms.spi_rx && p->rekey != AGREEMENT_NEVER)
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
