// SPDX-License-Identifier: GPL-2.0-or-later
/* The world of the key agreement's tests: agents, the network between them, what disturbs them, and the rules. */
#include "agreement_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agreement_plane.h"

enum { HUB, SPOKE, SIDES };

/* A pair that a handshake gave, as nobody in the world knows it. Sides: HUB and SPOKE of its link. */
struct fact {
	uint32_t link;
	uint8_t initiator;	/* side */
	uint32_t epochs[SIDES]; /* in which it was made: how often a side had lost what it opens */
	bool sealed[SIDES];	/* its key to seal was installed */
	bool dead[SIDES]; /* what opens was lost: by a reboot, or as machine.h allows for want of slots */
	bool left_early[SIDES]; /* what opens went before GRACE was over, for want of slots */
	bool taken;		/* the initiator has it */
};

struct agent {
	bool alive;
	unsigned int node;
	uint64_t owner;
	struct machine machine;
	uint32_t asked[WORLD_SPOKES]; /* the Initiation that a Response must answer */
	uint64_t evicted;
	uint64_t lives[WORLD_SPOKES];
	uint64_t resets;
};

/* Node 0 is the hub, with a peer for each link; node 1 + link is a spoke, with one. */
struct node {
	struct plane plane;
	struct agent agents[2];
	unsigned int current; /* the agent that owns the data plane */
	int64_t clock;	      /* its clock is off by this, ns */
	uint8_t floor[AGREEMENT_STAMP_LEN];
	uint64_t life; /* since its reboot: for FAULT_SAME_LIFE */
};

enum kind { KIND_MESSAGE, KIND_DATA, KIND_EVENT, KIND_SEAL, KIND_DISTURB, KIND_SECOND };

struct event {
	uint64_t time;
	enum kind kind;
	uint32_t link;
	unsigned int to; /* side */
	uint32_t fact;
	uint32_t slot, spi; /* KIND_EVENT */
	uint64_t id;
	size_t n;
	uint8_t bytes[INITIATION_LEN];
};

#define HISTORY 64
#define DAY (86400 * NS_PER_SECOND)

static struct world {
	struct world_options options;
	struct world_figures *figures;
	uint64_t now, random, owners;
	uint32_t initiations, arriving;
	bool calm;
	struct node nodes[1 + WORLD_SPOKES];
	uint64_t outage[WORLD_SPOKES]; /* until then nothing passes */
	uint64_t wanted[WORLD_SPOKES][SIDES];
	uint32_t epochs[WORLD_SPOKES][SIDES];
	struct event *history[WORLD_SPOKES];
	unsigned int n_history[WORLD_SPOKES];
	struct fact *facts;
	uint32_t n_facts, max_facts;
	struct event **queue;
	size_t n_queue, max_queue;
	struct event *running;
	jmp_buf end;
	char broken[256];
} w;

void world_broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(w.broken, sizeof(w.broken), format, arguments);
	va_end(arguments);
	longjmp(w.end, 1);
}

static uint64_t random64(void)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 7;
	w.random ^= w.random << 17;
	return w.random * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(uint64_t n)
{
	return random64() % n;
}

static bool chance(unsigned int in_1000)
{
	return !w.calm && below(1000) < in_1000;
}

/* ---- the queue of events ----------------------------------------------------------------------------- */

static void push(const struct event *event)
{
	size_t i = w.n_queue++;

	if (w.n_queue > w.max_queue) {
		w.max_queue = 2 * w.n_queue + 64;
		w.queue = realloc(w.queue, w.max_queue * sizeof(struct event *));
	}
	w.queue[i] = malloc(sizeof(*event));
	*w.queue[i] = *event;
	for (; i > 0 && w.queue[(i - 1) / 2]->time > w.queue[i]->time; i = (i - 1) / 2) {
		struct event *up = w.queue[(i - 1) / 2];

		w.queue[(i - 1) / 2] = w.queue[i];
		w.queue[i] = up;
	}
}

static struct event *pop(void)
{
	struct event *first = w.queue[0];
	size_t i = 0;

	w.queue[0] = w.queue[--w.n_queue];
	for (;;) {
		size_t child = 2 * i + 1;
		struct event *down;

		if (child + 1 < w.n_queue && w.queue[child + 1]->time < w.queue[child]->time)
			child++;
		if (child >= w.n_queue || w.queue[child]->time >= w.queue[i]->time)
			return first;
		down = w.queue[child];
		w.queue[child] = w.queue[i];
		w.queue[i] = down;
		i = child;
	}
}

