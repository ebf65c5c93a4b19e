// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine of the key agreement: its peers, and the heap of their timers. */
#include "agreement/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agreement/secret_memory.h"

uint64_t machine_spread(struct machine *machine, const struct spread *spread)
{
	uint64_t random;

	machine->host.random(machine->host.data, &random, sizeof(random));
	return spread->time + random % (spread->spread + 1);
}

void machine_report(struct machine *machine, uint32_t peer, const struct agreement_report *report)
{
	machine->host.report(machine->host.data, peer, report);
}

int machine_check(struct machine *machine, int error)
{
	if (error == -ESTALE)
		machine->stale = true;
	return error;
}

/* ---- the heap of timers ------------------------------------------------------------------------------ */

static void heap_place(struct machine *machine, uint32_t place, uint32_t peer)
{
	machine->heap[place] = peer;
	machine->peers[peer].heap = place;
}

static uint64_t heap_due(const struct machine *machine, uint32_t place)
{
	return machine->peers[machine->heap[place]].due;
}

static void heap_up(struct machine *machine, uint32_t place)
{
	uint32_t peer = machine->heap[place];

	while (place > 0 && heap_due(machine, (place - 1) / 2) > machine->peers[peer].due) {
		heap_place(machine, place, machine->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	heap_place(machine, place, peer);
}

static void heap_down(struct machine *machine, uint32_t place)
{
	uint32_t peer = machine->heap[place];

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < machine->n_heap && heap_due(machine, child + 1) < heap_due(machine, child))
			child++;
		if (child >= machine->n_heap || heap_due(machine, child) >= machine->peers[peer].due)
			break;
		heap_place(machine, place, machine->heap[child]);
		place = child;
	}
	heap_place(machine, place, peer);
}

/* ---- timers of one peer ------------------------------------------------------------------------------ */

static void earlier(uint64_t *due, uint64_t time)
{
	if (time < *due)
		*due = time;
}

static uint64_t confirm_due(const struct machine *machine, const struct machine_peer *p)
{
	if (p->confirming < 0)
		return AGREEMENT_NEVER;
	if (p->confirms < CONFIRM_REPEATS)
		return p->confirmed + machine->times.confirm[p->confirms];
	return p->confirmed + machine->times.confirm_failed;
}

static uint64_t pair_due(const struct machine *machine, const struct sa_pair *pair)
{
	uint64_t due = AGREEMENT_NEVER;

	if (pair->state != SLOT_LIVE && pair->state != SLOT_LEFT)
		return due;
	due = machine_deadline_open(machine, &pair->terms) + machine->times.erase;
	if (pair->pending)
		earlier(&due, pair->terms.birth + machine->times.pending);
	if (pair->state == SLOT_LEFT)
		earlier(&due, pair->since + machine->times.grace);
	return due;
}

static uint64_t seal_due(const struct machine *machine, const struct machine_peer *p)
{
	uint64_t due = AGREEMENT_NEVER, deadline;

	if (p->in_use < 0)
		return due;
	deadline = machine_deadline_seal(machine, &p->seals[p->in_use].terms);
	due = deadline + machine->times.erase;
	if (!p->expired)
		earlier(&due, deadline);
	if (!machine->idle_silent)
		earlier(&due, p->rekey);
	return due;
}

void machine_update(struct machine *machine, uint32_t peer)
{
	struct machine_peer *p = &machine->peers[peer];
	uint64_t due = seal_due(machine, p);

	if (p->asking)
		earlier(&due, p->retry);
	if (p->out.any)
		earlier(&due, p->out.sent + machine->times.out);
	earlier(&due, confirm_due(machine, p));
	for (unsigned int k = 0; k < SLOTS_OPEN; k++)
		earlier(&due, pair_due(machine, &p->pairs[k]));
	p->due = due;
	heap_up(machine, p->heap);
	heap_down(machine, p->heap);
}

static void run_confirm(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	if (confirm_due(machine, p) > now)
		return;
	if (p->confirms < CONFIRM_REPEATS) {
		p->confirms++;
		machine_send_confirm(machine, peer, (unsigned int)p->confirming, NULL);
		return;
	}
	p->confirming = -1;
	machine_want(machine, peer, now);
}

static void run_pair(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	struct sa_pair *pair = &p->pairs[k];

	if (pair_due(machine, pair) > now)
		return;
	if (pair->pending && pair->terms.birth + machine->times.pending <= now) {
		pair->pending = false;
		data_key_wipe(&pair->send);
	}
	if (pair_due(machine, pair) <= now)
		machine_retire_open(machine, peer, k, now);
}

static void run_seal(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];
	uint64_t deadline;

	if (p->in_use < 0)
		return;
	deadline = machine_deadline_seal(machine, &p->seals[p->in_use].terms);
	if (!machine->idle_silent && p->rekey <= now) {
		p->rekey = AGREEMENT_NEVER;
		machine_want(machine, peer, now);
	}
	if (!p->expired && deadline <= now) {
		p->expired = true;
		machine->counters[COUNT_EXPIRED]++;
		machine_report(machine, peer, &(struct agreement_report){ .event = AGREEMENT_EXPIRED });
		if (!machine->idle_silent)
			machine_want(machine, peer, now);
	}
	if (deadline + machine->times.erase <= now)
		machine_retire_seal(machine, peer, (unsigned int)p->in_use, now);
}

