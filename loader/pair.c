// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ethtool.h"
#include "message.h"
#include "pair.h"

#define ALIAS_PREFIX "xdpsec "
/* Nothing is too long for the far end: what may go in is decided before. */
#define FAR_MTU 65535

struct alias {
	char text[sizeof(ALIAS_PREFIX) + XDPSEC_NAME_LEN];
};

static struct alias alias_of(const struct instance *instance)
{
	struct alias alias;

	snprintf(alias.text, sizeof(alias.text), ALIAS_PREFIX "%s", instance->name);
	return alias;
}

static int create(const struct instance *instance, const char *what, unsigned int near_mtu,
		  unsigned int queues)
{
	const struct veth_end near = { instance->hop_near, near_mtu }, far = { instance->hop_far, FAR_MTU };
	int err = link_create_veth(&near, &far, queues);

	if (err == -EEXIST) {
		fail(EEXIST, "%s: cannot create the %s device: a device %s or %s exists already",
		     instance->name, what, instance->hop_near, instance->hop_far);
		hint("`ip -d link show %s` says whose it is", instance->hop_near);
		return err;
	}
	if (err == -EOPNOTSUPP) {
		fail(-err, "%s: cannot create the %s device: this kernel has no veth", instance->name, what);
		hint("modprobe veth, or a kernel with CONFIG_VETH");
		return err;
	}
	if (err)
		return fail(-err, "%s: cannot create the %s device %s: %s", instance->name, what,
			    instance->hop_near, strerror(-err));
	return 0;
}

static int set_up(const struct instance *instance, const char *what, struct link *near, struct link *far)
{
	struct alias alias = alias_of(instance);
	int err;

	err = link_find(instance->hop_near, near);
	if (!err)
		err = link_set_alias(near->index, alias.text);
	if (!err)
		err = link_find(instance->hop_far, far);
	if (!err)
		err = link_set_alias(far->index, alias.text);
	if (err)
		return fail(-err, "%s: cannot set up the %s device: %s", instance->hop_near, what,
			    strerror(-err));
	return offloads_off(instance->hop_near);
}

int pair_create(const struct instance *instance, const char *what, unsigned int near_mtu, unsigned int queues,
		struct link *near, struct link *far)
{
	int err = create(instance, what, near_mtu, queues);

	if (err)
		return err;
	err = set_up(instance, what, near, far);
	if (err)
		pair_delete(instance);
	return err;
}

/* The alias comes after the creation: between the two, a pair that is down and has none is ours. */
bool pair_is_ours(const struct instance *instance, const struct link *link)
{
	struct alias alias = alias_of(instance);
	struct link far;

	if (strcmp(link->kind, "veth") != 0)
		return false;
	if (link->alias[0])
		return strcmp(link->alias, alias.text) == 0;
	return instance->hop_recorded && !link->up && link_find(instance->hop_far, &far) == 0 &&
	       far.index == link->peer;
}

int pair_delete(const struct instance *instance)
{
	struct link link;
	int err;

	if (!instance->hop_near[0])
		return 0;
	err = link_find(instance->hop_near, &link);
	if (err == -ENODEV)
		return 0;
	if (!err && !pair_is_ours(instance, &link))
		return 0;
	if (!err)
		err = link_delete(link.index);
	if (err && err != -ENODEV)
		return fail(-err, "%s: cannot delete the device: %s", instance->hop_near, strerror(-err));
	return 0;
}