/* ---- who is who -------------------------------------------------------------------------------------- */

static struct node *node_at(uint32_t link, unsigned int side)
{
	return &w.nodes[side == HUB ? 0 : 1 + link];
}

static uint32_t peer_at(uint32_t link, unsigned int side)
{
	return side == HUB ? link : 0;
}

static unsigned int side_of(const struct agent *agent)
{
	return agent->node == 0 ? HUB : SPOKE;
}

static uint32_t link_of(const struct agent *agent, uint32_t peer)
{
	return agent->node == 0 ? peer : agent->node - 1;
}

static struct plane *plane_of(const struct agent *agent)
{
	return &w.nodes[agent->node].plane;
}

static struct agent *current(uint32_t link, unsigned int side)
{
	struct node *node = node_at(link, side);

	return &node->agents[node->current];
}

static void make_key(struct data_key *key, uint32_t fact, unsigned int side)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->bytes, &fact, sizeof(fact));
	key->bytes[4] = (uint8_t)side; /* that seals with it */
	key->length = 16;
}

/* ---- the rules --------------------------------------------------------------------------------------- */

/* What either end seals under, the other can open, unless it has lost it. */
static void check_link(uint32_t link)
{
	for (unsigned int side = 0; side < SIDES; side++) {
		const struct plane_slot *seals = plane_seals(&node_at(link, side)->plane,
							     peer_at(link, side));
		const struct fact *fact;

		if (!seals || w.now >= seals->sa.record.deadline)
			continue;
		fact = &w.facts[seals->fact];
		if (plane_opens(&node_at(link, !side)->plane, peer_at(link, !side), seals->fact))
			continue;
		if (!fact->dead[!side])
			world_broken(
				"%s seals under pair %u (generation %u), which the other end cannot open",
				side == HUB ? "the hub" : "a spoke", seals->fact,
				seals->sa.record.generation);
		w.figures->excused++;
	}
}

/* A handshake is complete, and neither end has lost anything since: nobody seals for what the other has lost. */
static void check_complete(uint32_t link, const struct fact *fact)
{
	for (unsigned int side = 0; side < SIDES; side++)
		if (w.epochs[link][side] != fact->epochs[side])
			return;
	for (unsigned int side = 0; side < SIDES; side++) {
		const struct plane_slot *seals = plane_seals(&node_at(link, side)->plane,
							     peer_at(link, side));

		if (seals && w.facts[seals->fact].epochs[!side] != fact->epochs[!side])
			world_broken("after a complete handshake %s seals for a life that is over",
				     side == HUB ? "the hub" : "a spoke");
	}
}

/* What the side opens for the link is lost from now on. */
static void kill_side(uint32_t link, unsigned int side)
{
	const struct plane *plane = &node_at(link, side)->plane;

	w.epochs[link][side]++;
	for (uint32_t k = SLOTS_SEAL; k < SLOTS_PEER; k++) {
		const struct plane_slot *slot = &plane->slots[peer_at(link, side) * SLOTS_PEER + k];

		if (slot->filled)
			w.facts[slot->fact].dead[side] = true;
	}
}

/* A new life of ours in a running agent (a reset, or `rekey`): what opens goes GRACE later. */
static void check_lives(struct agent *agent)
{
	bool reset = machine_fault == FAULT_SAME_LIFE &&
		     agent->machine.counters[COUNT_RESETS] != agent->resets;

	agent->resets = agent->machine.counters[COUNT_RESETS];
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++) {
		uint64_t life = agent->machine.peers[peer].own_life;

		if (life != agent->lives[peer] || reset)
			kill_side(link_of(agent, peer), side_of(agent));
		agent->lives[peer] = life;
	}
}

/* A new life may have begun in the call that makes a message. */
static void check_current(struct agent *agent)
{
	if (agent == &w.nodes[agent->node].agents[w.nodes[agent->node].current])
		check_lives(agent);
}

/* ---- the host ---------------------------------------------------------------------------------------- */

static int host_install(void *data, const struct agreement_sa *sa, struct agreement_key *key, uint64_t *id)
{
	const struct agent *agent = data;
	unsigned int side = side_of(agent);
	struct fact *fact;
	uint32_t number;
	int error;

	memcpy(&number, key->bytes, sizeof(number));
	fact = &w.facts[number];
	if (key->length != 16 || (key->bytes[4] == side) != sa->seals ||
	    fact->link != link_of(agent, sa->peer))
		world_broken("a key of another pair, or of none, is installed");
	agreement_key_wipe(key);
	error = plane_install(plane_of(agent), agent->owner, sa, number, id);
	if (error || !sa->seals)
		return error;
	if (fact->sealed[side])
		world_broken("rule 1: the sealing key of pair %u is installed again", number);
	if (fact->initiator != side && !fact->taken)
		world_broken("rule 3: the responder seals under pair %u, which the initiator does not have",
			     number);
	fact->sealed[side] = true;
	w.figures->switches++;
	return 0;
}

