// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks of the VXLAN devices and PPPoE sessions on top of the protected device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/prefix.h"
#include "config/group.h"
#include "device/carried.h"
#include "device/tunnel.h"
#include "net/netlink.h"

static void check_vxlan(const struct config *config, const struct netdev *netdev)
{
	struct xdpsec_prefix group = { .length = 128 };
	char text[64];

	memcpy(group.address, netdev->vxlan.group, sizeof(group.address));
	if (!group_is_closed(config, &group, netdev->vxlan.port))
		return;
	address_text(group.address, text, sizeof(text));
	warning("%s: VXLAN device %s sends broadcast and unknown unicast to group %s, and UDP port %u is "
		"protected: these packets are dropped",
		config->path, netdev->name, text, netdev->vxlan.port);
	hint("for one peer, add %s to its Address at both sites; for several, `bridge fdb append "
	     "00:00:00:00:00:00 dev %s dst PEER` for each",
	     text, netdev->name);
}

static void check_vxlans(const struct config *config, unsigned int device)
{
	_cleanup_free_ struct netdev *netdevs = NULL;
	size_t n = 0;

	if (netdev_list(&netdevs, &n))
		return;
	for (size_t i = 0; i < n; i++)
		if (netdevs[i].vxlan.underlay == device && netdevs[i].vxlan.has_group)
			check_vxlan(config, &netdevs[i]);
}

/* Lines of an id, a MAC address and the device, below a title (drivers/net/ppp/pppoe.c, pppoe_seq_show). */
static bool carries_pppoe(const char *device)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/net/pppoe", "re");
	char line[256], name[IF_NAMESIZE];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*s %15s", name) == 1 && strcmp(name, device) == 0)
			return true;
	return false;
}

static void check_pppoe(const struct config *config, const struct netdev *device)
{
	if (!carries_pppoe(device->name))
		return;
	if (config->mode == MODE_TUNNEL) {
		warning("%s: %s carries PPPoE sessions: their MTU is smaller than its own", config->path,
			device->name);
		hint("if endpoints are reached by one of them, set MTU = %u",
		     device->mtu - 8 - XDPSEC_TUNNEL_OVERHEAD_IPV6);
		return;
	}
	warning("%s: %s carries PPPoE sessions: protected flows in them are sealed; packets that then do not "
		"fit are dropped without an ICMP answer",
		config->path, device->name);
	hint("ip link set dev PPP mtu %u, where PPP is the session's device",
	     device->mtu - 8 - XDPSEC_OVERHEAD);
}

void carried_check(const struct config *config, const struct netdev *device)
{
	if (config->mode == MODE_INLINE)
		check_vxlans(config, device->index);
	check_pppoe(config, device);
}
