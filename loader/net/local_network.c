// SPDX-License-Identifier: GPL-2.0-or-later
/* Listing the addresses of this host, and telling networks behind it from uplinks. */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "base/prefix.h"
#include "net/local_network.h"
#include "net/netlink.h"

/* RTF_GATEWAY (linux/route.h) in /proc/net/route and ipv6_route. */
#define IS_GATEWAY 2

static const char *const containers[] = { "docker", "br-",  "virbr", "lxc",	"lxd",	"cni",
					  "podman", "veth", "cali",  "flannel", "kube", "vnet" };

static bool is_container(const char *device)
{
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (strncmp(device, containers[i], strlen(containers[i])) == 0)
			return true;
	return false;
}

static bool line_has_gateway(const char *line, const char *device)
{
	char name[IF_NAMESIZE];
	unsigned int flags;

	if (sscanf(line, "%15s %*x %*x %x", name, &flags) == 2 ||
	    sscanf(line, "%*x %*x %*x %*x %*x %*x %*x %*x %x %15s", &flags, name) == 2)
		return (flags & IS_GATEWAY) && strcmp(name, device) == 0;
	return false;
}

static bool is_uplink(const char *device)
{
	static const char *const tables[] = { "/proc/net/route", "/proc/net/ipv6_route" };
	char line[512];

	for (size_t i = 0; i < 2; i++) {
		_cleanup_fclose_ FILE *file = fopen(tables[i], "re");

		while (file && fgets(line, sizeof(line), file))
			if (line_has_gateway(line, device))
				return true;
	}
	return false;
}

static unsigned int bits_of(const unsigned char *mask, size_t n)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (unsigned int)__builtin_popcount(mask[i]);
	return bits;
}

/* False: link-local, or the only address of its network. */
static bool read_address(const struct ifaddrs *from, struct local_network *network)
{
	struct xdpsec_prefix whole = {};

	if (from->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *address = (const void *)from->ifa_addr;
		const struct sockaddr_in *mask = (const void *)from->ifa_netmask;

		address_map_ipv4(network->address, &address->sin_addr);
		whole.length = IPV4_BITS + bits_of((const unsigned char *)&mask->sin_addr, 4);
		if (network->address[12] == 127 ||
		    (network->address[12] == 169 && network->address[13] == 254))
			return false;
	} else {
		const struct sockaddr_in6 *address = (const void *)from->ifa_addr;
		const struct sockaddr_in6 *mask = (const void *)from->ifa_netmask;

		memcpy(network->address, &address->sin6_addr, 16);
		whole.length = bits_of((const unsigned char *)&mask->sin6_addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr) || IN6_IS_ADDR_LOOPBACK(&address->sin6_addr))
			return false;
	}
	memcpy(whole.address, network->address, sizeof(whole.address));
	network->prefix = prefix_network(&whole);
	return whole.length < 128;
}

/* The near end of a tunnel, of this instance or another: no hosts are on it. */
static bool is_tunnel_device(const struct ifaddrs *from)
{
	struct netdev netdev;

	return from->ifa_flags & IFF_NOARP && netdev_find(from->ifa_name, &netdev) == 0 &&
	       strcmp(netdev.kind, "veth") == 0;
}

static bool is_meant(const struct ifaddrs *from, const unsigned int *without)
{
	unsigned int index = if_nametoindex(from->ifa_name);

	if (!from->ifa_addr || !from->ifa_netmask ||
	    (from->ifa_addr->sa_family != AF_INET && from->ifa_addr->sa_family != AF_INET6) ||
	    !(from->ifa_flags & IFF_UP) || from->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT))
		return false;
	for (; *without; without++)
		if (*without == index)
			return false;
	return !is_container(from->ifa_name) && !is_uplink(from->ifa_name) && !is_tunnel_device(from);
}

int local_networks(const unsigned int *without, struct local_network **networks, size_t *n)
{
	struct local_network *list = NULL, *more, network;
	struct ifaddrs *addresses;
	int err = 0;

	*n = 0;
	if (getifaddrs(&addresses))
		return -errno;
	for (const struct ifaddrs *one = addresses; one && !err; one = one->ifa_next) {
		if (!is_meant(one, without) || !read_address(one, &network))
			continue;
		snprintf(network.device, sizeof(network.device), "%s", one->ifa_name);
		more = realloc(list, (*n + 1) * sizeof(*list));
		if (!more) {
			err = -ENOMEM;
			break;
		}
		list = more;
		list[(*n)++] = network;
	}
	freeifaddrs(addresses);
	if (err) {
		free(list);
		return err;
	}
	*networks = list;
	return 0;
}