static int host_link(void *data, uint32_t slot)
{
	const struct agent *agent = data;
	struct plane *plane = plane_of(agent);
	struct fact *fact = &w.facts[plane->slots[slot].fact];
	int error = plane_link(plane, agent->owner, slot);

	if (!error && !plane->slots[slot].sa.seals && fact->initiator == side_of(agent))
		fact->taken = true;
	return error;
}

/* For want of slots an agent lets go what nobody proved to use, or what was left. */
static void excuse_eviction(struct agent *agent, const struct plane_slot *slot)
{
	struct fact *fact = &w.facts[slot->fact];
	bool unproven;

	if (agent->machine.counters[COUNT_EVICTED] == agent->evicted)
		return;
	agent->evicted = agent->machine.counters[COUNT_EVICTED];
	w.figures->evicted++;
	/* The record is what an agent knows that was started since: a note may be lost. */
	unproven = slot->sa.record.state == AGREEMENT_PENDING && !slot->told;
	fact->left_early[side_of(agent)] |= slot->noted.state == AGREEMENT_LEFT || unproven;
	fact->dead[side_of(agent)] |= unproven;
}

static int host_unlink(void *data, uint32_t slot)
{
	struct agent *agent = data;
	struct plane *plane = plane_of(agent);

	if (slot % SLOTS_PEER >= SLOTS_SEAL && plane->slots[slot].linked)
		excuse_eviction(agent, &plane->slots[slot]);
	return plane_unlink(plane, agent->owner, slot);
}

static int host_grace(void *data)
{
	const struct agent *agent = data;

	plane_of(agent)->graces++;
	return 0;
}

static int host_erase(void *data, uint32_t slot)
{
	const struct agent *agent = data;

	return plane_erase(plane_of(agent), agent->owner, slot);
}

static int host_note(void *data, uint32_t slot, const struct agreement_record *record)
{
	const struct agent *agent = data;

	return plane_note(plane_of(agent), agent->owner, slot, record, chance(w.options.lost_notes));
}

/* Rule 2: what opens is in place before the message leaves. */
static void check_sent(const struct agent *agent, uint32_t link, const uint8_t *bytes,
		       const struct message_header *header)
{
	uint32_t number;

	if (header->type == MESSAGE_RESPONSE)
		memcpy(&number, bytes + RESPONSE_MAC1, sizeof(number));
	else if (header->type == MESSAGE_CONFIRM)
		memcpy(&number, bytes + CONFIRM_MAC, sizeof(number));
	else
		return;
	if (number == 0 || agent != current(link, side_of(agent)) || w.facts[number].dead[side_of(agent)])
		return;
	if (!plane_opens(plane_of(agent), peer_at(link, side_of(agent)), number))
		world_broken("rule 2: a message leaves before its sender can open under pair %u", number);
}

/* Some are late by hours: whoever recorded them sends them again when he likes. */
static void travel(struct event *event)
{
	uint64_t delay = NS_PER_MS + below(200 * NS_PER_MS);

	if (chance(w.options.late))
		delay = below(chance(100) ? DAY : 20 * NS_PER_SECOND);
	event->time = w.now + delay;
	push(event);
}

static void transmit(struct event *event)
{
	uint32_t link = event->link;

	w.figures->messages++;
	w.history[link][w.n_history[link]++ % HISTORY] = *event;
	if (w.now < w.outage[link])
		return;
	if (!chance(w.options.loss))
		travel(event);
	if (chance(w.options.duplicate))
		travel(event);
}

static int host_send(void *data, uint32_t peer, const struct agreement_path *path, const void *bytes,
		     size_t n)
{
	const struct agent *agent = data;
	struct event event = {
		.kind = KIND_MESSAGE, .link = link_of(agent, peer), .to = !side_of(agent), .n = n
	};
	struct message_header header;

	(void)path;
	memcpy(event.bytes, bytes, n);
	if (message_read_header(&header, bytes, n))
		world_broken("a message of a wrong form is sent");
	check_sent(agent, event.link, bytes, &header);
	transmit(&event);
	return 0;
}

