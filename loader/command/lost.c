// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding and taking down instances whose pins are gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "command/lost.h"
#include "command/teardown.h"
#include "device/pair.h"
#include "net/namespace.h"
#include "plane/attach.h"

struct list {
	struct lost *all;
	size_t n;
};

static struct lost *add(struct list *list, const char *name)
{
	struct lost *all;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->all[i].name, name) == 0)
			return &list->all[i];
	all = realloc(list->all, (list->n + 1) * sizeof(*all));
	if (!all)
		return NULL;
	list->all = all;
	all += list->n++;
	memset(all, 0, sizeof(*all));
	snprintf(all->name, sizeof(all->name), "%s", name);
	return all;
}

/* Open the data plane of one of our programs by the maps that it keeps. */
static bool recover(struct plane *plane, __u32 program, struct instance *instance)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program);
	struct namespace here;
	__u32 key = 0;

	plane_init(plane);
	return fd >= 0 && plane_open_by_program(plane, fd) == 0 &&
	       bpf_map_lookup_elem(plane->maps[MAP_INSTANCE], &key, instance) == 0 &&
	       namespace_here(&here) == 0 && here.cookie == instance->netns_cookie;
}

static bool has_pins(const char *name)
{
	return plane_exists(name, false) || plane_exists(name, true);
}

static int find_at_xdp(__u32 program, void *data)
{
	struct list *list = data;
	_cleanup_plane_ struct plane plane;
	struct instance instance;
	struct lost *lost;

	if (!recover(&plane, program, &instance) || has_pins(instance.name))
		return 0;
	lost = add(list, instance.name);
	if (!lost)
		return -ENOMEM;
	lost->device = instance.device_index;
	lost->program = program;
	lost->held |= tcx_uses_maps(&plane, instance.device_index) ||
		      tcx_uses_maps(&plane, instance.near_index) || tcx_uses_maps(&plane, instance.far_index);
	return 0;
}

static int find_pair(struct list *list, const struct netdev *netdev)
{
	const char *name = pair_owner(netdev);
	struct lost *lost;

	if (!name || has_pins(name))
		return 0;
	lost = add(list, name);
	if (!lost)
		return -ENOMEM;
	lost->held |= tcx_has_ours(netdev->index);
	return 0;
}

int lost_list(struct lost **lost, size_t *n)
{
	_cleanup_free_ struct netdev *netdevs = NULL;
	struct list list = {};
	size_t n_netdevs = 0;
	int err = netdev_list(&netdevs, &n_netdevs);

	for (size_t i = 0; !err && i < n_netdevs; i++) {
		err = netdevs[i].xdp_program ? xdp_each(netdevs[i].index, find_at_xdp, &list) : 0;
		err = err ?: find_pair(&list, &netdevs[i]);
	}
	if (err) {
		free(list.all);
		return fail(-err, "network devices: cannot list them: %s", strerror(-err));
	}
	*lost = list.all;
	*n = list.n;
	return 0;
}

bool lost_exists(const char *name)
{
	_cleanup_free_ struct lost *lost = NULL;
	size_t n = 0;

	if (lost_list(&lost, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(lost[i].name, name) == 0)
			return true;
	return false;
}

bool left_over_exists(const char *name)
{
	return plane_exists(name, true) || (!geteuid() && lost_exists(name));
}

static int teardown_one(const struct lost *lost)
{
	_cleanup_plane_ struct plane plane;
	struct instance instance;
	int err = 0;

	plane_init(&plane);
	if (lost->held) {
		fail(EBUSY, "%s: is up, but its pins are in a BPF file system that is not visible here",
		     lost->name);
		hint("run it in the mount namespace or container where `xdpsec up` was run");
		return -EBUSY;
	}
	if (lost->program && recover(&plane, lost->program, &instance)) {
		snprintf(plane.name, sizeof(plane.name), "%s", lost->name);
		err = teardown(&plane);
	}
	return err ?: pair_delete_by_alias(lost->name);
}

int lost_teardown(const char *name)
{
	_cleanup_free_ struct lost *lost = NULL;
	size_t n = 0;
	int err = lost_list(&lost, &n);

	for (size_t i = 0; !err && i < n; i++)
		if (strcmp(lost[i].name, name) == 0)
			err = teardown_one(&lost[i]);
	return err;
}
