// SPDX-License-Identifier: GPL-2.0-or-later
/* Adding, deleting, listing and looking up routes, addresses and neighbours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/prefix.h"
#include "net/netlink.h"
#include "net/route.h"
#include "net/sysctl.h"

static void copy_address(unsigned char address[16], const struct nlattr *attribute)
{
	if (mnl_attr_get_payload_len(attribute) == 4)
		address_map_ipv4(address, mnl_attr_get_payload(attribute));
	else if (mnl_attr_get_payload_len(attribute) == 16)
		memcpy(address, mnl_attr_get_payload(attribute), 16);
}

static void put_route_address(struct nlmsghdr *request, __u16 type, const unsigned char address[16],
			      bool ipv4)
{
	mnl_attr_put(request, type, ipv4 ? 4 : 16, ipv4 ? address + 12 : address);
}

static int parse_hop(const struct nlattr *attribute, void *data)
{
	struct route *route = data;

	if (mnl_attr_get_type(attribute) == RTA_GATEWAY) {
		copy_address(route->gateway, attribute);
		route->has_gateway = true;
	}
	return MNL_CB_OK;
}

static int parse_metric(const struct nlattr *attribute, void *data)
{
	struct route *route = data;

	if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attribute) == RTAX_MTU)
		route->mtu = mnl_attr_get_u32(attribute);
	else if (mnl_attr_get_type(attribute) == RTAX_LOCK)
		route->mtu_counts = mnl_attr_get_u32(attribute) & 1U << RTAX_MTU;
	return MNL_CB_OK;
}

/* The first of several next hops. */
static int parse_multipath(const struct nlattr *attribute, struct route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);

	if (mnl_attr_get_payload_len(attribute) < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) ||
	    hop->rtnh_len > mnl_attr_get_payload_len(attribute))
		return MNL_CB_OK;
	route->device = (unsigned int)hop->rtnh_ifindex;
	return mnl_attr_parse_payload(hop + 1, hop->rtnh_len - sizeof(*hop), parse_hop, route);
}

static int parse_route_attribute(const struct nlattr *attribute, void *data)
{
	struct route *route = data;

	switch (mnl_attr_get_type(attribute)) {
	case RTA_DST:
		copy_address(route->prefix.address, attribute);
		break;
	case RTA_OIF:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			route->device = mnl_attr_get_u32(attribute);
		break;
	case RTA_TABLE:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			route->table = mnl_attr_get_u32(attribute);
		break;
	case RTA_GATEWAY:
		return parse_hop(attribute, route);
	case RTA_METRICS:
		return mnl_attr_parse_nested(attribute, parse_metric, route);
	case RTA_VIA:
		/* An IPv4 route by an IPv6 gateway: its address is behind the family. */
		if (mnl_attr_get_payload_len(attribute) == sizeof(struct rtvia) + 16) {
			const struct rtvia *via = mnl_attr_get_payload(attribute);

			memcpy(route->gateway, via->rtvia_addr, 16);
			route->has_gateway = true;
		}
		break;
	case RTA_MULTIPATH:
		return parse_multipath(attribute, route);
	}
	return MNL_CB_OK;
}

static int parse_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct route *route = data;
	static const unsigned char any[4];

	memset(route, 0, sizeof(*route));
	/* A default route has no RTA_DST. */
	if (header->rtm_family == AF_INET)
		address_map_ipv4(route->prefix.address, any);
	route->prefix.length = header->rtm_dst_len + (header->rtm_family == AF_INET ? IPV4_BITS : 0);
	route->is_local = header->rtm_type == RTN_LOCAL;
	route->is_unicast = header->rtm_type == RTN_UNICAST;
	return mnl_attr_parse(message, sizeof(*header), parse_route_attribute, route);
}

static struct nlmsghdr *route_request(char *buffer, __u16 type, const struct xdpsec_prefix *prefix)
{
	bool ipv4 = prefix_is_ipv4(prefix);
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = type;
	header->rtm_family = ipv4 ? AF_INET : AF_INET6;
	header->rtm_dst_len = (unsigned char)(prefix->length - (ipv4 ? IPV4_BITS : 0));
	put_route_address(request, RTA_DST, prefix->address, ipv4);
	return request;
}

