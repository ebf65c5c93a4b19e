// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the tunnel device, its MTU, its keepalive neighbours, and its fields of the map "config". */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "base/message.h"
#include "device/pair.h"
#include "device/rule.h"
#include "device/tunnel.h"
#include "device/uplink.h"
#include "net/ethtool.h"
#include "net/napi.h"
#include "net/port_holder.h"
#include "net/route.h"
#include "net/sysctl.h"
#include "net/vrf.h"
#include "plane/self.h"

/* Maximum number of queues of a veth, and more than there are CPUs. */
#define QUEUES_MAX 4096

static bool location_is_ipv4(const struct xdpsec_location *location)
{
	struct xdpsec_prefix prefix = prefix_of(location);

	return prefix_is_ipv4(&prefix);
}

unsigned int tunnel_overhead(const struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++)
		if (!config->peers[i].endpoint.known || location_is_ipv4(&config->peers[i].endpoint))
			return XDPSEC_TUNNEL_OVERHEAD_IPV4;
	return XDPSEC_TUNNEL_OVERHEAD_IPV6;
}

unsigned int tunnel_most_overhead(const struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++)
		if (config->peers[i].endpoint.known && !location_is_ipv4(&config->peers[i].endpoint))
			return XDPSEC_TUNNEL_OVERHEAD_IPV6;
	return XDPSEC_TUNNEL_OVERHEAD_IPV4;
}

unsigned int tunnel_mtu(const struct config *config, const struct netdev *underlay)
{
	unsigned int mtu = underlay->mtu - tunnel_overhead(config);

	if (config->tunnel.mtu)
		return config->tunnel.mtu;
	return mtu < XDPSEC_PAYLOAD_MAX ? mtu : XDPSEC_PAYLOAD_MAX;
}

void tunnel_write_config(struct xdpsec_config *data_plane, const struct config *config,
			 const struct netdev *underlay)
{
	const struct tunnel_config *tunnel = &config->tunnel;

	data_plane->listen_port = (__u16)tunnel->listen_port;
	data_plane->former_port = (__u16)tunnel->former_port;
	data_plane->mtu = (__u16)tunnel_mtu(config, underlay);
	data_plane->mtu_ipv6 = data_plane->mtu;
	if (underlay->mtu - XDPSEC_TUNNEL_OVERHEAD_IPV6 < data_plane->mtu)
		data_plane->mtu_ipv6 = (__u16)(underlay->mtu - XDPSEC_TUNNEL_OVERHEAD_IPV6);
	data_plane->flow_ports = !tunnel->listen_only;
	data_plane->dscp_fixed = tunnel->dscp_fixed;
	data_plane->dscp = tunnel->dscp;
	data_plane->mark = tunnel->mark;
	data_plane->upper = device_upper(underlay->index);
	data_plane->peers = (__u32)config->n_peers;
}

bool tunnel_has_ipv6(const struct config *config)
{
	for (size_t i = 0; i < config->tunnel.n_addresses; i++)
		if (!prefix_is_ipv4(&config->tunnel.addresses[i]))
			return true;
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			if (!prefix_is_ipv4(&config->peers[i].prefixes[j]))
				return true;
	return false;
}

void tunnel_describe(struct instance *instance, const struct config *config)
{
	const struct tunnel_config *tunnel = &config->tunnel;

	snprintf(instance->near, sizeof(instance->near), "%s", tunnel->name);
	instance->no_routes = tunnel->no_routes;
	instance->n_fast = (__u32)tunnel->n_fast;
	instance->fast_no_firewall = tunnel->fast_no_firewall;
	memcpy(instance->fast, tunnel->fast, sizeof(instance->fast));
	instance->n_addresses = (__u8)tunnel->n_addresses;
	memcpy(instance->addresses, tunnel->addresses, sizeof(instance->addresses));
}

void tunnel_name_far(struct instance *instance, unsigned int number)
{
	if (number)
		snprintf(instance->far, sizeof(instance->far), "xst%ub%u", instance->device_index, number);
	else
		snprintf(instance->far, sizeof(instance->far), "xst%u", instance->device_index);
}

