// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks of the protected device: its type, its MTU, and what is on top of it. */
#include <errno.h>
#include <string.h>
#include <net/if_arp.h>

#include "base/message.h"
#include "device/carried.h"
#include "device/device.h"
#include "device/tunnel.h"
#include "plane/self.h"

static bool has_ipv6(const struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			if (!prefix_is_ipv4(&config->peers[i].prefixes[j]))
				return true;
	return false;
}

static int check_mtu(const struct config *config, const struct netdev *netdev)
{
	bool is_tunnel = config->mode == MODE_TUNNEL,
	     ipv6 = is_tunnel ? tunnel_has_ipv6(config) : has_ipv6(config);
	unsigned int minimum = ipv6 ? XDPSEC_IPV6_MTU_MIN : IPV4_MTU_MIN,
		     overhead = is_tunnel ? tunnel_most_overhead(config) : XDPSEC_OVERHEAD;

	if (netdev->mtu >= minimum + overhead)
		return 0;
	fail(EMSGSIZE,
	     "%s:%d: Device: %s: MTU %u is too small: it must hold %u bytes of IPv%c and %u bytes of "
	     "overhead",
	     config->path, config->device_line, config->device, netdev->mtu, minimum, ipv6 ? '6' : '4',
	     overhead);
	hint("%s link set dev %s mtu %u", self_ip(), config->device, minimum + overhead);
	return -EMSGSIZE;
}

/* Check an MTU that is set in the configuration. */
static int check_tunnel_mtu(const struct config *config, const struct netdev *netdev)
{
	unsigned int mtu = config->tunnel.mtu, overhead = tunnel_overhead(config);

	if (!mtu)
		return 0;
	if (mtu < XDPSEC_IPV6_MTU_MIN && tunnel_has_ipv6(config)) {
		fail(EMSGSIZE, "%s:%d: MTU: %u: IPv6 in the tunnel needs at least %u", config->path,
		     config->tunnel.mtu_line, mtu, XDPSEC_IPV6_MTU_MIN);
		return -EMSGSIZE;
	}
	if (mtu + overhead > netdev->mtu) {
		fail(EMSGSIZE,
		     "%s:%d: MTU: %u: with %u bytes of overhead, such packets exceed the MTU of %s, %u",
		     config->path, config->tunnel.mtu_line, mtu, overhead, config->device, netdev->mtu);
		hint("%u at most", netdev->mtu - overhead);
		return -EMSGSIZE;
	}
	return 0;
}

/* Under a tunnel's device flows are inside other packets. Under a PPPoE device they are recognized. */
static void hint_device(const struct netdev *netdev)
{
	if (netdev->type == ARPHRD_PPP)
		hint("for PPPoE, use inline mode on the Ethernet device that /proc/net/pppoe names; other "
		     "kinds of PPP cannot be protected");
	else
		hint("name the Ethernet device by which the flows leave without another encapsulation; `ip "
		     "-br link show` lists devices");
}

int device_find(const struct config *config, struct netdev *device)
{
	struct netdev netdev;
	int err = netdev_find(config->device, &netdev);

	if (err == -ENODEV) {
		fail(ENODEV, "%s:%d: Device: %s: no such device in this network namespace", config->path,
		     config->device_line, config->device);
		hint("`%s link` lists the devices; `xdpsec -n NETNS` looks in another namespace", self_ip());
		return err;
	}
	if (err)
		return fail(-err, "%s: cannot query it: %s", config->device, strerror(-err));
	if (netdev.type != ARPHRD_ETHER) {
		fail(EINVAL, "%s:%d: Device: %s: not an Ethernet device (type %u)", config->path,
		     config->device_line, config->device, netdev.type);
		hint_device(&netdev);
		return -EINVAL;
	}
	err = check_mtu(config, &netdev);
	if (!err && config->mode == MODE_TUNNEL)
		err = check_tunnel_mtu(config, &netdev);
	if (err)
		return err;
	carried_check(config, &netdev);
	*device = netdev;
	return 0;
}
