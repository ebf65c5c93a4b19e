// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding the VRF of a device, and putting the far end of a tunnel into it. */
#include <string.h>

#include "base/message.h"
#include "net/vrf.h"

/* A device in a bond in a bridge in a VRF, and then some. */
#define LAYERS_MAX 8

unsigned int vrf_of(unsigned int device)
{
	struct netdev netdev;

	for (int i = 0; device && i < LAYERS_MAX; i++) {
		if (netdev_find_index(device, &netdev))
			return 0;
		if (netdev.vrf_table)
			return device;
		device = netdev.master;
	}
	return 0;
}

int vrf_follow(const struct netdev *far, unsigned int device, bool *changed)
{
	unsigned int vrf = vrf_of(device);
	int err;

	*changed = far->master != vrf;
	if (!*changed)
		return 0;
	err = netdev_set_master(far->index, vrf);
	return err ? fail(-err, "%s: cannot follow the device into its VRF: %s", far->name, strerror(-err))
		   : 0;
}
