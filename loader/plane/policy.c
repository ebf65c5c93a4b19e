// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing and removing policies, in the trie and in the hash of hosts. */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/message.h"
#include "base/prefix.h"
#include "config/config.h"
#include "plane/plane.h"
#include "plane/policy.h"

/* The least number of hosts for which a hash is faster than the steps of the trie. */
#define HOSTS_MIN 16

static bool is_host(const struct xdpsec_prefix *prefix)
{
	return prefix->length == 8 * sizeof(prefix->address);
}

static int forget(const struct plane *plane, enum plane_map map, const void *key,
		  const struct xdpsec_prefix *prefix)
{
	char text[64];

	if (bpf_map_delete_elem(plane->maps[map], key) && errno != ENOENT)
		return fail(errno, "%s: cannot remove the prefix %s: %s", plane->name,
			    prefix_text(prefix, text, sizeof(text)), strerror(errno));
	return 0;
}

int policy_write(const struct plane *plane, const struct xdpsec_prefix *prefix,
		 const struct xdpsec_policy *policy)
{
	int err = 0;

	/* An old entry of the hash would hold until it is overwritten, or for ever if we are killed. */
	if (is_host(prefix))
		err = forget(plane, MAP_HOSTS, prefix->address, prefix);
	if (!err)
		err = plane_write(plane, MAP_POLICIES, prefix, policy);
	return err || !is_host(prefix) ? err : plane_write(plane, MAP_HOSTS, prefix->address, policy);
}

int policy_remove(const struct plane *plane, const struct xdpsec_prefix *prefix)
{
	int err = is_host(prefix) ? forget(plane, MAP_HOSTS, prefix->address, prefix) : 0;

	return err ?: forget(plane, MAP_POLICIES, prefix, prefix);
}

int policy_renew(const struct plane *plane)
{
	struct xdpsec_config config;
	__u32 key = 0;
	int err = plane_read(plane, MAP_CONFIG, &key, &config);

	config.policy_generation++;
	return err ?: plane_write(plane, MAP_CONFIG, &key, &config);
}

bool policy_hosts_pay(size_t hosts, size_t all)
{
	/* An address that it lacks costs both. */
	return hosts >= HOSTS_MIN && hosts > all / 2;
}

bool policy_prefers_hosts(const struct config *config)
{
	size_t hosts = 0, all = 0;

	for (size_t i = 0; i < config->n_peers; i++) {
		all += config->peers[i].n_prefixes;
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			hosts += is_host(&config->peers[i].prefixes[j]);
	}
	return policy_hosts_pay(hosts, all);
}
