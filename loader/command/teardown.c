// SPDX-License-Identifier: GPL-2.0-or-later
/* Detaching, releasing keys, saving sequence numbers, and removing pins. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>

#include "agent/agent_status.h"
#include "agent/log.h"
#include "agent/instance_lock.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "command/teardown.h"
#include "device/foreign.h"
#include "device/pair.h"
#include "device/present_name.h"
#include "device/rule.h"
#include "net/namespace.h"
#include "plane/agree.h"
#include "plane/attach.h"
#include "plane/objects.h"
#include "plane/peer.h"
#include "plane/place.h"
#include "plane/self.h"

struct teardown_search {
	const struct plane *plane;
	int err;
};

static bool detach_xdp_there(const char *path, void *data)
{
	struct teardown_search *search = data;
	_cleanup_free_ struct netdev *netdevs = NULL;
	bool found = false;
	size_t n = 0;

	(void)path;
	if (netdev_list(&netdevs, &n))
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		found = netdevs[i].xdp_program &&
			attached_xdp(search->plane, netdevs[i].index).mode != XDP_IN_USE_NONE;
		if (found)
			search->err = detach_xdp(search->plane, netdevs[i].name, netdevs[i].index);
	}
	return found;
}

/* Detach from the device to which it was attached. If that has left this namespace, search the one that it
 * was moved to. */
static int detach_ingress(const struct plane *plane, const struct instance *instance)
{
	struct teardown_search search = { .plane = plane };
	struct netdev device;

	if (netdev_find_index(instance->device_index, &device) == 0)
		return detach_xdp(plane, device.name, instance->device_index);
	if (instance->xdp != XDP_IN_USE_NONE)
		namespace_each_other(detach_xdp_there, &search);
	return search.err;
}

/* Its namespace is gone: the index says nothing. The device may be in any other, and may be in this one. */
static int detach_ingress_anywhere(const struct plane *plane, const struct instance *instance)
{
	struct teardown_search search = { .plane = plane };

	if (instance->xdp != XDP_IN_USE_NONE && !detach_xdp_there("", &search))
		namespace_each_other(detach_xdp_there, &search);
	return search.err;
}

static int detach(const struct plane *plane, const struct instance *instance, enum place place)
{
	int err = 0, step;

	/* Egress first: from then on nothing needs the hop. A tunnel has no such program; its device and
	 * routes go first, so that no packet enters it without a program. */
	step = detach_tcx(plane, plane_programs[PROGRAM_SEAL].name);
	err = err ?: step;
	if (place == PLACE_HERE) {
		step = pair_delete(plane, instance);
		err = err ?: step;
		step = rules_delete(instance->table);
		err = err ?: step;
	}
	step = plane_each_link(plane, detach_tcx);
	err = err ?: step;
	/* The user detaches programs attached by hand. */
	if (!instance->no_attach) {
		step = place == PLACE_HERE ? detach_ingress(plane, instance)
					   : detach_ingress_anywhere(plane, instance);
		err = err ?: step;
	}
	return err;
}

/* Programs that somebody attached by hand continue to run. Without contexts they drop. */
static int release_keys(struct plane *plane)
{
	struct sa_slots slots;
	int err = objects_load_sa(plane), step;

	if (!err)
		err = sa_slots_read(plane, &slots);
	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++) {
		if (!slots.used[slot])
			continue;
		step = sa_remove(plane, slot);
		err = err ?: step;
	}
	return err;
}

/*
 * Count the programs that somebody attached by hand. Those that `down` has just unpinned exist until the kernel has
 * dropped their last reference, after an RCU grace period and from a work queue (kernel/bpf/inode.c,
 * bpf_free_inode()). So what is counted is what is left when the number has not fallen for 0.3 s.
 */
static int programs_left(const struct plane *plane)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int before = programs_of(plane), programs;

	for (int same = 0; before && same < 15; same++) {
		nanosleep(&pause, NULL);
		programs = programs_of(plane);
		if (programs != before)
			same = 0;
		before = programs;
	}
	return before;
}

static void warn_of_attached(struct plane *plane, const struct instance *instance)
{
	int programs;

	plane_unload(plane);
	programs = programs_left(plane);
	if (!programs)
		return;
	warning("%s: %d program%s attached by hand %s still on a device, and now drop%s the protected flows",
		plane->name, programs, programs == 1 ? "" : "s", programs == 1 ? "is" : "are",
		programs == 1 ? "s" : "");
	/* Others may have filters there. */
	hint("`%stc filter show dev %s egress` shows the PREF for `tc filter del dev %s egress pref PREF`; "
	     "`xdp-loader status %s` shows the ID for `xdp-loader unload %s --id ID`; or `ip link set dev %s "
	     "xdp off`",
	     self_enter(), instance->device, instance->device, instance->device, instance->device,
	     instance->device);
}

static bool has_maps(const struct plane *plane)
{
	for (int i = 0; i < MAP_COUNT; i++)
		if (plane->maps[i] < 0)
			return false;
	return true;
}

/* Reverse of `up`: egress, hop, ingress, keys, pins. */
static int take_down(struct plane *plane, const struct instance *instance, enum place place)
{
	int err = plane_withdraw(plane), step;

	if (err)
		return err;
	err = detach(plane, instance, place);
	if (has_maps(plane)) {
		step = agree_disown(plane);
		err = err ?: step;
		step = release_keys(plane);
		err = err ?: step;
		/* The next number is the first unused one only when nobody can be sealing any more. */
		step = kernel_wait_for_programs();
		err = err ?: step;
		if (!step)
			peer_save(plane, instance->state_dir);
	}
	step = plane_remove(plane);
	if (instance->no_attach)
		warn_of_attached(plane, instance);
	return err ?: step;
}

/* The agent first: it would go on to install keys, and its descriptors would keep them. */
static int end_and_take_down(struct plane *plane, const struct instance *instance, enum place place)
{
	_cleanup_close_ int lock = -1;
	int err = instance_lock_from_agent(plane, INSTANCE_ENDS, &lock);

	if (!err)
		err = take_down(plane, instance, place);
	if (err)
		return err;
	log_remove(instance->name);
	agent_status_remove(instance->name);
	return 0;
}

/* `up` was killed before it wrote `instance`, so it has changed nothing outside the pin directory. */
static bool instance_is_blank(const struct plane *plane, struct instance *instance)
{
	__u32 key = 0;

	return plane->maps[MAP_INSTANCE] < 0 ||
	       bpf_map_lookup_elem(plane->maps[MAP_INSTANCE], &key, instance) || !instance->name[0];
}

int teardown(struct plane *plane)
{
	struct instance instance;
	enum place place;
	int err;

	if (instance_is_blank(plane, &instance))
		return plane_remove(plane);
	err = place_find(plane, &instance, &place);
	if (err)
		return err;
	if (place == PLACE_ELSEWHERE)
		return place_refuse(&instance, "down", "");
	/* The hints have the present names. */
	if (place == PLACE_HERE)
		present_names(plane, &instance);
	return end_and_take_down(plane, &instance, place);
}

int teardown_leftover(const char *name)
{
	_cleanup_plane_ struct plane plane;
	struct instance_head head;
	int err, back = -1;

	plane_init(&plane);
	if (!plane_exists(name, true))
		return 0;
	err = plane_open_any(&plane, name, true);
	if (err && err != -EPROTO)
		return err;
	if (plane_head(name, true, &head) == 0 && head.netns_cookie)
		namespace_enter(head.netns_inode, head.netns_cookie, &back);
	err = err ? foreign_teardown(name, true) : teardown(&plane);
	namespace_leave(&back);
	return err;
}
