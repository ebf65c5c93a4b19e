// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams, and the ICMP errors that say how far the path goes. */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/monotonic.h"
#include "base/prefix.h"
#include "net/reach.h"

/* Routers further away, or so many silent ones in a row, are not asked. */
#define HOPS_MAX 16
#define HOPS_SILENT 2
#define HOP_PATIENCE 400

union reach_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t fill_probe(union reach_address *to, const unsigned char address[16], __u16 port)
{
	memset(to, 0, sizeof(*to));
	if (address_is_ipv4(address)) {
		to->ipv4.sin_family = AF_INET;
		to->ipv4.sin_port = htons(port);
		memcpy(&to->ipv4.sin_addr, address + 12, 4);
		return sizeof(to->ipv4);
	}
	to->ipv6.sin6_family = AF_INET6;
	to->ipv6.sin6_port = htons(port);
	memcpy(&to->ipv6.sin6_addr, address, 16);
	return sizeof(to->ipv6);
}

static int set_probe_options(int fd, const struct reach_target *target, int hops)
{
	bool ipv4 = address_is_ipv4(target->address);
	int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6, option = ipv4 ? IP_TTL : IPV6_UNICAST_HOPS;

	if (target->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &target->mark, sizeof(target->mark)))
		return -errno;
	if (target->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, target->device,
					 (socklen_t)strlen(target->device) + 1))
		return -errno;
	return hops && setsockopt(fd, level, option, &hops, sizeof(hops)) ? -errno : 0;
}

/* A connected socket; *port gets its own. */
static int connect_to(const struct reach_target *target, int hops, int *socket_fd, __u16 *port)
{
	_cleanup_close_ int fd = socket(address_is_ipv4(target->address) ? AF_INET : AF_INET6,
					SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union reach_address address;
	socklen_t length;
	int err = fd < 0 ? -errno : set_probe_options(fd, target, hops);

	if (err)
		return err;
	length = fill_probe(&address, target->source ?: target->address, 0);
	if (target->source && bind(fd, &address.any, length))
		return -errno;
	length = fill_probe(&address, target->address, target->port);
	if (connect(fd, &address.any, length))
		return -errno;
	length = sizeof(address);
	if (getsockname(fd, &address.any, &length))
		return -errno;
	/* The port is at the same place in both. */
	*port = ntohs(address.ipv6.sin6_port);
	*socket_fd = take_fd(&fd);
	return 0;
}

int reach_try(const struct reach_target *target, const struct icmp_watch *watch, int hops, int patience_ms,
	      struct icmp_message *error)
{
	_cleanup_close_ int fd = -1;
	long long until = monotonic_ms() + patience_ms, left;
	__u16 port = 0;
	int err = connect_to(target, hops, &fd, &port);

	if (err)
		return err;
	/* An ICMP error about the last datagram may be reported here. */
	if (send(fd, "", 1, 0) < 0 && errno != ECONNREFUSED)
		return -errno;
	while ((left = until - monotonic_ms()) > 0)
		if (icmp_watch_next(watch, (int)left, error) && error->source_port == port &&
		    error->port == target->port &&
		    memcmp(error->destination, target->address, sizeof(error->destination)) == 0)
			return 1;
	return 0;
}

int reach_last_hop(const struct reach_target *target, const struct icmp_watch *watch, unsigned char from[16])
{
	struct icmp_message error;
	int last = 0;

	for (int hops = 1; hops <= HOPS_MAX && hops <= last + HOPS_SILENT; hops++) {
		if (reach_try(target, watch, hops, HOP_PATIENCE, &error) <= 0)
			continue;
		memcpy(from, error.from, 16);
		last = hops;
		if (error.meaning != ICMP_EXPIRED)
			break;
	}
	return last;
}
