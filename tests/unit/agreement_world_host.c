// SPDX-License-Identifier: GPL-2.0-or-later
/* The host of an agent: its data plane, and a network that loses, doubles and delays. It asserts the order of both. */
#include "agreement_world_inside.h"

#include <string.h>

static int host_install(void *data, const struct agreement_sa *sa, struct agreement_key *key, uint64_t *id)
{
	const struct agent *agent = data;
	unsigned int side = world_side(agent);
	struct fact *fact;
	uint32_t number;
	int error;

	memcpy(&number, key->bytes, sizeof(number));
	fact = &world.facts[number];
	if (key->length != 16 || (key->bytes[4] == side) != sa->seals ||
	    fact->link != world_link(agent, sa->peer))
		world_broken("a key of another pair, or of none, is installed");
	agreement_key_wipe(key);
	error = plane_install(world_plane(agent), agent->owner, sa, number, id);
	if (error || !sa->seals)
		return error;
	if (fact->sealed[side])
		world_broken("rule 1: the sealing key of pair %u is installed again", number);
	if (fact->initiator != side && !fact->taken)
		world_broken("rule 3: the responder seals under pair %u, which the initiator does not have",
			     number);
	fact->sealed[side] = true;
	world.figures->switches++;
	return 0;
}

static int host_link(void *data, uint32_t slot)
{
	const struct agent *agent = data;
	struct plane *plane = world_plane(agent);
	struct fact *fact = &world.facts[plane->slots[slot].fact];
	int error = plane_link(plane, agent->owner, slot);

	if (!error && !plane->slots[slot].sa.seals && fact->initiator == world_side(agent))
		fact->taken = true;
	return error;
}

/* For want of slots an agent lets go what nobody proved to use, or what was left. */
static void excuse_eviction(struct agent *agent, const struct plane_slot *slot)
{
	struct fact *fact = &world.facts[slot->fact];
	bool unproven;

	if (agent->machine.counters[COUNT_EVICTED] == agent->evicted)
		return;
	agent->evicted = agent->machine.counters[COUNT_EVICTED];
	world.figures->evicted++;
	/* The record is what an agent knows that was started since: a note may be lost. */
	unproven = slot->sa.record.state == AGREEMENT_PENDING && !slot->told;
	fact->left_early[world_side(agent)] |= slot->noted.state == AGREEMENT_LEFT || unproven;
	fact->dead[world_side(agent)] |= unproven;
}

static int host_unlink(void *data, uint32_t slot)
{
	struct agent *agent = data;
	struct plane *plane = world_plane(agent);

	if (slot % SLOTS_PEER >= SLOTS_SEAL && plane->slots[slot].linked)
		excuse_eviction(agent, &plane->slots[slot]);
	return plane_unlink(plane, agent->owner, slot);
}

static int host_grace(void *data)
{
	const struct agent *agent = data;

	world_plane(agent)->graces++;
	return 0;
}

static int host_erase(void *data, uint32_t slot)
{
	const struct agent *agent = data;

	return plane_erase(world_plane(agent), agent->owner, slot);
}

static int host_note(void *data, uint32_t slot, const struct agreement_record *record)
{
	const struct agent *agent = data;

	return plane_note(world_plane(agent), agent->owner, slot, record,
			  world_chance(world.options.lost_notes));
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
	if (number == 0 || agent != world_current(link, world_side(agent)) ||
	    world.facts[number].dead[world_side(agent)])
		return;
	if (!plane_opens(world_plane(agent), world_peer(link, world_side(agent)), number))
		world_broken("rule 2: a message leaves before its sender can open under pair %u", number);
}

/* Some are late by hours: whoever recorded them sends them again when he likes. */
static void travel(struct event *event)
{
	uint64_t delay = NS_PER_MS + world_below(200 * NS_PER_MS);

	if (world_chance(world.options.late))
		delay = world_below(world_chance(100) ? DAY : 20 * NS_PER_SECOND);
	event->time = world.now + delay;
	world_push(event);
}

static void transmit(struct event *event)
{
	uint32_t link = event->link;

	world.figures->messages++;
	world.history[link][world.n_history[link]++ % HISTORY] = *event;
	if (world.now < world.outage[link])
		return;
	if (!world_chance(world.options.loss))
		travel(event);
	if (world_chance(world.options.duplicate))
		travel(event);
}

static int host_send(void *data, uint32_t peer, const struct agreement_path *path, const void *bytes,
		     size_t n)
{
	const struct agent *agent = data;
	struct event event = {
		.kind = KIND_MESSAGE, .link = world_link(agent, peer), .to = !world_side(agent), .n = n
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

	memcpy(world.nodes[agent->node].floor, stamp, AGREEMENT_STAMP_LEN);
}

static void host_random(void *data, void *bytes, size_t n)
{
	(void)data;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)world_below(256);
}

static int64_t host_realtime(void *data)
{
	const struct agent *agent = data;

	return INT64_C(1700000000000000000) + (int64_t)world.now + world.nodes[agent->node].clock;
}

static void host_report(void *data, uint32_t peer, const struct agreement_report *report)
{
	(void)data, (void)peer;
	if (report->event == AGREEMENT_EXPIRED)
		world.figures->expired++;
}

const struct agreement_host world_host = {
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
