// SPDX-License-Identifier: GPL-2.0-or-later
/* The initiator's side of time: when an Initiation is sent, repeated and given up, and when a Confirm is. */
#include "agreement/machine.h"

#include <string.h>

void machine_forget_out(struct machine *machine, uint32_t peer)
{
	struct machine_peer *p = &machine->peers[peer];

	if (!p->out.any)
		return;
	machine->codec.forget(machine->codec.data, peer);
	machine_check(machine, machine->host.asking(machine->host.data, p->out.session, false));
	machine_spi_remove(machine, peer, SPI_OUT, p->out.session);
	memset(&p->out, 0, sizeof(p->out));
}

void machine_satisfied(struct machine *machine, uint32_t peer)
{
	struct machine_peer *p = &machine->peers[peer];

	p->asking = false;
	p->attempts = 0;
	p->unanswered = 0;
	p->status.denial = 0;
	p->status.psk_unreadable = p->status.response_wrong = false;
	p->status.unconfirmed = 0;
}

void machine_agreed(struct machine *machine, uint32_t peer, const struct terms *terms,
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

void machine_send_confirm(struct machine *machine, uint32_t peer, unsigned int k,
			  const struct agreement_path *path)
{
	const struct machine_peer *p = &machine->peers[peer];

	machine->counters[COUNT_CONFIRMS_SENT]++;
	machine->host.send(machine->host.data, peer, path ? path : &p->pairs[k].path,
			   p->pairs[k].proofs.confirm, CONFIRM_LEN);
}

static struct initiation_payload offer_of(struct machine *machine, struct machine_peer *p)
{
	int64_t realtime = machine->host.realtime(machine->host.data);
	struct initiation_payload offer = {
		.generation = ++p->highest,
		.life = p->own_life,
		.carries = machine->carries,
		.binding = p->settings.binding,
		.reject_after = machine->reject_after,
	};

	p->last = timestamp_next(realtime, &machine->floor, &p->last);
	if (timestamp_raise_floor(&machine->written, &p->last))
		machine->host.floor(machine->host.data, machine->written.bytes);
	p->status.ahead = timestamp_ahead(&p->last, realtime);
	offer.timestamp = p->last;
	for (size_t i = 0; i < p->settings.n_suites; i++)
		offer.suites |= p->settings.suites[i];
	return offer;
}

/* The initiator of what is in use repeats its Confirm, in case that all were lost: the peer has no other proof of it. */
static void confirm_before(struct machine *machine, uint32_t peer, const struct agreement_path *path)
{
	const struct machine_peer *p = &machine->peers[peer];

	for (unsigned int k = 0; k < SLOTS_OPEN && p->in_use >= 0; k++)
		if (p->pairs[k].awaits && p->pairs[k].terms.spi_rx == p->seals[p->in_use].terms.spi_rx)
			machine_send_confirm(machine, peer, k, path);
}

static void send_initiation(struct machine *machine, uint32_t peer, const struct agreement_path *path,
			    uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	uint8_t message[INITIATION_LEN];
	struct initiation_payload offer;

	if (p->highest + 1 > GENERATION_RESET) {
		machine_reset(machine, peer, now);
		machine_report(machine, peer, &(struct agreement_report){ .event = AGREEMENT_RESET });
		p->asking = true;
	}
	offer = offer_of(machine, p);
	confirm_before(machine, peer, path);
	machine_forget_out(machine, peer);
	p->out.session = machine_draw_spi(machine);
	if (machine->codec.initiation(machine->codec.data, peer, p->out.session, &offer, path, message))
		return;
	p->out.any = true;
	p->out.sent = now;
	p->out.path = *path;
	machine_spi_add(machine, peer, SPI_OUT, p->out.session);
	machine_check(machine, machine->host.asking(machine->host.data, p->out.session, true));
	machine->counters[COUNT_INITIATIONS_SENT]++;
	machine->host.send(machine->host.data, peer, path, message, sizeof(message));
}

/* The time of the next attempt; with Idle = silent it is given up at last. */
static void schedule(struct machine *machine, struct machine_peer *p, uint64_t now)
{
	const struct agreement_times *times = &machine->times;
	unsigned int last = sizeof(times->retry) / sizeof(times->retry[0]) - 1;
	unsigned int i = p->attempts > 0 ? p->attempts - 1 : 0;

	if (now < p->asking_since + times->retry_fast && p->attempts > 0)
		p->retry = now + machine_spread(machine, &times->retry[i < last ? i : last]);
	else if (machine->idle_silent)
		p->asking = false;
	else
		p->retry = now + machine_spread(machine, &times->retry_slow);
}

void machine_ask(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct agreement_path path;

	/* A peer that is not known to be anywhere asks us. */
	if (machine->host.where(machine->host.data, peer, p->attempts, &path)) {
		send_initiation(machine, peer, &path, now);
		p->attempts++;
		machine_report(machine, peer,
			       &(struct agreement_report){
				       .event = AGREEMENT_ASKED, .attempts = p->attempts, .path = &path });
	}
	schedule(machine, p, now);
}

void machine_want(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	if (p->asking || machine->stale)
		return;
	p->asking = true;
	p->attempts = 0;
	p->asking_since = now;
	machine_ask(machine, peer, now);
}

void machine_wanted(struct machine *machine, uint32_t peer, uint64_t now)
{
	if (peer >= machine->n_peers || !machine->peers[peer].there)
		return;
	machine_want(machine, peer, now);
	machine_update(machine, peer);
}

void machine_found(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p;

	if (peer >= machine->n_peers || !machine->peers[peer].there || machine->stale)
		return;
	p = &machine->peers[peer];
	if (p->asking && p->attempts == 0 && !p->status.denial) {
		p->asking_since = now;
		machine_ask(machine, peer, now);
	} else {
		machine_want(machine, peer, now);
	}
	machine_update(machine, peer);
}

void machine_repeat(struct machine *machine, uint32_t peer, uint64_t now)
{
	if (machine->peers[peer].asking && !machine->stale)
		machine_ask(machine, peer, now);
	machine_update(machine, peer);
}

/* ---- activity ---------------------------------------------------------------------------------------- */

/* Was data sealed since the time? */
static bool wants_key(const struct machine *machine, const struct machine_peer *p, uint64_t now)
{
	const struct sealing *seal = p->in_use < 0 ? NULL : &p->seals[p->in_use];

	if (!seal || p->asking)
		return false;
	if (p->activity.numbers >= REKEY_AFTER_PACKETS)
		return true;
	return machine->idle_silent && now >= p->rekey && p->activity.sealed >= seal->terms.birth;
}

static void watch_peer(struct machine *machine, uint32_t peer, const struct agreement_activity *activity,
		       uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	if (activity->opened > p->activity.opened)
		p->unanswered = 0;
	if (activity->sealed > p->activity.sealed && activity->sealed > activity->opened && !p->unanswered)
		p->unanswered = activity->sealed;
	if (activity->sealed > p->activity.sealed)
		p->unreplied = 0;
	if (activity->opened_data > p->activity.opened_data && activity->opened_data > activity->sealed &&
	    !p->unreplied)
		p->unreplied = activity->opened_data;
	p->activity = *activity;
	if (p->unreplied && now >= p->unreplied + machine->times.keepalive) {
		p->unreplied = 0;
		machine->host.keepalive(machine->host.data, peer);
	}
	if (p->unanswered && now >= p->unanswered + p->patience) {
		p->unanswered = 0;
		p->patience = machine_spread(machine, &machine->times.dead_peer);
		machine_want(machine, peer, now);
	}
}

void machine_activity(struct machine *machine, uint32_t peer, const struct agreement_activity *activity,
		      uint64_t now)
{
	struct machine_peer *p;

	if (peer >= machine->n_peers || !machine->peers[peer].there || machine->stale)
		return;
	p = &machine->peers[peer];
	if (machine->carries == CARRIES_TUNNEL)
		watch_peer(machine, peer, activity, now);
	else
		p->activity = *activity;
	if (wants_key(machine, p, now))
		machine_want(machine, peer, now);
	machine_update(machine, peer);
}
