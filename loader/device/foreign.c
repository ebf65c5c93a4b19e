// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking down what another version has made, by what every version has in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "device/foreign.h"
#include "device/pair.h"
#include "plane/attach.h"
#include "plane/place.h"

static int detach_xdp_everywhere(const struct plane *plane)
{
	_cleanup_free_ struct netdev *netdevs = NULL;
	size_t n = 0;
	int err = netdev_list(&netdevs, &n), step;

	if (err)
		return fail(-err, "%s: cannot list the network devices: %s", plane->name, strerror(-err));
	for (size_t i = 0; i < n; i++) {
		if (!netdevs[i].xdp_program)
			continue;
		step = detach_xdp(plane, netdevs[i].name, netdevs[i].index);
		err = err ?: step;
	}
	return err;
}

/* An update of an element releases the context in it (docs/architecture.md, "Maps"). Programs attached by
 * hand then drop their packets. */
static int release_contexts(const struct plane *plane)
{
	int fd = plane->maps[MAP_CONTEXTS];
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	_cleanup_free_ char *zero = NULL;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) || info.type != BPF_MAP_TYPE_ARRAY)
		return 0;
	zero = calloc(1, info.value_size);
	if (!zero)
		return fail(ENOMEM, "out of memory");
	for (__u32 i = 0; i < info.max_entries; i++)
		if (bpf_map_update_elem(fd, &i, zero, BPF_ANY))
			return fail(errno, "%s: cannot release its contexts: %s", plane->name,
				    strerror(errno));
	return 0;
}

/* Fill the fields that place.h reads. */
static void describe_foreign(struct instance *instance, const char *name, bool staged)
{
	struct instance_head head = {};

	plane_head(name, staged, &head);
	snprintf(instance->name, sizeof(instance->name), "%s", name);
	instance->device_index = head.device_index;
	instance->netns_cookie = head.netns_cookie;
	instance->netns_inode = head.netns_inode;
}

static int find_place(const struct plane *plane, const struct instance *instance, enum place *place)
{
	/* `up` was killed before it wrote `instance`. */
	if (!instance->netns_cookie) {
		*place = PLACE_HERE;
		return 0;
	}
	return place_find(plane, instance, place);
}

static int take_down_foreign(struct plane *plane, enum place place)
{
	int err = plane_withdraw(plane), step;

	if (err)
		return err;
	if (place == PLACE_HERE)
		err = pair_delete_by_alias(plane->name);
	step = plane_each_link(plane, detach_tcx);
	err = err ?: step;
	step = detach_xdp_everywhere(plane);
	err = err ?: step;
	step = release_contexts(plane);
	err = err ?: step;
	step = kernel_wait_for_programs();
	err = err ?: step;
	step = plane_remove(plane);
	return err ?: step;
}

int foreign_teardown(const char *name, bool staged)
{
	_cleanup_plane_ struct plane plane;
	struct instance instance = {};
	enum place place;
	int err;

	plane_init(&plane);
	plane_open_foreign(&plane, name, staged);
	describe_foreign(&instance, name, staged);
	err = find_place(&plane, &instance, &place);
	if (err)
		return err;
	if (place == PLACE_ELSEWHERE)
		return place_refuse(&instance, "down", "");
	warning("%s: was started by another version of xdpsec: packets received until now could be replayed "
		"after the next start, and unused sequence numbers are lost",
		name);
	return take_down_foreign(&plane, place);
}
