// SPDX-License-Identifier: GPL-2.0-or-later
/* The initiator: a Response, which gives a pair or refuses it. */
#include "agreement/machine.h"

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
	if (open >= 0 && machine_in_order(&machine->peers[peer], terms)) {
		*seal = machine_slot_to_seal(machine, peer);
		if (*seal < 0)
			open = -1;
	}
	if (open < 0)
		machine_no_slot(machine, peer);
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
	machine_judge_life(machine, peer, terms, now);
	if (MACHINE_FAULT(FAULT_TX_FIRST))
		machine->host.send(machine->host.data, peer, path, result->proofs.confirm, CONFIRM_LEN);
	if (!take_pair(machine, peer, k, seal, terms, result, now))
		return;
	machine_satisfied(machine, peer);
	if (seal >= 0)
		machine_agreed(machine, peer, terms, path, now);
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
