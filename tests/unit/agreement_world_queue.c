// SPDX-License-Identifier: GPL-2.0-or-later
/* The queue of what is to happen: a heap by time. */
#include "agreement_world_inside.h"

#include <stdlib.h>

void world_push(const struct event *event)
{
	size_t i = world.n_queue++;

	if (world.n_queue > world.max_queue) {
		world.max_queue = 2 * world.n_queue + 64;
		world.queue = realloc(world.queue, world.max_queue * sizeof(struct event *));
	}
	world.queue[i] = malloc(sizeof(*event));
	*world.queue[i] = *event;
	for (; i > 0 && world.queue[(i - 1) / 2]->time > world.queue[i]->time; i = (i - 1) / 2) {
		struct event *up = world.queue[(i - 1) / 2];

		world.queue[(i - 1) / 2] = world.queue[i];
		world.queue[i] = up;
	}
}

struct event *world_pop(void)
{
	struct event *first = world.queue[0];
	size_t i = 0;

	world.queue[0] = world.queue[--world.n_queue];
	for (;;) {
		size_t child = 2 * i + 1;
		struct event *down;

		if (child + 1 < world.n_queue && world.queue[child + 1]->time < world.queue[child]->time)
			child++;
		if (child >= world.n_queue || world.queue[child]->time >= world.queue[i]->time)
			return first;
		down = world.queue[child];
		world.queue[child] = world.queue[i];
		world.queue[i] = down;
		i = child;
	}
}