/* Does the kernel count an MTU that is not locked? Of IPv4 only if it is told to (ip_mtu_from_fib_result()), of IPv6 never
 * (ip6_mtu_from_fib6()). */
static bool trusts_route_mtu(void)
{
	int value = 0;

	return sysctl_get_global("ipv4", "ip_forward_use_pmtu", &value) == 0 && value;
}

int route_find(const unsigned char address[16], unsigned int vrf, __u32 mark, struct route *route)
{
	struct xdpsec_prefix prefix = { .length = 128 };
	char buffer[512];
	struct nlmsghdr *request;
	struct rtmsg *header;
	struct route found = {};
	int err;

	memcpy(prefix.address, address, sizeof(prefix.address));
	request = route_request(buffer, RTM_GETROUTE, &prefix);
	header = mnl_nlmsg_get_payload(request);
	/* Ask for the route in the table, and for which table, not for the one resolved for this address. */
	header->rtm_flags = RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE;
	if (mark)
		mnl_attr_put_u32(request, RTA_MARK, mark);
	if (vrf)
		mnl_attr_put_u32(request, RTA_OIF, vrf);
	err = netlink_talk(request, parse_route, &found);
	if (err)
		return err;
	if (found.mtu && !found.mtu_counts && prefix_is_ipv4(&prefix))
		found.mtu_counts = trusts_route_mtu();
	*route = found;
	return 0;
}

static struct nlmsghdr *change_request(char *buffer, __u16 type, const struct xdpsec_prefix *prefix,
				       unsigned int device, unsigned int table)
{
	struct nlmsghdr *request = route_request(buffer, type, prefix);
	struct rtmsg *header = mnl_nlmsg_get_payload(request);

	/* The header has room only for the first 256. */
	header->rtm_table = RT_TABLE_UNSPEC;
	mnl_attr_put_u32(request, RTA_TABLE, table);
	header->rtm_protocol = RTPROT_STATIC;
	header->rtm_scope = prefix_is_ipv4(prefix) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	header->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(request, RTA_OIF, device);
	return request;
}

int route_add(const struct xdpsec_prefix *prefix, unsigned int device, unsigned int table)
{
	char buffer[512];
	struct nlmsghdr *request = change_request(buffer, RTM_NEWROUTE, prefix, device, table);

	request->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	return netlink_talk(request, NULL, NULL);
}

int route_delete(const struct xdpsec_prefix *prefix, unsigned int device, unsigned int table)
{
	char buffer[512];
	int err = netlink_talk(change_request(buffer, RTM_DELROUTE, prefix, device, table), NULL, NULL);

	return err == -ESRCH ? 0 : err;
}

int route_add_connected(const struct xdpsec_prefix *address, unsigned int device, unsigned int table)
{
	struct xdpsec_prefix network = prefix_network(address);
	char buffer[512];
	struct nlmsghdr *request = change_request(buffer, RTM_NEWROUTE, &network, device, table);
	struct rtmsg *header = mnl_nlmsg_get_payload(request);

	request->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	header->rtm_protocol = RTPROT_KERNEL;
	/* IP6_RT_PRIO_ADDRCONF (net/ipv6/addrconf.c). */
	if (prefix_is_ipv4(address))
		put_route_address(request, RTA_PREFSRC, address->address, true);
	else
		mnl_attr_put_u32(request, RTA_PRIORITY, 256);
	return netlink_talk(request, NULL, NULL);
}

struct route_dump {
	unsigned int device;
	struct device_route *routes;
	size_t n, room;
};

static int collect_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct route_dump *listing = data;
	struct device_route *routes;
	struct route route;

	if (parse_route(message, &route) < 0 || route.device != listing->device || !route.is_unicast)
		return MNL_CB_OK;
	if (listing->n == listing->room) {
		listing->room = listing->room ? 2 * listing->room : 16;
		routes = reallocarray(listing->routes, listing->room, sizeof(*routes));
		if (!routes) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		listing->routes = routes;
	}
	listing->routes[listing->n++] = (struct device_route){
		.prefix = route.prefix,
		.table = route.table,
		.protocol = header->rtm_protocol,
	};
	return MNL_CB_OK;
}