static int host_asking(void *data, uint32_t spi, bool add)
{
	(void)data, (void)spi, (void)add;
	return 0;
}

static bool host_where(void *data, uint32_t peer, unsigned int attempt, struct agreement_path *path)
{
	(void)data, (void)peer, (void)attempt;
	memset(path, 0, sizeof(*path));
	return true;
}

static int host_endpoint(void *data, uint32_t peer, const struct agreement_path *path)
{
	(void)data, (void)peer, (void)path;
	return 0;
}

static void host_keepalive(void *data, uint32_t peer)
{
	(void)data, (void)peer;
}

static void host_floor(void *data, const uint8_t stamp[AGREEMENT_STAMP_LEN])
{
	const struct agent *agent = data;

	memcpy(w.nodes[agent->node].floor, stamp, AGREEMENT_STAMP_LEN);
}

static void host_random(void *data, void *bytes, size_t n)
{
	(void)data;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)below(256);
}

static int64_t host_realtime(void *data)
{
	const struct agent *agent = data;

	return INT64_C(1700000000000000000) + (int64_t)w.now + w.nodes[agent->node].clock;
}

static void host_report(void *data, uint32_t peer, const struct agreement_report *report)
{
	(void)data, (void)peer;
	if (report->event == AGREEMENT_EXPIRED)
		w.figures->expired++;
}

/* ---- the codec: an Initiation is a number, a key is the number of its pair ---------------------------- */

static int codec_initiation(void *data, uint32_t peer, uint32_t session,
			    const struct initiation_payload *payload, const struct agreement_path *path,
			    uint8_t message[INITIATION_LEN])
{
	struct agent *agent = data;

	(void)path;
	check_current(agent);
	memset(message, 0, INITIATION_LEN);
	message_write_header(message, MESSAGE_INITIATION, session);
	memcpy(message + INITIATION_EPHEMERAL, payload, sizeof(*payload));
	agent->asked[peer] = ++w.initiations;
	memcpy(message + INITIATION_MAC1, &agent->asked[peer], sizeof(uint32_t));
	memcpy(message + INITIATION_MAC2, &w.epochs[link_of(agent, peer)][side_of(agent)], sizeof(uint32_t));
	return 0;
}

static void codec_forget(void *data, uint32_t peer)
{
	struct agent *agent = data;

	agent->asked[peer] = 0;
}

static uint32_t add_fact(uint32_t link, unsigned int initiator, uint32_t initiator_epoch)
{
	struct fact *fact;

	if (w.n_facts == w.max_facts) {
		w.max_facts = 2 * w.max_facts + 64;
		w.facts = realloc(w.facts, w.max_facts * sizeof(*w.facts));
	}
	fact = &w.facts[w.n_facts];
	*fact = (struct fact){ .link = link, .initiator = (uint8_t)initiator };
	fact->epochs[initiator] = initiator_epoch;
	fact->epochs[!initiator] = w.epochs[link][!initiator];
	return w.n_facts++;
}

static void make_result(struct handshake_result *result, uint32_t fact, unsigned int side,
			uint32_t initiator_spi, uint32_t responder_spi)
{
	memset(result, 0, sizeof(*result));
	make_key(&result->send, fact, side);
	make_key(&result->receive, fact, !side);
	message_write_header(result->proofs.confirm, MESSAGE_CONFIRM, responder_spi);
	message_write_header(result->proofs.ack, MESSAGE_ACK, initiator_spi);
	memcpy(result->proofs.confirm + CONFIRM_MAC, &fact, sizeof(fact));
	memcpy(result->proofs.ack + CONFIRM_MAC, &fact, sizeof(fact));
}

/* Epoch and Session of the Initiation that is being delivered. */
static uint32_t arriving_epoch, arriving_session;

static enum message_refusal codec_ready(void *data, uint32_t peer)
{
	(void)data;
	(void)peer;
	return ACCEPTED;
}

static enum message_refusal codec_response(void *data, uint32_t peer, const struct response_payload *payload,
					   struct handshake_result *result, uint8_t message[RESPONSE_LEN])
{
	struct agent *agent = data;
	unsigned int side = side_of(agent);
	uint32_t fact = 0;

	check_current(agent);
	memset(message, 0, RESPONSE_LEN);
	message_write_header(message, MESSAGE_RESPONSE, arriving_session);
	memcpy(message + RESPONSE_EPHEMERAL, payload, sizeof(*payload));
	if (payload->suite) {
		fact = add_fact(link_of(agent, peer), !side, arriving_epoch);
		make_result(result, fact, side, arriving_session, payload->spi);
		w.figures->pairs++;
	}
	memcpy(message + RESPONSE_MAC1, &fact, sizeof(fact));
	memcpy(message + RESPONSE_MAC1 + sizeof(fact), &w.arriving, sizeof(w.arriving));
	return ACCEPTED;
}

