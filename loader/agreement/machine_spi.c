// SPDX-License-Identifier: GPL-2.0-or-later
/* Our SPIs: who has which. They are random, and nobody but us chooses them, so a plain table of chains will do. */
#include "agreement/machine.h"

#include "xdpsec/wire.h"

static uint32_t node_spi(const struct machine *machine, uint32_t id)
{
	const struct machine_peer *p = &machine->peers[id / SPI_NODES];
	uint32_t node = id % SPI_NODES;

	return node == SPI_OUT ? p->out.session : p->pairs[node].terms.spi_rx;
}

bool machine_spi(const struct machine *machine, uint32_t spi, uint32_t *peer, unsigned int *node)
{
	for (uint32_t id = machine->spi_heads[spi & machine->spi_mask]; id != UINT32_MAX;
	     id = machine->spi_next[id]) {
		if (node_spi(machine, id) != spi)
			continue;
		*peer = id / SPI_NODES;
		*node = id % SPI_NODES;
		return true;
	}
	return false;
}

bool machine_asked(const struct machine *machine, uint32_t session, uint32_t *peer)
{
	unsigned int node;

	return machine_spi(machine, session, peer, &node) && node == SPI_OUT;
}

uint32_t machine_draw_spi(struct machine *machine)
{
	uint32_t spi, peer;
	unsigned int node;

	do
		machine->host.random(machine->host.data, &spi, sizeof(spi));
	while (spi < XDPSEC_SPI_MIN || machine_spi(machine, spi, &peer, &node));
	return spi;
}

void machine_spi_add(struct machine *machine, uint32_t peer, unsigned int node, uint32_t spi)
{
	uint32_t id = peer * SPI_NODES + node;
	uint32_t *head = &machine->spi_heads[spi & machine->spi_mask];

	machine->spi_next[id] = *head;
	*head = id;
}

void machine_spi_remove(struct machine *machine, uint32_t peer, unsigned int node, uint32_t spi)
{
	uint32_t id = peer * SPI_NODES + node;
	uint32_t *link = &machine->spi_heads[spi & machine->spi_mask];

	while (*link != UINT32_MAX && *link != id)
		link = &machine->spi_next[*link];
	if (*link == id)
		*link = machine->spi_next[id];
}
