// SPDX-License-Identifier: GPL-2.0-or-later
/* The responder: an Initiation, and the Response or the refusal that answers it (docs/agreement.md, "State"). */
#include "agreement/machine.h"

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

/* An Initiation that is refused moves nothing but the timestamp. */
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
		machine_no_slot(machine, peer);
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
		if (p->pairs[k].pending && machine_in_order(p, &p->pairs[k].terms)) {
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