int tunnel_check_name(const struct config *config)
{
	const char *name = config->tunnel.name;
	struct netdev netdev;

	if (netdev_find(name, &netdev))
		return 0;
	fail(EEXIST, "%s:%d: Name: %s: a network device of that name exists", config->path,
	     config->tunnel.name_line, name);
	hint("`%s -d link show %s` shows what it is; `xdpsec up` creates the tunnel's device itself",
	     self_ip(), name);
	return -EEXIST;
}

/* Bind the port for a moment. A socket that already has the port, on any address, gets only packets that
 * the tunnel does not take. */
void tunnel_check_port(const struct config *config)
{
	struct sockaddr_in6 any = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((__u16)config->tunnel.listen_port),
	};
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = any.sin6_port };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;
	struct port_holder holder;
	char text[128];

	if (fd >= 0) {
		result = bind(fd, (const struct sockaddr *)&any, sizeof(any));
	} else {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return;
		result = bind(fd, (const struct sockaddr *)&any4, sizeof(any4));
	}
	if (result < 0 && errno == EADDRINUSE) {
		port_find_holder((__u16)config->tunnel.listen_port, &holder);
		warning("%s: UDP port %u: %s uses it, and gets no packets from %s any more that come from a "
			"peer or look sealed",
			config->path, config->tunnel.listen_port,
			port_holder_text(&holder, text, sizeof(text)), config->device);
		hint("`ss -lnup 'sport = :%u'` shows more; or set another ListenPort",
		     config->tunnel.listen_port);
	}
	close(fd);
}

/*
 * Switch on forwarding of the far end. bpf_fib_lookup() answers only for devices that forward
 * (net/core/filter.c, BPF_FIB_LKUP_RET_FWD_DISABLED), and packets come from the far end. The program on it
 * lets nothing pass. Setting net.ipv4.ip_forward of the whole host to 0 switches it off again
 * (net/ipv4/devinet.c, inet_forward_change).
 */
int tunnel_let_forward(const char *far)
{
	int err = sysctl_set("ipv4", far, "forwarding", 1);

	if (!err)
		err = sysctl_set("ipv6", far, "forwarding", 1);
	/* Without IPv6 in the kernel, IPv4 is enough. */
	if (err && err != -ENOENT)
		return fail(-err, "%s: cannot set forwarding, without which no route is found: %s", far,
			    strerror(-err));
	return 0;
}

bool tunnel_forwards(const char *far)
{
	int ipv4 = 1, ipv6 = 1;

	sysctl_get("ipv4", far, "forwarding", &ipv4);
	sysctl_get("ipv6", far, "forwarding", &ipv6);
	return ipv4 && ipv6;
}

/*
 * A host that has IPv6 switched off for new devices (net.ipv6.conf.default.disable_ipv6) may have it inside the
 * tunnel: the configuration says so. Where the kernel has no IPv6 at all, adding the address or route tells.
 */
static int switch_ipv6_on(const char *near)
{
	int err = sysctl_set("ipv6", near, "disable_ipv6", 0);

	if (err && err != -ENOENT)
		return fail(-err, "%s: cannot switch IPv6 on: %s", near, strerror(-err));
	return 0;
}

static int prepare_tunnel(const struct instance *instance, const struct config *config, const __u32 secret[4],
			  const struct netdev *near, const struct netdev *far)
{
	int err = gro_on(near->name);
	bool changed;

	if (!err)
		err = vrf_follow(far, instance->device_index, &changed);
	if (err)
		return err;
	err = netdev_set_quiet(near->index);
	if (err)
		return fail(-err, "%s: cannot configure the tunnel device: %s", near->name, strerror(-err));
	err = napi_hold(near->index, secret);
	if (err)
		return fail(-err, "%s: cannot attach to XDP: %s", near->name, strerror(-err));
	if (!tunnel_has_ipv6(config))
		sysctl_silence_ipv6(near->name);
	else
		err = switch_ipv6_on(near->name);
	if (err)
		return err;
	sysctl_silence_ipv6(far->name);
	return tunnel_let_forward(far->name);
}

int tunnel_create(struct instance *instance, const struct config *config, unsigned int mtu,
		  const __u32 secret[4], struct netdev *near, struct netdev *far)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned int queues = cpus < 1 ? 1 : cpus > QUEUES_MAX ? QUEUES_MAX : (unsigned int)cpus;
	int err = pair_create(instance, "tunnel", mtu, queues, false, near, far);

	if (err)
		return err;
	err = prepare_tunnel(instance, config, secret, near, far);
	if (err) {
		pair_undo(instance);
		return err;
	}
	instance->near_index = near->index;
	instance->far_index = far->index;
	return 0;
}

