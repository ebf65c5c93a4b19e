// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests of rtnetlink, and the devices that it lists. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/cleanup.h"
#include "base/prefix.h"
#include "net/netlink.h"

static void cleanup_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

int netlink_talk(struct nlmsghdr *request, int (*each)(const struct nlmsghdr *message, void *data),
		 void *data)
{
	struct mnl_socket *socket
		__attribute__((cleanup(cleanup_socket))) = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	_cleanup_free_ char *buffer = malloc(NETLINK_BUFFER);
	int more = MNL_CB_OK, strict = 1;
	ssize_t got;

	if (!buffer)
		return -ENOMEM;
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = (unsigned int)time(NULL);
	/* Without this the kernel lists everything, whatever the request says. */
	if (request->nlmsg_flags & NLM_F_DUMP)
		mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &strict, sizeof(strict));
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		got = mnl_socket_recvfrom(socket, buffer, NETLINK_BUFFER);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)got, request->nlmsg_seq, mnl_socket_get_portid(socket),
				  each, data);
		if (more < 0)
			return -errno;
	}
	return 0;
}

static void copy_attribute(char *to, size_t size, const struct nlattr *attribute)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		snprintf(to, size, "%s", mnl_attr_get_str(attribute));
}

static int parse_vrf(const struct nlattr *attribute, void *data)
{
	struct netdev *netdev = data;

	if (mnl_attr_get_type(attribute) == IFLA_VRF_TABLE && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		netdev->vrf_table = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/* The group, of IPv4 or IPv6. A unicast address is that of the only other end. */
static int parse_vxlan(const struct nlattr *attribute, void *data)
{
	const unsigned char *bytes = mnl_attr_get_payload(attribute);
	unsigned int length = mnl_attr_get_payload_len(attribute);
	struct netdev *netdev = data;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_VXLAN_LINK:
		if (length == sizeof(__u32))
			netdev->vxlan.underlay = mnl_attr_get_u32(attribute);
		break;
	case IFLA_VXLAN_PORT:
		if (length == sizeof(__u16))
			netdev->vxlan.port = (unsigned int)bytes[0] << 8 | bytes[1];
		break;
	case IFLA_VXLAN_GROUP:
		if (length != 4 || bytes[0] < 224)
			break;
		netdev->vxlan.has_group = true;
		address_map_ipv4(netdev->vxlan.group, bytes);
		break;
	case IFLA_VXLAN_GROUP6:
		if (length != 16 || bytes[0] != 0xff)
			break;
		netdev->vxlan.has_group = true;
		memcpy(netdev->vxlan.group, bytes, 16);
		break;
	}
	return MNL_CB_OK;
}

/* The format of IFLA_INFO_DATA depends on the kind, which comes before it. */
static int parse_kind(const struct nlattr *attribute, void *data)
{
	struct netdev *netdev = data;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
		copy_attribute(netdev->kind, sizeof(netdev->kind), attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && strcmp(netdev->kind, "vrf") == 0)
		return mnl_attr_parse_nested(attribute, parse_vrf, netdev);
	else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && strcmp(netdev->kind, "vxlan") == 0)
		return mnl_attr_parse_nested(attribute, parse_vxlan, netdev);
	return MNL_CB_OK;
}

static void parse_u32(const struct nlattr *attribute, __u32 *value)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		*value = mnl_attr_get_u32(attribute);
}

static int parse_xdp(const struct nlattr *attribute, void *data)
{
	struct netdev *netdev = data;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_XDP_PROG_ID:
	case IFLA_XDP_DRV_PROG_ID:
	case IFLA_XDP_SKB_PROG_ID:
		parse_u32(attribute, &netdev->xdp_program);
		break;
	}
	return MNL_CB_OK;
}

static void parse_stats(const struct nlattr *attribute, struct netdev *netdev)
{
	struct rtnl_link_stats64 stats;

	if (mnl_attr_get_payload_len(attribute) < sizeof(stats))
		return;
	memcpy(&stats, mnl_attr_get_payload(attribute), sizeof(stats));
	netdev->tx_packets = stats.tx_packets;
	netdev->tx_dropped = stats.tx_dropped;
	netdev->rx_dropped = stats.rx_dropped;
}

