// SPDX-License-Identifier: GPL-2.0-or-later
/* The ports and groups of the configuration, as the data plane reads them. */
#include <stdlib.h>
#include <string.h>

#include "base/prefix.h"
#include "config/group.h"

#define RANGES_MAX (XDPSEC_MAX_PEERS * XDPSEC_MAX_PORT_RANGES)

static int by_first(const void *a, const void *b)
{
	const struct xdpsec_ports *left = a, *right = b;

	return (int)left->first - (int)right->first;
}

/* Merge ranges that overlap or touch. They are sorted by their first ports. Returns the new number. */
static size_t merge(struct xdpsec_ports *ranges, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i++) {
		if (ranges[i].first > ranges[kept].last + 1)
			ranges[++kept] = ranges[i];
		else if (ranges[i].last > ranges[kept].last)
			ranges[kept].last = ranges[i].last;
	}
	return n ? kept + 1 : 0;
}

/* Merge the two closest ranges. The gap between them is then dropped as well, which is safe. */
static size_t close_gap(struct xdpsec_ports *ranges, size_t n)
{
	size_t closest = 1;

	for (size_t i = 2; i < n; i++)
		if (ranges[i].first - ranges[i - 1].last < ranges[closest].first - ranges[closest - 1].last)
			closest = i;
	ranges[closest - 1].last = ranges[closest].last;
	memmove(&ranges[closest], &ranges[closest + 1], (n - closest - 1) * sizeof(*ranges));
	return n - 1;
}

/* Collect the ports of all peers. The array has room for any number of peers' ports. */
static size_t collect_ports(struct xdpsec_ports *ranges, const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_peers; i++) {
		memcpy(&ranges[n], config->peers[i].ports, config->peers[i].n_ports * sizeof(*ranges));
		n += config->peers[i].n_ports;
	}
	qsort(ranges, n, sizeof(*ranges), by_first);
	n = merge(ranges, n);
	while (n > XDPSEC_MAX_PORT_RANGES)
		n = close_gap(ranges, n);
	return n;
}

void group_write_config(struct xdpsec_config *data_plane, const struct config *config)
{
	static struct xdpsec_ports ranges[RANGES_MAX];

	data_plane->group_ranges = (__u32)collect_ports(ranges, config);
	memset(data_plane->group_ports, 0, sizeof(data_plane->group_ports));
	memcpy(data_plane->group_ports, ranges, data_plane->group_ranges * sizeof(*ranges));
	data_plane->clear_groups = (__u32)config->n_clear_groups;
	memcpy(data_plane->clear_group, config->clear_groups, sizeof(config->clear_groups));
}

static bool has_port(const struct peer_config *peer, unsigned int port)
{
	for (size_t i = 0; i < peer->n_ports; i++)
		if (port >= peer->ports[i].first && port <= peer->ports[i].last)
			return true;
	return false;
}

bool group_is_closed(const struct config *config, const struct xdpsec_prefix *group, unsigned int port)
{
	bool is_protected = false;

	for (size_t i = 0; i < config->n_clear_groups; i++)
		if (prefix_contains(&config->clear_groups[i], group))
			return false;
	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		if (!has_port(peer, port))
			continue;
		is_protected = true;
		for (size_t i = 0; i < peer->n_prefixes; i++)
			if (prefix_contains(&peer->prefixes[i], group))
				return false;
	}
	return is_protected;
}