/* ---- agents ------------------------------------------------------------------------------------------ */

static const struct agreement_host world_host = {
	.install = host_install,
	.link = host_link,
	.unlink = host_unlink,
	.grace = host_grace,
	.erase = host_erase,
	.note = host_note,
	.send = host_send,
	.asking = host_asking,
	.where = host_where,
	.endpoint = host_endpoint,
	.keepalive = host_keepalive,
	.floor = host_floor,
	.random = host_random,
	.realtime = host_realtime,
	.report = host_report,
};

static void add_peers(struct agent *agent)
{
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++) {
		uint32_t link = link_of(agent, peer);
		struct agreement_peer_settings settings = { .suites = { SUITE_AES_128_OCB }, .n_suites = 1 };

		/* The hub's key is less than every other spoke's. */
		if (machine_add_peer(&agent->machine, peer, &settings, 1000 + link,
				     (link + side_of(agent)) % 2 == 0))
			abort();
	}
}

static void start_agent(struct agent *agent, unsigned int node)
{
	struct agreement_record records[WORLD_SPOKES * SLOTS_PEER];
	struct agreement_host host = world_host;
	struct machine_codec codec = { agent, codec_initiation, codec_forget, codec_ready, codec_response };
	struct agreement_settings settings = {
		.peers = w.nodes[node].plane.peers,
		.carries = CARRIES_TUNNEL,
		.reject_after = w.options.reject_after,
		.idle_silent = w.options.silent,
		.times = &w.options.times,
	};

	memset(agent, 0, sizeof(*agent));
	agent->alive = true;
	agent->node = node;
	agent->owner = w.nodes[node].plane.owner = ++w.owners;
	memcpy(settings.floor, w.nodes[node].floor, sizeof(settings.floor));
	host.data = agent;
	if (machine_init(&agent->machine, &settings, &host, &codec))
		abort();
	add_peers(agent);
	for (uint32_t peer = 0; machine_fault == FAULT_SAME_LIFE && peer < agent->machine.n_peers; peer++)
		agent->machine.peers[peer].own_life = w.nodes[node].life;
	if (machine_adopt(&agent->machine, records, plane_records(plane_of(agent), records), w.now))
		abort();
	machine_start(&agent->machine, w.now);
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++)
		agent->lives[peer] = agent->machine.peers[peer].own_life;
}

static void stop_agent(struct agent *agent)
{
	if (agent->alive)
		machine_release(&agent->machine);
	agent->alive = false;
}

static void restart_node(unsigned int node)
{
	stop_agent(&w.nodes[node].agents[0]);
	stop_agent(&w.nodes[node].agents[1]);
	w.nodes[node].current = 0;
	start_agent(&w.nodes[node].agents[0], node);
}

/* ---- deliveries -------------------------------------------------------------------------------------- */

static void take_response_message(struct agent *agent, const struct event *event,
				  const struct message_header *header)
{
	struct agreement_path path = { 0 };
	struct response_payload answer;
	struct handshake_result result = { 0 };
	uint32_t peer, fact, initiation;

	memcpy(&answer, event->bytes + RESPONSE_EPHEMERAL, sizeof(answer));
	memcpy(&fact, event->bytes + RESPONSE_MAC1, sizeof(fact));
	memcpy(&initiation, event->bytes + RESPONSE_MAC1 + sizeof(fact), sizeof(initiation));
	if (!machine_asked(&agent->machine, header->session, &peer) || agent->asked[peer] != initiation)
		return;
	if (answer.suite)
		make_result(&result, fact, side_of(agent), header->session, answer.spi);
	machine_response(&agent->machine, peer, &answer, &result, &path, w.now);
}

