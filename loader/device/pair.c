// SPDX-License-Identifier: GPL-2.0-or-later
/* Making, finding and deleting the pair of devices of an instance. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config.h"
#include "device/pair.h"
#include "net/ethtool.h"
#include "net/namespace.h"
#include "plane/attach.h"
#include "plane/self.h"

#define ALIAS_PREFIX "xdpsec "

struct alias {
	char text[sizeof(ALIAS_PREFIX) + XDPSEC_NAME_LEN];
};

static struct alias alias_of(const struct instance *instance)
{
	struct alias alias;

	snprintf(alias.text, sizeof(alias.text), ALIAS_PREFIX "%s", instance->name);
	return alias;
}

static bool is_pair(const struct netdev *netdev)
{
	return strcmp(netdev->kind, "veth") == 0 || netdev_is_netkit(netdev);
}

static int create_devices(const struct instance *instance, unsigned int near_mtu, unsigned int queues,
			  bool netkit)
{
	const struct pair_end near = { instance->near, near_mtu }, far = { instance->far, FAR_MTU };
	int err = netkit ? netdev_create_netkit(&near, &far) : -EOPNOTSUPP;

	return err == -EOPNOTSUPP ? netdev_create_veth(&near, &far, queues) : err;
}

static int create_pair(const struct instance *instance, const char *what, unsigned int near_mtu,
		       unsigned int queues, bool netkit)
{
	int err = create_devices(instance, near_mtu, queues, netkit);

	if (err == -EEXIST) {
		fail(EEXIST, "%s: cannot create the %s device: a device %s or %s exists already",
		     instance->name, what, instance->near, instance->far);
		hint("`%s -d link show %s` shows what it is", self_ip(), instance->near);
		return err;
	}
	if (err == -EOPNOTSUPP) {
		fail(-err, "%s: cannot create the %s device: this kernel has no veth", instance->name, what);
		hint("modprobe veth, or a kernel with CONFIG_VETH");
		return err;
	}
	if (err)
		return fail(-err, "%s: cannot create the %s device %s: %s", instance->name, what,
			    instance->near, strerror(-err));
	return 0;
}

static int set_up_pair(const struct instance *instance, const char *what, struct netdev *near,
		       struct netdev *far)
{
	struct alias alias = alias_of(instance);
	int err;

	err = netdev_find(instance->near, near);
	if (!err)
		err = netdev_set_alias(near->index, alias.text);
	if (!err)
		err = netdev_find(instance->far, far);
	if (!err)
		err = netdev_set_alias(far->index, alias.text);
	if (err)
		return fail(-err, "%s: cannot configure the %s device: %s", instance->near, what,
			    strerror(-err));
	/* A .link file may have switched it on. */
	err = gro_is_on(instance->far) ? gro_off(instance->far) : 0;
	return err ?: offloads_off(instance->near);
}

void pair_undo(const struct instance *instance)
{
	struct netdev near;

	if (netdev_find(instance->near, &near) == 0 && pair_is_ours(instance, &near))
		netdev_delete(near.index);
}

int pair_create(const struct instance *instance, const char *what, unsigned int near_mtu, unsigned int queues,
		bool netkit, struct netdev *near, struct netdev *far)
{
	int err = create_pair(instance, what, near_mtu, queues, netkit);

	if (err)
		return err;
	err = set_up_pair(instance, what, near, far);
	if (err)
		pair_undo(instance);
	return err;
}

const struct netdev *pair_program_end(const struct netdev *near, const struct netdev *far)
{
	return netdev_is_netkit(near) ? near : far;
}

bool pair_near_elsewhere(const struct instance *instance)
{
	struct netdev far;

	return instance->far_index && netdev_find_index(instance->far_index, &far) == 0 &&
	       pair_is_ours(instance, &far) && far.peer_elsewhere;
}

static int mend_mtu(const struct netdev *netdev, unsigned int mtu)
{
	int err = netdev->mtu == mtu || !mtu ? 0 : netdev_set_mtu(netdev->index, mtu);

	if (err)
		return fail(-err, "%s: cannot set its MTU: %s", netdev->name, strerror(-err));
	if (netdev->mtu != mtu && mtu)
		warning("%s: its MTU was %u, and is %u again", netdev->name, netdev->mtu, mtu);
	return 0;
}

