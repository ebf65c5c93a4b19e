// SPDX-License-Identifier: GPL-2.0-or-later
/* Data packets: they are sealed, opened, and tell the agent of the first one under a pair. */
#include "agreement_world_inside.h"

static void schedule_first(const struct event *data, const struct plane_slot *slot)
{
	struct event event = { .kind = KIND_EVENT, .link = data->link, .to = data->to };

	event.slot = slot->sa.slot;
	event.spi = slot->sa.spi;
	event.id = slot->id;
	event.fact = slot->fact;
	event.time = world.now + world_below(20 * NS_PER_MS);
	world_push(&event);
}

void world_take_data(const struct event *event)
{
	struct plane *plane = &world_node(event->link, event->to)->plane;
	uint32_t peer = world_peer(event->link, event->to);
	struct plane_slot *slot = plane_opens(plane, peer, event->fact);
	const struct fact *fact = &world.facts[event->fact];

	if (!slot) {
		if (!fact->dead[event->to] && !fact->left_early[event->to])
			world_broken(
				"rule 5: a packet under pair %u comes within GRACE, and cannot be opened",
				event->fact);
		return;
	}
	world.figures->opened++;
	plane->activity[peer].opened = plane->activity[peer].opened_data = world.now;
	if (!slot->opened && !world_chance(world.options.lost_events))
		schedule_first(event, slot);
	slot->opened = true;
}

void world_seal_data(const struct event *turn)
{
	struct plane *plane = &world_node(turn->link, !turn->to)->plane;
	uint32_t peer = world_peer(turn->link, !turn->to);
	const struct plane_slot *slot = plane_seals(plane, peer);
	struct event event = { .kind = KIND_DATA, .link = turn->link, .to = turn->to };
	uint64_t *wanted = &world.wanted[turn->link][!turn->to];

	if (!slot || world.now >= slot->sa.record.deadline) {
		if (world.now >= *wanted + NS_PER_SECOND) {
			*wanted = world.now;
			machine_wanted(&world_some_agent(turn->link, !turn->to)->machine, peer, world.now);
		}
		return;
	}
	world.figures->data++;
	plane->activity[peer].sealed = world.now;
	event.fact = slot->fact;
	event.time = world.now + world_below(world.options.times.grace * 9 / 10);
	if (world.now >= world.outage[turn->link] && !world_chance(world.options.loss))
		world_push(&event);
}

static void tell_first(struct agent *agent, uint32_t slot, uint32_t spi, uint64_t id)
{
	struct plane_slot *told = &world_plane(agent)->slots[slot];

	if (told->id == id && agent == &world.nodes[agent->node].agents[world.nodes[agent->node].current])
		told->told = true;
	machine_first(&agent->machine, slot, spi, id, world.now);
}

void world_sweep(void)
{
	for (unsigned int node = 0; node <= world.options.spokes; node++) {
		struct node *n = &world.nodes[node];

		for (uint32_t i = 0; i < n->plane.peers * SLOTS_PEER; i++)
			if (n->plane.slots[i].opened && n->plane.slots[i].linked)
				tell_first(&n->agents[n->current], i, n->plane.slots[i].sa.spi,
					   n->plane.slots[i].id);
	}
}

void world_activities(void)
{
	for (unsigned int node = 0; node <= world.options.spokes; node++) {
		struct node *n = &world.nodes[node];

		for (uint32_t peer = 0; peer < n->plane.peers; peer++)
			machine_activity(&n->agents[n->current].machine, peer, &n->plane.activity[peer],
					 world.now);
	}
}