static void take_message(struct agent *agent, const struct event *event)
{
	struct agreement_path path = { 0 };
	struct initiation_payload offer;
	struct message_header header;
	uint32_t fact;

	message_read_header(&header, event->bytes, event->n);
	memcpy(&fact, event->bytes + CONFIRM_MAC, sizeof(fact));
	switch (header.type) {
	case MESSAGE_INITIATION:
		memcpy(&offer, event->bytes + INITIATION_EPHEMERAL, sizeof(offer));
		memcpy(&w.arriving, event->bytes + INITIATION_MAC1, sizeof(w.arriving));
		memcpy(&arriving_epoch, event->bytes + INITIATION_MAC2, sizeof(arriving_epoch));
		arriving_session = header.session;
		machine_initiation(&agent->machine, peer_at(event->link, event->to), header.session, &offer,
				   &path, w.now);
		break;
	case MESSAGE_RESPONSE:
		take_response_message(agent, event, &header);
		break;
	case MESSAGE_CONFIRM:
		machine_confirm(&agent->machine, header.session, event->bytes, &path, w.now);
		break;
	case MESSAGE_ACK:
		if (!machine_ack(&agent->machine, header.session, event->bytes, w.now))
			check_complete(event->link, &w.facts[fact]);
		break;
	default:
		break;
	}
}

static void schedule_first(const struct event *data, const struct plane_slot *slot)
{
	struct event event = { .kind = KIND_EVENT, .link = data->link, .to = data->to };

	event.slot = slot->sa.slot;
	event.spi = slot->sa.spi;
	event.id = slot->id;
	event.fact = slot->fact;
	event.time = w.now + below(20 * NS_PER_MS);
	push(&event);
}

/* A packet comes: within GRACE of when it was sealed, and so it has to be opened. */
static void take_data(const struct event *event)
{
	struct plane *plane = &node_at(event->link, event->to)->plane;
	uint32_t peer = peer_at(event->link, event->to);
	struct plane_slot *slot = plane_opens(plane, peer, event->fact);
	const struct fact *fact = &w.facts[event->fact];

	if (!slot) {
		if (!fact->dead[event->to] && !fact->left_early[event->to])
			world_broken(
				"rule 5: a packet under pair %u comes within GRACE, and cannot be opened",
				event->fact);
		return;
	}
	w.figures->opened++;
	plane->activity[peer].opened = plane->activity[peer].opened_data = w.now;
	if (!slot->opened && !chance(w.options.lost_events))
		schedule_first(event, slot);
	slot->opened = true;
}

static struct agent *some_agent(uint32_t link, unsigned int side)
{
	struct node *node = node_at(link, side);
	struct agent *other = &node->agents[!node->current];

	return other->alive && below(2) ? other : &node->agents[node->current];
}

/* The data plane seals a packet, or wants a key for it. */
static void seal_data(const struct event *turn)
{
	struct plane *plane = &node_at(turn->link, !turn->to)->plane;
	uint32_t peer = peer_at(turn->link, !turn->to);
	const struct plane_slot *slot = plane_seals(plane, peer);
	struct event event = { .kind = KIND_DATA, .link = turn->link, .to = turn->to };
	uint64_t *wanted = &w.wanted[turn->link][!turn->to];

	if (!slot || w.now >= slot->sa.record.deadline) {
		if (w.now >= *wanted + NS_PER_SECOND) {
			*wanted = w.now;
			machine_wanted(&some_agent(turn->link, !turn->to)->machine, peer, w.now);
		}
		return;
	}
	w.figures->data++;
	plane->activity[peer].sealed = w.now;
	event.fact = slot->fact;
	event.time = w.now + below(w.options.times.grace * 9 / 10);
	if (w.now >= w.outage[turn->link] && !chance(w.options.loss))
		push(&event);
}

/* ---- what disturbs ----------------------------------------------------------------------------------- */

static void reboot(unsigned int node)
{
	struct plane *plane = &w.nodes[node].plane;

	for (uint32_t peer = 0; peer < plane->peers; peer++) {
		uint32_t link = node == 0 ? peer : node - 1;

		kill_side(link, node == 0 ? HUB : SPOKE);
		plane_clear(plane, peer);
	}
	w.nodes[node].life = random64();
	restart_node(node);
	w.figures->reboots++;
}

/* `reload` takes one peer out and adds it again: its SAs are gone, those of other peers are not. */
static void reload(unsigned int node)
{
	struct plane *plane = &w.nodes[node].plane;
	uint32_t peer = (uint32_t)below(plane->peers);

	kill_side(node == 0 ? peer : node - 1, node == 0 ? HUB : SPOKE);
	plane_clear(plane, peer);
	restart_node(node);
	w.figures->reloads++;
}

/* A second agent takes over while the first one hangs: it goes on later, and does not know. */
static void second_agent(unsigned int node)
{
	struct node *n = &w.nodes[node];
	struct event end = { .kind = KIND_SECOND, .time = w.now + below(30 * NS_PER_SECOND), .link = node };
	unsigned int other = !n->current;

	if (n->agents[other].alive)
		return;
	start_agent(&n->agents[other], node);
	n->current = other;
	w.figures->seconds++;
	push(&end);
}

