// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "ethtool.h"
#include "hop.h"
#include "message.h"
#include "netlink.h"

/* Nothing is too long for it: what the device cannot carry is refused before it is sent here. */
#define HOP_MTU 65535
#define ALIAS_PREFIX "xdpsec "

static void hop_alias(const struct instance *instance, char *alias, size_t size)
{
	snprintf(alias, size, ALIAS_PREFIX "%s", instance->name);
}

void hop_name(struct instance *instance)
{
	snprintf(instance->hop_near, sizeof(instance->hop_near), "xsh%ua", instance->device_index);
	snprintf(instance->hop_far, sizeof(instance->hop_far), "xsh%ub", instance->device_index);
}

/* IPv6 would announce itself on the device (MLD reports), which comes out at the far end as stray. There is
 * no netlink attribute for this. Where it cannot be written there is no IPv6, or only those few packets. */
static void silence_ipv6(const char *device)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", device);
	file = fopen(path, "we");
	if (file)
		fputs("1", file);
}

static int set_up(struct instance *instance)
{
	char alias[sizeof(ALIAS_PREFIX) + XDPSEC_NAME_LEN];
	struct link near, far;
	int err;

	hop_alias(instance, alias, sizeof(alias));
	err = link_find(instance->hop_near, &near);
	if (!err)
		err = link_set_alias(near.index, alias);
	if (!err)
		err = link_find(instance->hop_far, &far);
	if (!err)
		err = link_set_alias(far.index, alias);
	if (err)
		return fail(-err, "%s: cannot set up the hop device: %s", instance->hop_near, strerror(-err));
	err = offloads_off(instance->hop_near);
	if (err)
		return err;
	silence_ipv6(instance->hop_near);
	silence_ipv6(instance->hop_far);
	err = link_set_up(far.index);
	if (!err)
		err = link_set_up(near.index);
	if (err)
		return fail(-err, "%s: cannot set the hop device up: %s", instance->hop_near, strerror(-err));
	instance->hop_near_index = near.index;
	instance->hop_far_index = far.index;
	return 0;
}

int hop_create(struct instance *instance)
{
	int err = link_create_veth(instance->hop_near, instance->hop_far, HOP_MTU);

	if (err == -EEXIST) {
		fail(EEXIST, "%s: cannot create the hop device: a device %s or %s exists already",
		     instance->name, instance->hop_near, instance->hop_far);
		hint("`ip -d link show %s` says whose it is", instance->hop_near);
		return err;
	}
	if (err == -EOPNOTSUPP) {
		fail(-err, "%s: cannot create the hop device: this kernel has no veth", instance->name);
		hint("modprobe veth, or a kernel with CONFIG_VETH");
		return err;
	}
	if (err)
		return fail(-err, "%s: cannot create the hop device %s: %s", instance->name,
			    instance->hop_near, strerror(-err));
	err = set_up(instance);
	if (err)
		hop_delete(instance);
	return err;
}

/* The alias comes after the creation: between the two, a pair that is down and has none is ours. */
static bool is_ours(const struct instance *instance, const struct link *link)
{
	char alias[sizeof(ALIAS_PREFIX) + XDPSEC_NAME_LEN];
	struct link far;

	hop_alias(instance, alias, sizeof(alias));
	if (strcmp(link->kind, "veth") != 0)
		return false;
	if (link->alias[0])
		return strcmp(link->alias, alias) == 0;
	return instance->hop_recorded && !link->up && link_find(instance->hop_far, &far) == 0 &&
	       far.index == link->peer;
}

int hop_delete(const struct instance *instance)
{
	struct link link;
	int err;

	if (!instance->hop_near[0])
		return 0;
	err = link_find(instance->hop_near, &link);
	if (err == -ENODEV)
		return 0;
	if (!err && !is_ours(instance, &link))
		return 0;
	if (!err)
		err = link_delete(link.index);
	if (err && err != -ENODEV)
		return fail(-err, "%s: cannot delete the hop device: %s", instance->hop_near, strerror(-err));
	return 0;
}
