// SPDX-License-Identifier: GPL-2.0-or-later
/* Creating pairs of devices: veth and netkit. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "net/netlink.h"

/* include/uapi/linux/if_link.h since 6.7; the headers of Debian 12 are older. */
#define NETKIT_PEER_INFO 1
#define NETKIT_POLICY 3
#define NETKIT_PEER_POLICY 4
#define NETKIT_MODE 5
#define NETKIT_DROP 2
#define NETKIT_L2 0

static int no_ipv6_addresses(const char *name)
{
	struct netdev netdev;
	int err = netdev_find(name, &netdev);

	return err ?: netdev_set_no_ipv6_addresses(netdev.index);
}

/*
 * Set a MAC address, even if a random one. udev replaces one chosen by the kernel after a while
 * (systemd.link(5), MACAddressPolicy=persistent), when others already know it.
 */
static void put_random_address(struct nlmsghdr *request)
{
	unsigned char address[6];

	if (getrandom(address, sizeof(address), 0) != sizeof(address))
		return;
	/* Locally administered, and not a group address. */
	address[0] = (address[0] & 0xfe) | 0x02;
	mnl_attr_put(request, IFLA_ADDRESS, sizeof(address), address);
}

static void put_end(struct nlmsghdr *request, const struct pair_end *end, unsigned int queues)
{
	mnl_attr_put_strz(request, IFLA_IFNAME, end->name);
	put_random_address(request);
	mnl_attr_put_u32(request, IFLA_MTU, end->mtu);
	if (!queues)
		return;
	mnl_attr_put_u32(request, IFLA_NUM_TX_QUEUES, queues);
	mnl_attr_put_u32(request, IFLA_NUM_RX_QUEUES, queues);
}

/* The other end is described by a message of its own, inside of what the kind has. */
static void put_peer(struct nlmsghdr *request, unsigned short attribute, const struct pair_end *peer,
		     unsigned int queues)
{
	struct nlattr *nest = mnl_attr_nest_start(request, attribute);

	memset(mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg)), 0, sizeof(struct ifinfomsg));
	put_end(request, peer, queues);
	mnl_attr_nest_end(request, nest);
}

static int without_ipv6_addresses(const struct pair_end *near, const struct pair_end *far)
{
	struct netdev netdev;
	int err = no_ipv6_addresses(near->name);

	if (!err)
		err = no_ipv6_addresses(far->name);
	if (err && netdev_find(near->name, &netdev) == 0)
		netdev_delete(netdev.index);
	return err;
}

/* The kinds differ in their settings, and in the attribute that has the other end. */
struct pair_kind {
	const char *name;
	unsigned short peer;
	void (*put_settings)(struct nlmsghdr *request);
};

static int create_of_kind(const struct pair_kind *kind, const struct pair_end *near,
			  const struct pair_end *far, unsigned int queues)
{
	char buffer[1024];
	struct nlmsghdr *request = netdev_request(buffer, RTM_NEWLINK, 0);
	struct nlattr *info, *data;
	int err;

	request->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	put_end(request, near, queues);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, kind->name);
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	if (kind->put_settings)
		kind->put_settings(request);
	put_peer(request, kind->peer, far, queues);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);
	err = netlink_talk(request, NULL, NULL);
	return err ?: without_ipv6_addresses(near, far);
}

int netdev_create_veth(const struct pair_end *near, const struct pair_end *far, unsigned int queues)
{
	static const struct pair_kind veth = { "veth", VETH_INFO_PEER, NULL };

	return create_of_kind(&veth, near, far, queues);
}

static void put_netkit_settings(struct nlmsghdr *request)
{
	mnl_attr_put_u32(request, NETKIT_MODE, NETKIT_L2);
	mnl_attr_put_u32(request, NETKIT_POLICY, NETKIT_DROP);
	mnl_attr_put_u32(request, NETKIT_PEER_POLICY, NETKIT_DROP);
}

static const struct pair_kind netkit = { "netkit", NETKIT_PEER_INFO, put_netkit_settings };

bool netdev_is_netkit(const struct netdev *netdev)
{
	return strcmp(netdev->kind, netkit.name) == 0;
}

int netdev_create_netkit(const struct pair_end *near, const struct pair_end *far)
{
	return create_of_kind(&netkit, near, far, 0);
}