static void disturb(void)
{
	unsigned int node = (unsigned int)below(1 + w.options.spokes);
	struct agent *agent = &w.nodes[node].agents[w.nodes[node].current];
	uint32_t link = (uint32_t)below(w.options.spokes);

	if (chance(w.options.restart)) {
		restart_node(node);
		w.figures->restarts++;
	}
	if (chance(w.options.reboot))
		reboot(node);
	if (chance(w.options.reload))
		reload(node);
	if (chance(w.options.renew)) {
		agent = &w.nodes[node].agents[w.nodes[node].current];
		machine_renew(&agent->machine, w.now);
		check_lives(agent);
		w.figures->renews++;
	}
	if (chance(w.options.second))
		second_agent(node);
	if (chance(w.options.outage)) {
		w.outage[link] = w.now + below(2 * w.options.reject_after * NS_PER_SECOND);
		w.figures->outages++;
	}
	if (chance(w.options.clock))
		w.nodes[node].clock = (int64_t)below(2 * DAY) - (int64_t)DAY;
	if (chance(w.options.high)) {
		agent = &w.nodes[node].agents[w.nodes[node].current];
		agent->machine.peers[below(agent->machine.n_peers)].highest = GENERATION_RESET -
									      (uint32_t)below(8);
	}
	for (unsigned int i = 0; i < 4; i++)
		if (chance(w.options.replay) && w.n_history[link] > 0) {
			struct event old = w.history[link][below(
				w.n_history[link] < HISTORY ? w.n_history[link] : HISTORY)];

			old.time = w.now + 1;
			push(&old);
		}
}

static void activities(void)
{
	for (unsigned int node = 0; node <= w.options.spokes; node++) {
		struct node *n = &w.nodes[node];

		for (uint32_t peer = 0; peer < n->plane.peers; peer++)
			machine_activity(&n->agents[n->current].machine, peer, &n->plane.activity[peer],
					 w.now);
	}
}

static void tell_first(struct agent *agent, uint32_t slot, uint32_t spi, uint64_t id)
{
	struct plane_slot *told = &plane_of(agent)->slots[slot];

	if (told->id == id && agent == &w.nodes[agent->node].agents[w.nodes[agent->node].current])
		told->told = true;
	machine_first(&agent->machine, slot, spi, id, w.now);
}

/* Packets whose event was lost: the sweep finds the flag. */
static void sweep(void)
{
	for (unsigned int node = 0; node <= w.options.spokes; node++) {
		struct node *n = &w.nodes[node];

		for (uint32_t i = 0; i < n->plane.peers * SLOTS_PEER; i++)
			if (n->plane.slots[i].opened && n->plane.slots[i].linked)
				tell_first(&n->agents[n->current], i, n->plane.slots[i].sa.spi,
					   n->plane.slots[i].id);
	}
}

static void again(struct event *event, uint64_t period)
{
	event->time = w.now + 1 + below(2 * period);
	push(event);
}

static void run_event(struct event *event)
{
	struct agent *agent;

	switch (event->kind) {
	case KIND_MESSAGE:
		take_message(some_agent(event->link, event->to), event);
		break;
	case KIND_DATA:
		take_data(event);
		break;
	case KIND_EVENT:
		machine_first(&some_agent(event->link, event->to)->machine, event->slot, event->spi,
			      event->id, w.now);
		break;
	case KIND_SEAL:
		seal_data(event);
		again(event, w.options.times.rekey_after.time / 8);
		break;
	case KIND_DISTURB:
		disturb();
		activities();
		if (below(4) == 0)
			sweep();
		again(event, NS_PER_SECOND);
		break;
	case KIND_SECOND:
		agent = &w.nodes[event->link].agents[!w.nodes[event->link].current];
		stop_agent(agent);
		break;
	}
}

/* The next thing that happens: an event, or an agent's timer. */
static void step(void)
{
	struct agent *due = NULL;
	uint64_t time = w.queue[0]->time;

	for (unsigned int i = 0; i < 2 * (1 + w.options.spokes); i++) {
		struct agent *agent = &w.nodes[i / 2].agents[i % 2];

		if (agent->alive && machine_next(&agent->machine) < time) {
			due = agent;
			time = machine_next(&agent->machine);
		}
	}
	if (time > w.now)
		w.now = time;
	w.figures->events++;
	if (due) {
		machine_tick(&due->machine, w.now);
	} else {
		w.running = pop();
		run_event(w.running);
		free(w.running);
		w.running = NULL;
	}
	for (unsigned int node = 0; node <= w.options.spokes; node++)
		check_lives(&w.nodes[node].agents[w.nodes[node].current]);
	for (uint32_t link = 0; link < w.options.spokes; link++)
		check_link(link);
}

