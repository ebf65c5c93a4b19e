// SPDX-License-Identifier: GPL-2.0-or-later
/* The world of the key agreement's tests: what happens next, the rules after it, and the calm at the end. */
#include "agreement_world_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world world;

void world_broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(world.broken, sizeof(world.broken), format, arguments);
	va_end(arguments);
	longjmp(world.end, 1);
}

uint64_t world_random(void)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return world.random * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t world_below(uint64_t n)
{
	return world_random() % n;
}

bool world_chance(unsigned int in_1000)
{
	return !world.calm && world_below(1000) < in_1000;
}

static void again(struct event *event, uint64_t period)
{
	event->time = world.now + 1 + world_below(2 * period);
	world_push(event);
}

static void run_event(struct event *event)
{
	struct agent *agent;

	switch (event->kind) {
	case KIND_MESSAGE:
		world_take_message(world_some_agent(event->link, event->to), event);
		break;
	case KIND_DATA:
		world_take_data(event);
		break;
	case KIND_EVENT:
		machine_first(&world_some_agent(event->link, event->to)->machine, event->slot, event->spi,
			      event->id, world.now);
		break;
	case KIND_SEAL:
		world_seal_data(event);
		again(event, world.options.times.rekey_after.time / 8);
		break;
	case KIND_DISTURB:
		world_disturb();
		world_activities();
		if (world_below(4) == 0)
			world_sweep();
		again(event, NS_PER_SECOND);
		break;
	case KIND_SECOND:
		agent = &world.nodes[event->link].agents[!world.nodes[event->link].current];
		world_stop_agent(agent);
		break;
	}
}

/* The next thing that happens: an event, or an agent's timer. */
static void step(void)
{
	struct agent *due = NULL;
	uint64_t time = world.queue[0]->time;

	for (unsigned int i = 0; i < 2 * (1 + world.options.spokes); i++) {
		struct agent *agent = &world.nodes[i / 2].agents[i % 2];

		if (agent->alive && machine_next(&agent->machine) < time) {
			due = agent;
			time = machine_next(&agent->machine);
		}
	}
	if (time > world.now)
		world.now = time;
	world.figures->events++;
	if (due) {
		machine_tick(&due->machine, world.now);
	} else {
		world.running = world_pop();
		run_event(world.running);
		free(world.running);
		world.running = NULL;
	}
	for (unsigned int node = 0; node <= world.options.spokes; node++)
		world_check_lives(&world.nodes[node].agents[world.nodes[node].current]);
	for (uint32_t link = 0; link < world.options.spokes; link++)
		world_check_link(link);
}

static void begin(void)
{
	world.random = world.options.seed * 2 + 1;
	world.now = DAY;
	world.n_facts = 1; /* 0: none */
	world.max_facts = 64;
	world.facts = calloc(world.max_facts, sizeof(*world.facts));
	for (unsigned int node = 0; node <= world.options.spokes; node++)
		plane_begin(&world.nodes[node].plane, node == 0 ? world.options.spokes : 1);
	for (uint32_t link = 0; link < world.options.spokes; link++) {
		world.history[link] = calloc(HISTORY, sizeof(struct event));
		for (unsigned int side = 0; side < SIDES; side++)
			world_push(&(struct event){
				.kind = KIND_SEAL, .time = world.now, .link = link, .to = side });
	}
	world_push(&(struct event){ .kind = KIND_DISTURB, .time = world.now });
	for (unsigned int node = 0; node <= world.options.spokes; node++)
		world_start_agent(&world.nodes[node].agents[0], node);
}

static void finish(void)
{
	for (unsigned int node = 0; node <= world.options.spokes; node++) {
		world_stop_agent(&world.nodes[node].agents[0]);
		world_stop_agent(&world.nodes[node].agents[1]);
		plane_release(&world.nodes[node].plane);
	}
	for (uint32_t link = 0; link < world.options.spokes; link++)
		free(world.history[link]);
	while (world.n_queue > 0)
		free(world.queue[--world.n_queue]);
	free(world.running);
	free(world.queue);
	free(world.facts);
}

/* Nothing disturbs any more. */
static void check_calm(void)
{
	uint64_t until;

	world.calm = true;
	memset(world.outage, 0, sizeof(world.outage));
	for (unsigned int node = 0; node <= world.options.spokes; node++)
		world_stop_agent(&world.nodes[node].agents[!world.nodes[node].current]);
	/* The slow retry, twice if a slot was missing, and a handshake; or a dead peer that is found so. */
	until = world.now + 100 * NS_PER_SECOND;
	while (world.now < until)
		step();
	/* Just now generations may start again: then nothing seals for a round trip. */
	while (!world_all_have_keys() && world.now < until + 2 * NS_PER_SECOND)
		step();
	if (!world_all_have_keys())
		world_broken("no keys after 100 s of calm");
	for (uint32_t link = 0; link < world.options.spokes; link++)
		for (unsigned int side = 0; side < SIDES; side++)
			world_check_slots(world_current(link, side));
}

const char *world_run(const struct world_options *options, struct world_figures *figures)
{
	memset(&world, 0, sizeof(world));
	world.options = *options;
	world.figures = figures;
	if (!setjmp(world.end)) {
		begin();
		for (uint64_t i = 0; i < options->events; i++)
			step();
		check_calm();
	}
	finish();
	return world.broken[0] ? world.broken : NULL;
}