static int list_family(struct route_dump *listing, unsigned char family)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_DUMP;
	header->rtm_family = family;
	mnl_attr_put_u32(request, RTA_OIF, listing->device);
	return netlink_talk(request, collect_route, listing);
}

int routes_through(unsigned int device, struct device_route **routes, size_t *n)
{
	struct route_dump listing;
	int err, tries = 8;

	/* The table may change during a listing. */
	do {
		listing = (struct route_dump){ .device = device };
		err = list_family(&listing, AF_INET);
		if (!err)
			err = list_family(&listing, AF_INET6);
		if (err)
			free(listing.routes);
	} while (err == -EINTR && --tries);
	if (err)
		return err;
	*routes = listing.routes;
	*n = listing.n;
	return 0;
}

int address_add(const struct xdpsec_prefix *address, unsigned int device)
{
	bool ipv4 = prefix_is_ipv4(address);
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_NEWADDR;
	request->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	header->ifa_family = ipv4 ? AF_INET : AF_INET6;
	header->ifa_prefixlen = (unsigned char)(address->length - (ipv4 ? IPV4_BITS : 0));
	header->ifa_index = device;
	header->ifa_flags = ipv4 ? 0 : IFA_F_NODAD;
	put_route_address(request, IFA_LOCAL, address->address, ipv4);
	put_route_address(request, IFA_ADDRESS, address->address, ipv4);
	return netlink_talk(request, NULL, NULL);
}

static struct nlmsghdr *neighbour_request(char *buffer, __u16 type, __be32 address_be, unsigned int device)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = type;
	header->ndm_family = AF_INET;
	header->ndm_ifindex = (int)device;
	mnl_attr_put_u32(request, NDA_DST, address_be);
	return request;
}

int neighbour_manage(__be32 address_be, unsigned int device)
{
	char buffer[512];
	struct nlmsghdr *request = neighbour_request(buffer, RTM_NEWNEIGH, address_be, device);
	struct ndmsg *header = mnl_nlmsg_get_payload(request);

	request->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	header->ndm_state = NUD_NONE;
	/* Nobody answers these probes. The kernel collects unanswered entries as garbage unless they are
	 * marked as learned elsewhere. */
	header->ndm_flags = NTF_EXT_LEARNED;
	mnl_attr_put_u32(request, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	return netlink_talk(request, NULL, NULL);
}

int neighbour_delete(__be32 address_be, unsigned int device)
{
	char buffer[512];
	int err = netlink_talk(neighbour_request(buffer, RTM_DELNEIGH, address_be, device), NULL, NULL);

	return err == -ENOENT ? 0 : err;
}

struct neighbours {
	void (*each)(__be32 address_be, void *data);
	void *data;
};

static int parse_destination(const struct nlattr *attribute, void *data)
{
	const struct neighbours *neighbours = data;
	__be32 address_be;

	if (mnl_attr_get_type(attribute) == NDA_DST &&
	    mnl_attr_get_payload_len(attribute) == sizeof(address_be)) {
		memcpy(&address_be, mnl_attr_get_payload(attribute), sizeof(address_be));
		neighbours->each(address_be, neighbours->data);
	}
	return MNL_CB_OK;
}

static int parse_neighbour(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct ndmsg), parse_destination, data);
}

int neighbours_of(unsigned int device, void (*each)(__be32 address_be, void *data), void *data)
{
	struct neighbours neighbours = { each, data };
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	int err, tries = 8;

	request->nlmsg_type = RTM_GETNEIGH;
	request->nlmsg_flags = NLM_F_DUMP;
	header->ndm_family = AF_INET;
	mnl_attr_put_u32(request, NDA_IFINDEX, device);
	/* The table may change during a listing. An entry that is listed twice does no harm. */
	do {
		err = netlink_talk(request, parse_neighbour, &neighbours);
	} while (err == -EINTR && --tries);
	return err;
}