static int mend_up(const struct netdev *netdev)
{
	int err = netdev->up ? 0 : netdev_set_up(netdev->index);

	if (err)
		return fail(-err, "%s: cannot bring it up: %s", netdev->name, strerror(-err));
	if (!netdev->up)
		warning("%s: was down, and is up again", netdev->name);
	return 0;
}

static int mend_offloads(const struct netdev *near)
{
	int err;

	if (!offloads_any(near->name))
		return 0;
	err = offloads_off(near->name);
	if (!err)
		warning("%s: its offloads were switched on, and are off again", near->name);
	return err;
}

/* veth_set_xdp_features() (drivers/net/veth.c) compares these two numbers. */
static bool lacks_queues(const struct netdev *near, const struct netdev *far, unsigned int *needed)
{
	unsigned int receive, unused;

	return queues_read(near->name, &unused, needed) == 0 &&
	       queues_read(far->name, &receive, &unused) == 0 && receive < *needed;
}

void pair_read_far(const struct netdev *near, const struct netdev *far, struct pair_far *state)
{
	unsigned int needed;

	state->merges = gro_is_on(far->name);
	state->takes_no = lacks_queues(near, far, &needed);
}

static int mend_far(const struct netdev *near, const struct netdev *far)
{
	unsigned int needed;
	int err = 0;

	if (gro_is_on(far->name)) {
		err = gro_off(far->name);
		if (!err)
			warning("%s: its GRO was switched on, and is off again", far->name);
	}
	if (err || !lacks_queues(near, far, &needed))
		return err;
	err = queues_set_receive(far->name, needed);
	if (err)
		return fail(-err, "%s: cannot set its number of receive queues to %u: %s", far->name, needed,
			    strerror(-err));
	warning("%s: it had too few receive queues, and has %u again", far->name, needed);
	return 0;
}

int pair_mend(const struct instance *instance, const char *what, unsigned int near_mtu, struct netdev *near,
	      struct netdev *far)
{
	int err = netdev_find_index(instance->near_index, near);

	if (!err)
		err = netdev_find_index(instance->far_index, far);
	/* Another device may have got the index. */
	if (err || !pair_is_ours(instance, near) || near->peer_elsewhere || near->peer != far->index) {
		fail(ENODEV, "%s: the %s device %s is gone", instance->name, what, instance->near);
		hint_restart(instance);
		return -ENODEV;
	}
	err = mend_offloads(near);
	if (!err)
		err = mend_far(near, far);
	if (!err)
		err = mend_mtu(far, FAR_MTU);
	if (!err)
		err = mend_mtu(near, near_mtu);
	if (!err)
		err = mend_up(far);
	return err ?: mend_up(near);
}

/* The alias is set after the creation. In between, a pair that is down and has no alias is ours. */
bool pair_is_ours(const struct instance *instance, const struct netdev *netdev)
{
	struct alias alias = alias_of(instance);
	struct netdev far;

	if (!is_pair(netdev))
		return false;
	if (netdev->alias[0])
		return strcmp(netdev->alias, alias.text) == 0;
	return instance->pair_recorded && !netdev->up && netdev_find(instance->far, &far) == 0 &&
	       far.index == netdev->peer;
}