bool tunnel_has_keepalives(const struct peer_config *peer)
{
	/* The agent of a peer with agreed keys asks for one after data without an answer. */
	return peer->keepalive || peer->agreed;
}

int tunnel_set_keepalive(const struct instance *instance, __u32 index, bool on)
{
	__be32 address = htonl(XDPSEC_KEEPALIVE_NEIGHBOUR + index);
	int err = on ? neighbour_manage(address, instance->far_index)
		     : neighbour_delete(address, instance->far_index);

	if (err == -EINVAL || err == -EOPNOTSUPP) {
		fail(-err, "%s: cannot set up keepalives: this kernel has no managed neighbours",
		     instance->far);
		hint("use Linux 6.12 or later");
		return err;
	}
	if (err)
		return fail(-err, "%s: cannot set up keepalives: %s", instance->far, strerror(-err));
	return 0;
}

static void note_keepalive(__be32 address_be, void *data)
{
	__u32 index = ntohl(address_be) - XDPSEC_KEEPALIVE_NEIGHBOUR;
	bool *found = data;

	if (index < XDPSEC_MAX_PEERS)
		found[index] = true;
}

int tunnel_list_keepalives(const struct instance *instance, bool found[XDPSEC_MAX_PEERS])
{
	int err;

	memset(found, 0, XDPSEC_MAX_PEERS * sizeof(*found));
	err = neighbours_of(instance->far_index, note_keepalive, found);
	return err ? fail(-err, "%s: cannot list its neighbours: %s", instance->far, strerror(-err)) : 0;
}

int tunnel_start(const struct instance *instance, const struct config *config)
{
	int err = netdev_set_up(instance->far_index);

	if (!err)
		err = netdev_set_up(instance->near_index);
	if (err)
		return fail(-err, "%s: cannot bring the tunnel device up: %s", instance->near,
			    strerror(-err));
	err = tunnel_add_addresses(instance, NULL);
	for (size_t i = 0; !err && i < config->n_peers; i++)
		if (tunnel_has_keepalives(&config->peers[i]))
			err = tunnel_set_keepalive(instance, (__u32)i, true);
	if (!err)
		err = tunnel_add_routes(instance, config, NULL, NULL);
	return err || !instance->table ? err : rules_set(config, instance->table);
}

int tunnel_adapt(const struct instance *instance, const struct config *config, unsigned int mtu)
{
	bool had_ipv6;
	int err, silent = 0;
	struct netdev near;

	if (pair_near_elsewhere(instance))
		return 0;
	/* The recorded name may be that of another device by now. */
	err = netdev_find_index(instance->near_index, &near);
	if (err)
		return fail(-err, "%s: cannot find the tunnel device: %s", instance->near, strerror(-err));
	had_ipv6 = sysctl_get("ipv6", near.name, "disable_ipv6", &silent) == 0;
	err = netdev_set_mtu(near.index, mtu);
	if (err)
		return fail(-err, "%s: cannot set the MTU of the tunnel device: %s", near.name,
			    strerror(-err));
	/* Below 1280 bytes there is no IPv6 at all. With a larger MTU IPv6 starts with the default
	 * settings, that is, with an address generated by the kernel. Switching it off removes the
	 * address. */
	if (!had_ipv6 && sysctl_set("ipv6", near.name, "disable_ipv6", 1) == 0) {
		netdev_set_no_ipv6_addresses(near.index);
		silent = 1;
	}
	return tunnel_has_ipv6(config) && silent ? switch_ipv6_on(near.name) : 0;
}

int tunnel_check_device(const struct instance *instance)
{
	struct netdev near, far;

	if (pair_near_elsewhere(instance))
		return 0;
	/* The names do not matter. */
	if (netdev_find_index(instance->near_index, &near) == 0 &&
	    netdev_find_index(instance->far_index, &far) == 0 && pair_is_ours(instance, &near) &&
	    near.peer == far.index)
		return 0;
	fail(ENODEV, "%s: the tunnel device %s is gone", instance->name, instance->near);
	hint_restart(instance);
	return -ENODEV;
}
