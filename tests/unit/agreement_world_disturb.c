// SPDX-License-Identifier: GPL-2.0-or-later
/* Disturbances: restarts, reboots, reloads, second agents, outages, clocks that jump, and old messages again. */
#include "agreement_world_inside.h"

static void reboot(unsigned int node)
{
	struct plane *plane = &world.nodes[node].plane;

	for (uint32_t peer = 0; peer < plane->peers; peer++) {
		uint32_t link = node == 0 ? peer : node - 1;

		world_kill_side(link, node == 0 ? HUB : SPOKE);
		plane_clear(plane, peer);
	}
	world.nodes[node].life = world_random();
	world_restart_node(node);
	world.figures->reboots++;
}

/* `reload` takes one peer out and adds it again: its SAs are gone, those of other peers are not. */
static void reload(unsigned int node)
{
	struct plane *plane = &world.nodes[node].plane;
	uint32_t peer = (uint32_t)world_below(plane->peers);

	world_kill_side(node == 0 ? peer : node - 1, node == 0 ? HUB : SPOKE);
	plane_clear(plane, peer);
	world_restart_node(node);
	world.figures->reloads++;
}

/* A second agent takes over while the first one hangs: it goes on later, and does not know. */
static void second_agent(unsigned int node)
{
	struct node *n = &world.nodes[node];
	struct event end = { .kind = KIND_SECOND,
			     .time = world.now + world_below(30 * NS_PER_SECOND),
			     .link = node };
	unsigned int other = !n->current;

	if (n->agents[other].alive)
		return;
	world_start_agent(&n->agents[other], node);
	n->current = other;
	world.figures->seconds++;
	world_push(&end);
}

void world_disturb(void)
{
	unsigned int node = (unsigned int)world_below(1 + world.options.spokes);
	struct agent *agent = &world.nodes[node].agents[world.nodes[node].current];
	uint32_t link = (uint32_t)world_below(world.options.spokes);

	if (world_chance(world.options.restart)) {
		world_restart_node(node);
		world.figures->restarts++;
	}
	if (world_chance(world.options.reboot))
		reboot(node);
	if (world_chance(world.options.reload))
		reload(node);
	if (world_chance(world.options.renew)) {
		agent = &world.nodes[node].agents[world.nodes[node].current];
		machine_renew(&agent->machine, world.now);
		world_check_lives(agent);
		world.figures->renews++;
	}
	if (world_chance(world.options.second))
		second_agent(node);
	if (world_chance(world.options.outage)) {
		world.outage[link] = world.now + world_below(2 * world.options.reject_after * NS_PER_SECOND);
		world.figures->outages++;
	}
	if (world_chance(world.options.clock))
		world.nodes[node].clock = (int64_t)world_below(2 * DAY) - (int64_t)DAY;
	if (world_chance(world.options.high)) {
		agent = &world.nodes[node].agents[world.nodes[node].current];
		agent->machine.peers[world_below(agent->machine.n_peers)].highest = GENERATION_RESET -
										    (uint32_t)world_below(8);
	}
	for (unsigned int i = 0; i < 4; i++)
		if (world_chance(world.options.replay) && world.n_history[link] > 0) {
			struct event old = world.history[link][world_below(
				world.n_history[link] < HISTORY ? world.n_history[link] : HISTORY)];

			old.time = world.now + 1;
			world_push(&old);
		}
}