const char *pair_owner(const struct netdev *netdev)
{
	const char *name = netdev->alias + strlen(ALIAS_PREFIX);

	return is_pair(netdev) && strncmp(netdev->alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0 &&
			       instance_name_valid(name)
		       ? name
		       : NULL;
}

static enum program pair_program(const struct instance *instance)
{
	return instance->mode == MODE_TUNNEL ? PROGRAM_ENCAPSULATE : PROGRAM_HOP;
}

/* Find a recorded end: by its index, whatever its name is now; before there is an index, by its name. */
static bool find_recorded(const struct instance *instance, unsigned int index, const char *name,
			  struct netdev *netdev)
{
	struct netdev found;

	if (index && netdev_find_index(index, &found) == 0 && pair_is_ours(instance, &found)) {
		*netdev = found;
		return true;
	}
	if (!name[0] || netdev_find(name, &found) || !pair_is_ours(instance, &found))
		return false;
	*netdev = found;
	return true;
}

/*
 * Find the end that has our program. This is the proof: nobody can remove it by renaming the device or changing
 * its alias.
 */
static bool find_by_program(const struct plane *plane, const struct instance *instance, struct pair *pair)
{
	enum program program = pair_program(instance);
	struct netdev netdev;
	unsigned int index;

	if (attached_tcx(plane, program, &index) || !index || !carries_tcx(plane, program, index) ||
	    netdev_find_index(index, &netdev))
		return false;
	if (netdev_is_netkit(&netdev))
		pair->near = netdev;
	else
		pair->far = netdev;
	return true;
}

void pair_find(const struct plane *plane, const struct instance *instance, struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	if (!instance->near[0])
		return;
	if (!find_by_program(plane, instance, pair))
		find_recorded(instance, instance->far_index, instance->far, &pair->far);
	if (pair->near.index) {
		if (!pair->near.peer_elsewhere)
			netdev_find_index(pair->near.peer, &pair->far);
		return;
	}
	if (pair->far.index) {
		pair->near_elsewhere = pair->far.peer_elsewhere;
		if (!pair->near_elsewhere && netdev_find_index(pair->far.peer, &pair->near) == 0)
			return;
	}
	/* The far end is in another namespace, or the near end here belongs to another of our pairs. */
	if (!pair->near_elsewhere)
		find_recorded(instance, instance->near_index, instance->near, &pair->near);
}

static int delete(const struct instance *instance, const struct netdev *netdev)
{
	int err = netdev_delete(netdev->index);

	if (err && err != -ENODEV)
		return fail(-err, "%s: cannot delete the device %s: %s", instance->name, netdev->name,
			    strerror(-err));
	return 0;
}

struct pair_search {
	const struct plane *plane;
	const struct instance *instance;
	int err;
};

static bool delete_there(const char *path, void *data)
{
	struct pair_search *search = data;
	struct pair pair = {};

	(void)path;
	/* Only our program is a proof: the name or alias could belong to an instance of that namespace. */
	if (!find_by_program(search->plane, search->instance, &pair))
		return false;
	search->err = delete (search->instance, pair.far.index ? &pair.far : &pair.near);
	return true;
}

/* Delete a pair of which both ends were moved to other namespaces. */
static int delete_elsewhere(const struct plane *plane, const struct instance *instance)
{
	struct pair_search search = { .plane = plane, .instance = instance };
	unsigned int index;

	if (attached_tcx(plane, pair_program(instance), &index) || !index)
		return 0;
	if (namespace_each_other(delete_there, &search))
		return search.err;
	fail(ENODEV, "%s: the device %s was moved to a network namespace that cannot be found",
	     instance->name, instance->near);
	hint("in that namespace, `ip link del dev %s`", instance->near);
	return -ENODEV;
}

int pair_delete(const struct plane *plane, const struct instance *instance)
{
	struct pair pair;

	if (!instance->near[0])
		return 0;
	pair_find(plane, instance, &pair);
	/* Deleting either end deletes the other, in whatever namespace. */
	if (pair.far.index)
		return delete (instance, &pair.far);
	if (pair.near.index)
		return delete (instance, &pair.near);
	return delete_elsewhere(plane, instance);
}

int pair_delete_by_alias(const char *name)
{
	struct instance instance = {};
	_cleanup_free_ struct netdev *netdevs = NULL;
	struct alias alias;
	struct netdev netdev;
	size_t n = 0;
	int err, step;

	snprintf(instance.name, sizeof(instance.name), "%s", name);
	alias = alias_of(&instance);
	err = netdev_list(&netdevs, &n);
	if (err)
		return fail(-err, "%s: cannot list the network devices: %s", name, strerror(-err));
	for (size_t i = 0; i < n; i++) {
		if (!is_pair(&netdevs[i]) || strcmp(netdevs[i].alias, alias.text) != 0)
			continue;
		/* Deleted before, with its other end. */
		if (netdev_find_index(netdevs[i].index, &netdev))
			continue;
		step = delete (&instance, &netdevs[i]);
		err = err ?: step;
	}
	return err;
}
