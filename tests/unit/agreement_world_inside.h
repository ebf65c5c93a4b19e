/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the world of the key agreement's tests, which its files share: nodes with their agents, pairs, and what
 * is to happen. A link is that of the hub and one spoke; a side is one end of it.
 */
#ifndef XDPSEC_AGREEMENT_WORLD_INSIDE_H
#define XDPSEC_AGREEMENT_WORLD_INSIDE_H

#include <setjmp.h>

#include "agreement_plane.h"
#include "agreement_world.h"

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

#define HISTORY 64 /* messages of a link that may come again */
#define DAY (86400 * NS_PER_SECOND)

struct world {
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
};

extern struct world world;

/* ---- agreement_world.c: chance. In the calm at the end nothing happens by chance --------------------- */

uint64_t world_random(void);
uint64_t world_below(uint64_t n);
bool world_chance(unsigned int in_1000);

/* ---- agreement_world_queue.c ------------------------------------------------------------------------- */

/* A copy of it happens at its time. */
void world_push(const struct event *event);
/* The first one; the caller frees it. */
struct event *world_pop(void);

/* ---- agreement_world_agents.c: who is who, start and stop -------------------------------------------- */

struct node *world_node(uint32_t link, unsigned int side);
uint32_t world_peer(uint32_t link, unsigned int side);
unsigned int world_side(const struct agent *agent);
uint32_t world_link(const struct agent *agent, uint32_t peer);
struct plane *world_plane(const struct agent *agent);
/* The agent that owns the data plane; or perhaps the one that does not know that it has lost it. */
struct agent *world_current(uint32_t link, unsigned int side);
struct agent *world_some_agent(uint32_t link, unsigned int side);
void world_start_agent(struct agent *agent, unsigned int node);
void world_stop_agent(struct agent *agent);
void world_restart_node(unsigned int node);

/* ---- agreement_world_rules.c ------------------------------------------------------------------------- */

/* Each end opens what the other seals, unless it has lost that pair. */
void world_check_link(uint32_t link);
/* A handshake is complete, and neither end has lost anything since: nobody seals for what the other has lost. */
void world_check_complete(uint32_t link, const struct fact *fact);
/* A new life of ours in a running agent (a reset, or `rekey`): what opens goes GRACE later. */
void world_check_lives(struct agent *agent);
/* A new life may have begun in the call that makes a message. */
void world_check_current(struct agent *agent);
/* Each slot is what its agent believes: it is alone, if the data plane has an owner. */
void world_check_slots(const struct agent *agent);
/* Both ends of each link have keys that the other opens. */
bool world_all_have_keys(void);
/* From now on the side opens nothing of before for the link. */
void world_kill_side(uint32_t link, unsigned int side);

/* ---- agreement_world_host.c, agreement_world_codec.c: for machine_init(), without their data --------- */

extern const struct agreement_host world_host;
extern const struct machine_codec world_codec;
/* A message arrives. */
void world_take_message(struct agent *agent, const struct event *event);

/* ---- agreement_world_traffic.c ----------------------------------------------------------------------- */

/* The data plane seals a packet, or wants a key for it. */
void world_seal_data(const struct event *turn);
/* A packet comes: within GRACE of when it was sealed, and so it has to be opened. */
void world_take_data(const struct event *event);
/* The agents hear what the data planes have sealed and opened. */
void world_activities(void);
/* Packets whose event was lost: the sweep finds the flag. */
void world_sweep(void);

/* ---- agreement_world_disturb.c ----------------------------------------------------------------------- */

void world_disturb(void);

#endif