static void run_peer(struct machine *machine, uint32_t peer, uint64_t now)
{
	struct machine_peer *p = &machine->peers[peer];

	for (unsigned int k = 0; k < SLOTS_OPEN; k++)
		run_pair(machine, peer, k, now);
	run_seal(machine, peer, now);
	run_confirm(machine, peer, now);
	if (p->out.any && p->out.sent + machine->times.out <= now)
		machine_forget_out(machine, peer);
	if (p->asking && p->retry <= now)
		machine_ask(machine, peer, now);
	machine_update(machine, peer);
}

uint64_t machine_tick(struct machine *machine, uint64_t now)
{
	/* Each run moves a timer of its peer into the future; the bound is for what a fault of ours would cost. */
	for (uint32_t i = 0; i < 4 * machine->n_heap && heap_due(machine, 0) <= now && !machine->stale; i++)
		run_peer(machine, machine->heap[0], now);
	if (machine->grace <= now && !machine->stale)
		machine_grace(machine, now);
	return machine_next(machine);
}

uint64_t machine_next(const struct machine *machine)
{
	uint64_t due = machine->grace;

	if (machine->stale)
		return AGREEMENT_NEVER;
	if (machine->n_heap > 0)
		earlier(&due, heap_due(machine, 0));
	return due;
}

/* ---- all peers --------------------------------------------------------------------------------------- */

void machine_ask_all(struct machine *machine, uint64_t now)
{
	/* A single peer is asked at once: after a reboot traffic waits for it. */
	struct spread spread = { 0, machine->n_heap * NS_PER_SECOND / ASKS_PER_SECOND };

	for (uint32_t peer = 0; peer < machine->n_peers; peer++) {
		struct machine_peer *p = &machine->peers[peer];

		/* A peer that is asked slowly is asked now; one that has refused is left alone. */
		if (!p->there || (p->asking && p->status.denial))
			continue;
		p->asking = true;
		p->attempts = 0;
		p->retry = p->asking_since = now + machine_spread(machine, &spread);
		machine_update(machine, peer);
	}
}

void machine_start(struct machine *machine, uint64_t now)
{
	if (!machine->idle_silent)
		machine_ask_all(machine, now);
}

void machine_renew(struct machine *machine, uint64_t now)
{
	for (uint32_t peer = 0; peer < machine->n_peers && !machine->stale; peer++) {
		if (!machine->peers[peer].there)
			continue;
		machine_reset(machine, peer, now);
		machine_update(machine, peer);
	}
	machine_ask_all(machine, now);
}

/* ---- the machine itself ------------------------------------------------------------------------------ */

int machine_init(struct machine *machine, const struct agreement_settings *settings,
		 const struct agreement_host *host, const struct machine_codec *codec)
{
	uint32_t spis = 16;

	memset(machine, 0, sizeof(*machine));
	machine->host = *host;
	machine->codec = *codec;
	machine->times = settings->times ? *settings->times : agreement_times;
	machine->carries = settings->carries;
	machine->reject_after = settings->reject_after;
	/* A test's own times: it is not said to the peer. */
	if (machine->reject_after < REJECT_AFTER_MIN) {
		machine->times.reject_after = machine->reject_after * NS_PER_SECOND;
		machine->reject_after = REJECT_AFTER_MIN;
	}
	machine->idle_silent = settings->idle_silent;
	memcpy(machine->floor.bytes, settings->floor, sizeof(machine->floor.bytes));
	machine->written = machine->floor;
	machine->n_peers = settings->peers;
	machine->grace = AGREEMENT_NEVER;
	machine->first_dying = AGREEMENT_NO_SLOT;
	while (spis < settings->peers * SPI_NODES)
		spis *= 2;
	machine->spi_mask = spis - 1;
	machine->peers = secret_memory((settings->peers ? settings->peers : 1) * sizeof(*machine->peers));
	machine->heap = calloc(settings->peers + 1, sizeof(*machine->heap));
	machine->spi_heads = malloc(spis * sizeof(*machine->spi_heads));
	machine->spi_next = calloc((size_t)settings->peers * SPI_NODES + 1, sizeof(*machine->spi_next));
	if (!machine->peers || !machine->heap || !machine->spi_heads || !machine->spi_next) {
		machine_release(machine);
		return -ENOMEM;
	}
	memset(machine->spi_heads, 0xff, spis * sizeof(*machine->spi_heads));
	return 0;
}

void machine_release(struct machine *machine)
{
	secret_memory_free(machine->peers,
			   (machine->n_peers ? machine->n_peers : 1) * sizeof(*machine->peers));
	free(machine->heap);
	free(machine->spi_heads);
	free(machine->spi_next);
	free(machine->orphans);
	memset(machine, 0, sizeof(*machine));
}

int machine_add_peer(struct machine *machine, uint32_t peer, const struct agreement_peer_settings *settings,
		     uint64_t key_hash, bool own_less)
{
	struct machine_peer *p;

	if (peer >= machine->n_peers || settings->n_suites == 0 || settings->n_suites > AGREEMENT_SUITES)
		return -EINVAL;
	p = &machine->peers[peer];
	if (p->there)
		return -EEXIST;
	p->there = true;
	p->settings = *settings;
	p->key_hash = key_hash;
	p->own_less = own_less;
	p->in_use = p->confirming = -1;
	p->rekey = AGREEMENT_NEVER;
	machine->host.random(machine->host.data, &p->own_life, sizeof(p->own_life));
	p->patience = machine_spread(machine, &machine->times.dead_peer);
	heap_place(machine, machine->n_heap, peer);
	machine->n_heap++;
	machine_update(machine, peer);
	return 0;
}
