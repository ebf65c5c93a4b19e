// SPDX-License-Identifier: GPL-2.0-or-later
/* Policies in the maps: prefixes, and single hosts. */
#include <arpa/inet.h>
#include <errno.h>
#include <bpf/bpf.h>

#include "rig.h"
#include "unit.h"

uint32_t rig_policy_generation(void)
{
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	return config.policy_generation;
}

void rig_policy_set_generation(uint32_t generation)
{
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	config.policy_generation = generation;
	map_write(rig.maps.config, 0, &config);
}

/* As at the end of a reload: what programs keep of policies does not hold any more. */
static void renew(void)
{
	rig_policy_set_generation(rig_policy_generation() + 1);
}

/* Is it of IPv4? */
static bool policy_key(const char *prefix, struct xdpsec_prefix *key)
{
	char address[INET6_ADDRSTRLEN];
	unsigned int length;

	memset(key, 0, sizeof(*key));
	assert_int_equal(sscanf(prefix, "%45[^/]/%u", address, &length), 2);
	if (strchr(address, ':')) {
		key->length = length;
		assert_int_equal(inet_pton(AF_INET6, address, key->address), 1);
		return false;
	}
	key->length = 96 + length;
	memset(key->address + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, address, key->address + 12), 1);
	return true;
}

void rig_policy(const char *prefix, uint32_t peer, const struct xdpsec_ports *ports, uint32_t ranges)
{
	struct xdpsec_policy policy = { .peer = peer, .ranges = ranges };
	struct xdpsec_prefix key;

	policy.ipv4 = policy_key(prefix, &key);
	assert_true(ranges <= XDPSEC_MAX_PORT_RANGES);
	if (ranges)
		memcpy(policy.ports, ports, ranges * sizeof(*ports));
	assert_return_code(bpf_map_update_elem(rig.maps.policies, &key, &policy, BPF_ANY), errno);
	renew();
}

void rig_policy_remove(const char *prefix)
{
	struct xdpsec_prefix key;

	policy_key(prefix, &key);
	assert_return_code(bpf_map_delete_elem(rig.maps.policies, &key), errno);
	renew();
}

/* host_key: whether it is IPv4 */
static bool host_key(const char *address, struct xdpsec_prefix *key)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s/%d", address, strchr(address, ':') ? 128 : 32);
	return policy_key(prefix, key);
}

void rig_host(const char *address, uint32_t peer)
{
	struct xdpsec_policy policy = { .peer = peer, .ranges = 1, .ports = { { 0, 65535 } } };
	struct xdpsec_prefix key;

	policy.ipv4 = host_key(address, &key);
	assert_return_code(bpf_map_update_elem(rig.maps.hosts, key.address, &policy, BPF_ANY), errno);
	renew();
}

void rig_host_remove(const char *address)
{
	struct xdpsec_prefix key;

	host_key(address, &key);
	assert_return_code(bpf_map_delete_elem(rig.maps.hosts, key.address), errno);
	renew();
}

void rig_use_hosts(bool use)
{
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	config.hosts = use;
	config.policy_generation++;
	map_write(rig.maps.config, 0, &config);
}
