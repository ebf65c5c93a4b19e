// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the hop device, and naming it. */
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "device/hop.h"
#include "device/pair.h"
#include "net/sysctl.h"
#include "plane/attach.h"

void hop_name(struct instance *instance, unsigned int number)
{
	char more[12] = "";

	if (number)
		snprintf(more, sizeof(more), "%u", number);
	snprintf(instance->near, sizeof(instance->near), "xsh%ua%s", instance->device_index, more);
	snprintf(instance->far, sizeof(instance->far), "xsh%ub%s", instance->device_index, more);
}

static int set_up_hop(struct instance *instance, const struct netdev *near, const struct netdev *far)
{
	int err;

	/* Packets that the kernel itself sends out of it, of no protected flow, would be counted as stray. */
	sysctl_silence_ipv6(instance->near);
	sysctl_silence_ipv6(instance->far);
	/* If the device does not forward, routes are looked up from the far end (xdp/destination.bpf.h).
	 * Without forwarding there, packets are dropped that could have been opened. */
	sysctl_set("ipv4", instance->far, "forwarding", 1);
	sysctl_set("ipv6", instance->far, "forwarding", 1);
	err = netdev_set_up(far->index);
	if (!err)
		err = netdev_set_up(near->index);
	if (err)
		return fail(-err, "%s: cannot bring the hop device up: %s", instance->near, strerror(-err));
	instance->near_index = near->index;
	instance->far_index = far->index;
	return 0;
}

int hop_create(struct instance *instance)
{
	struct netdev near, far;
	int err = pair_create(instance, "hop", HOP_MTU, 0, true, &near, &far);

	if (err)
		return err;
	err = set_up_hop(instance, &near, &far);
	if (err)
		pair_undo(instance);
	return err;
}

int hop_attach(const struct plane *plane, const struct instance *instance, int program)
{
	struct netdev near, far;
	const struct netdev *end;
	int err = netdev_find_index(instance->near_index, &near);

	if (!err)
		err = netdev_find_index(instance->far_index, &far);
	if (err)
		return fail(-err, "%s: cannot query the hop device: %s", instance->near, strerror(-err));
	end = pair_program_end(&near, &far);
	return attach_tcx(plane, PROGRAM_HOP, program, end->name, end->index);
}
