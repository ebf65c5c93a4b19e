// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules that no end sees alone: what is sealed can be opened, and nobody seals for a life that is over. */
#include "agreement_world_inside.h"

void world_check_link(uint32_t link)
{
	for (unsigned int side = 0; side < SIDES; side++) {
		const struct plane_slot *seals = plane_seals(&world_node(link, side)->plane,
							     world_peer(link, side));
		const struct fact *fact;

		if (!seals || world.now >= seals->sa.record.deadline)
			continue;
		fact = &world.facts[seals->fact];
		if (plane_opens(&world_node(link, !side)->plane, world_peer(link, !side), seals->fact))
			continue;
		if (!fact->dead[!side])
			world_broken(
				"%s seals under pair %u (generation %u), which the other end cannot open",
				side == HUB ? "the hub" : "a spoke", seals->fact,
				seals->sa.record.generation);
		world.figures->excused++;
	}
}

void world_check_complete(uint32_t link, const struct fact *fact)
{
	for (unsigned int side = 0; side < SIDES; side++)
		if (world.epochs[link][side] != fact->epochs[side])
			return;
	for (unsigned int side = 0; side < SIDES; side++) {
		const struct plane_slot *seals = plane_seals(&world_node(link, side)->plane,
							     world_peer(link, side));

		if (seals && world.facts[seals->fact].epochs[!side] != fact->epochs[!side])
			world_broken("after a complete handshake %s seals for a life that is over",
				     side == HUB ? "the hub" : "a spoke");
	}
}

void world_kill_side(uint32_t link, unsigned int side)
{
	const struct plane *plane = &world_node(link, side)->plane;

	world.epochs[link][side]++;
	for (uint32_t k = SLOTS_SEAL; k < SLOTS_PEER; k++) {
		const struct plane_slot *slot = &plane->slots[world_peer(link, side) * SLOTS_PEER + k];

		if (slot->filled)
			world.facts[slot->fact].dead[side] = true;
	}
}

void world_check_lives(struct agent *agent)
{
	bool reset = machine_fault == FAULT_SAME_LIFE &&
		     agent->machine.counters[COUNT_RESETS] != agent->resets;

	agent->resets = agent->machine.counters[COUNT_RESETS];
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++) {
		uint64_t life = agent->machine.peers[peer].own_life;

		if (life != agent->lives[peer] || reset)
			world_kill_side(world_link(agent, peer), world_side(agent));
		agent->lives[peer] = life;
	}
}

void world_check_current(struct agent *agent)
{
	if (agent == &world.nodes[agent->node].agents[world.nodes[agent->node].current])
		world_check_lives(agent);
}

void world_check_slots(const struct agent *agent)
{
	if (machine_fault == FAULT_NO_OWNER)
		return;
	for (uint32_t peer = 0; peer < agent->machine.n_peers; peer++)
		for (unsigned int k = 0; k < SLOTS_PEER; k++) {
			const struct machine_peer *p = &agent->machine.peers[peer];
			enum slot_state state = k < SLOTS_SEAL ? p->seals[k].state
							       : p->pairs[k - SLOTS_SEAL].state;
			const struct plane_slot *slot = &world_plane(agent)->slots[peer * SLOTS_PEER + k];

			if (slot->filled != (state != SLOT_FREE) ||
			    slot->linked != (state == SLOT_LIVE || state == SLOT_LEFT))
				world_broken("slot %u is not what its agent believes", peer * SLOTS_PEER + k);
		}
}

bool world_all_have_keys(void)
{
	for (uint32_t link = 0; link < world.options.spokes; link++)
		for (unsigned int side = 0; side < SIDES; side++) {
			const struct plane_slot *seals = plane_seals(&world_node(link, side)->plane,
								     world_peer(link, side));

			if (!seals || world.now >= seals->sa.record.deadline ||
			    !plane_opens(&world_node(link, !side)->plane, world_peer(link, !side),
					 seals->fact))
				return false;
		}
	return true;
}