static int parse_netdev_attribute(const struct nlattr *attribute, void *data)
{
	struct netdev *netdev = data;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		copy_attribute(netdev->name, sizeof(netdev->name), attribute);
		break;
	case IFLA_IFALIAS:
		copy_attribute(netdev->alias, sizeof(netdev->alias), attribute);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attribute) == sizeof(netdev->address))
			memcpy(netdev->address, mnl_attr_get_payload(attribute), sizeof(netdev->address));
		break;
	case IFLA_MTU:
		parse_u32(attribute, &netdev->mtu);
		break;
	case IFLA_LINK:
		parse_u32(attribute, &netdev->peer);
		break;
	case IFLA_LINK_NETNSID:
		netdev->peer_elsewhere = true;
		break;
	case IFLA_XDP:
		return mnl_attr_parse_nested(attribute, parse_xdp, netdev);
	case IFLA_MASTER:
		parse_u32(attribute, &netdev->master);
		break;
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attribute, parse_kind, netdev);
	case IFLA_STATS64:
		parse_stats(attribute, netdev);
		break;
	}
	return MNL_CB_OK;
}

static int parse_netdev(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct netdev *netdev = data;

	netdev->index = (unsigned int)info->ifi_index;
	netdev->type = info->ifi_type;
	netdev->up = info->ifi_flags & IFF_UP;
	netdev->arp = !(info->ifi_flags & IFF_NOARP);
	return mnl_attr_parse(message, sizeof(*info), parse_netdev_attribute, netdev);
}

struct nlmsghdr *netdev_request(char *buffer, __u16 type, unsigned int index)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	request->nlmsg_type = type;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	return request;
}

static int find_netdev(unsigned int index, const char *name, struct netdev *netdev)
{
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_GETLINK, index);
	struct netdev found = {};
	int err;

	if (name)
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
	err = netlink_talk(request, parse_netdev, &found);
	if (err)
		return err;
	*netdev = found;
	return 0;
}

int netdev_find(const char *name, struct netdev *netdev)
{
	if (strlen(name) >= IF_NAMESIZE)
		return -ENODEV;
	return find_netdev(0, name, netdev);
}

int netdev_find_index(unsigned int index, struct netdev *netdev)
{
	return find_netdev(index, NULL, netdev);
}

struct netdev_list {
	struct netdev *netdevs;
	size_t n;
};

static int list_netdev(const struct nlmsghdr *message, void *data)
{
	struct netdev_list *list = data;
	struct netdev *netdevs = realloc(list->netdevs, (list->n + 1) * sizeof(*netdevs));

	if (!netdevs) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	list->netdevs = netdevs;
	netdevs += list->n++;
	memset(netdevs, 0, sizeof(*netdevs));
	return parse_netdev(message, netdevs);
}

int netdev_list(struct netdev **netdevs, size_t *n)
{
	struct netdev_list list = {};
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_GETLINK, 0);
	int err;

	request->nlmsg_flags |= NLM_F_DUMP;
	err = netlink_talk(request, list_netdev, &list);
	if (err) {
		free(list.netdevs);
		return err;
	}
	*netdevs = list.netdevs;
	*n = list.n;
	return 0;
}

/* These devices carry no IPv6 of their own, and a router solicitation must not be sealed. */
int netdev_set_no_ipv6_addresses(unsigned int index)
{
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_NEWLINK, index);
	struct nlattr *families, *inet6;
	int err;

	families = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(request, AF_INET6);
	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, inet6);
	mnl_attr_nest_end(request, families);
	err = netlink_talk(request, NULL, NULL);
	/* IPv6 is not in the kernel, or switched off. */
	return err == -EAFNOSUPPORT ? 0 : err;
}

int netdev_set_alias(unsigned int index, const char *alias)
{
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_NEWLINK, index);

	mnl_attr_put_str(request, IFLA_IFALIAS, alias);
	return netlink_talk(request, NULL, NULL);
}

static int change_flags(unsigned int index, unsigned int flags, unsigned int change)
{
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_NEWLINK, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(request);

	info->ifi_flags = flags;
	info->ifi_change = change;
	return netlink_talk(request, NULL, NULL);
}

int netdev_set_up(unsigned int index)
{
	return change_flags(index, IFF_UP, IFF_UP);
}

int netdev_set_quiet(unsigned int index)
{
	return change_flags(index, IFF_NOARP, IFF_NOARP | IFF_MULTICAST);
}

int netdev_set_mtu(unsigned int index, unsigned int mtu)
{
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_NEWLINK, index);

	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	return netlink_talk(request, NULL, NULL);
}

int netdev_set_master(unsigned int index, unsigned int master)
{
	char buffer[512];
	struct nlmsghdr *request = netdev_request(buffer, RTM_NEWLINK, index);

	mnl_attr_put_u32(request, IFLA_MASTER, master);
	return netlink_talk(request, NULL, NULL);
}

int netdev_delete(unsigned int index)
{
	char buffer[512];

	return netlink_talk(netdev_request(buffer, RTM_DELLINK, index), NULL, NULL);
}
