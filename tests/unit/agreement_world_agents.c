// SPDX-License-Identifier: GPL-2.0-or-later
/* Nodes, peers and links by their numbers, and agents that start and stop. */
#include "agreement_world_inside.h"

#include <stdlib.h>
#include <string.h>

struct node *world_node(uint32_t link, unsigned int side)
{
	return &world.nodes[side == HUB ? 0 : 1 + link];
}

uint32_t world_peer(uint32_t link, unsigned int side)
{
	return side == HUB ? link : 0;
}

unsigned int world_side(const struct agent *agent)
{
	return agent->node == 0 ? HUB : SPOKE;
}

uint32_t world_link(const struct agent *agent, uint32_t peer)
{
	return agent->node == 0 ? peer : agent->node - 1;
}

struct plane *world_plane(const struct agent *agent)
{
	return &world.nodes[agent->node].plane;
}

struct agent *world_current(uint32_t link, unsigned int side)
{
	struct node *node = world_node(link, side);

	return &node->agents[node->current];
}

struct agent *world_some_agent(uint32_t link, unsigned int side)
{
	struct node *node = world_node(link, side);
	struct agent *other = &node->agents[!node->current];

	return other->alive && world_below(2) ? other : &node->agents[node->current];
}

static void add_peers(struct agent *agent)
{
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++) {
		uint32_t link = world_link(agent, peer);
		struct agreement_peer_settings settings = { .suites = { SUITE_AES_128_OCB }, .n_suites = 1 };

		/* The hub's key is less than every other spoke's. */
		if (machine_add_peer(&agent->machine, peer, &settings, 1000 + link,
				     (link + world_side(agent)) % 2 == 0))
			abort();
	}
}

void world_start_agent(struct agent *agent, unsigned int node)
{
	struct agreement_record records[WORLD_SPOKES * SLOTS_PEER];
	struct agreement_host host = world_host;
	struct machine_codec codec = world_codec;
	struct agreement_settings settings = {
		.peers = world.nodes[node].plane.peers,
		.carries = CARRIES_TUNNEL,
		.reject_after = world.options.reject_after,
		.idle_silent = world.options.silent,
		.times = &world.options.times,
	};

	memset(agent, 0, sizeof(*agent));
	agent->alive = true;
	agent->node = node;
	agent->owner = world.nodes[node].plane.owner = ++world.owners;
	memcpy(settings.floor, world.nodes[node].floor, sizeof(settings.floor));
	host.data = codec.data = agent;
	if (machine_init(&agent->machine, &settings, &host, &codec))
		abort();
	add_peers(agent);
	for (uint32_t peer = 0; machine_fault == FAULT_SAME_LIFE && peer < agent->machine.n_peers; peer++)
		agent->machine.peers[peer].own_life = world.nodes[node].life;
	if (machine_adopt(&agent->machine, records, plane_records(world_plane(agent), records), world.now))
		abort();
	machine_start(&agent->machine, world.now);
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++)
		agent->lives[peer] = agent->machine.peers[peer].own_life;
}

void world_stop_agent(struct agent *agent)
{
	if (agent->alive)
		machine_release(&agent->machine);
	agent->alive = false;
}

void world_restart_node(unsigned int node)
{
	world_stop_agent(&world.nodes[node].agents[0]);
	world_stop_agent(&world.nodes[node].agents[1]);
	world.nodes[node].current = 0;
	world_start_agent(&world.nodes[node].agents[0], node);
}