/* ---- the world --------------------------------------------------------------------------------------- */

static void begin(void)
{
	w.random = w.options.seed * 2 + 1;
	w.now = DAY;
	w.n_facts = 1; /* 0: none */
	w.max_facts = 64;
	w.facts = calloc(w.max_facts, sizeof(*w.facts));
	for (unsigned int node = 0; node <= w.options.spokes; node++)
		plane_begin(&w.nodes[node].plane, node == 0 ? w.options.spokes : 1);
	for (uint32_t link = 0; link < w.options.spokes; link++) {
		w.history[link] = calloc(HISTORY, sizeof(struct event));
		for (unsigned int side = 0; side < SIDES; side++)
			push(&(struct event){ .kind = KIND_SEAL, .time = w.now, .link = link, .to = side });
	}
	push(&(struct event){ .kind = KIND_DISTURB, .time = w.now });
	for (unsigned int node = 0; node <= w.options.spokes; node++)
		start_agent(&w.nodes[node].agents[0], node);
}

static void finish(void)
{
	for (unsigned int node = 0; node <= w.options.spokes; node++) {
		stop_agent(&w.nodes[node].agents[0]);
		stop_agent(&w.nodes[node].agents[1]);
		plane_release(&w.nodes[node].plane);
	}
	for (uint32_t link = 0; link < w.options.spokes; link++)
		free(w.history[link]);
	while (w.n_queue > 0)
		free(w.queue[--w.n_queue]);
	free(w.running);
	free(w.queue);
	free(w.facts);
}

/* Each slot is what its agent believes: it is alone, if the data plane has an owner. */
static void check_slots(const struct agent *agent)
{
	if (machine_fault == FAULT_NO_OWNER)
		return;
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++)
		for (unsigned int k = 0; k < SLOTS_PEER; k++) {
			const struct machine_peer *p = &agent->machine.peers[peer];
			enum slot_state state = k < SLOTS_SEAL ? p->seals[k].state
							       : p->pairs[k - SLOTS_SEAL].state;
			const struct plane_slot *slot = &plane_of(agent)->slots[peer * SLOTS_PEER + k];

			if (slot->filled != (state != SLOT_FREE) ||
			    slot->linked != (state == SLOT_LIVE || state == SLOT_LEFT))
				world_broken("slot %u is not what its agent believes", peer * SLOTS_PEER + k);
		}
}

/* Both ends of each link have keys that the other opens. */
static bool all_have_keys(void)
{
	for (uint32_t link = 0; link < w.options.spokes; link++)
		for (unsigned int side = 0; side < SIDES; side++) {
			const struct plane_slot *seals = plane_seals(&node_at(link, side)->plane,
								     peer_at(link, side));

			if (!seals || w.now >= seals->sa.record.deadline ||
			    !plane_opens(&node_at(link, !side)->plane, peer_at(link, !side), seals->fact))
				return false;
		}
	return true;
}

/* Nothing disturbs any more. */
static void check_calm(void)
{
	uint64_t until;

	w.calm = true;
	memset(w.outage, 0, sizeof(w.outage));
	for (unsigned int node = 0; node <= w.options.spokes; node++)
		stop_agent(&w.nodes[node].agents[!w.nodes[node].current]);
	/* The slow retry, twice if a slot was missing, and a handshake; or a dead peer that is found so. */
	until = w.now + 100 * NS_PER_SECOND;
	while (w.now < until)
		step();
	/* Just now generations may start again: then nothing seals for a round trip. */
	while (!all_have_keys() && w.now < until + 2 * NS_PER_SECOND)
		step();
	if (!all_have_keys())
		world_broken("no keys after 100 s of calm");
	for (uint32_t link = 0; link < w.options.spokes; link++)
		for (unsigned int side = 0; side < SIDES; side++)
			check_slots(current(link, side));
}

const char *world_run(const struct world_options *options, struct world_figures *figures)
{
	memset(&w, 0, sizeof(w));
	w.options = *options;
	w.figures = figures;
	if (!setjmp(w.end)) {
		begin();
		for (uint64_t i = 0; i < options->events; i++)
			step();
		check_calm();
	}
	finish();
	return w.broken[0] ? w.broken : NULL;
}
