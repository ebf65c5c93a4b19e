// SPDX-License-Identifier: GPL-2.0-or-later
/* Listing the instances on a device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "net/namespace.h"
#include "plane/map_id.h"
#include "plane/plane.h"
#include "plane/sharers.h"

struct sharer_search {
	struct sharers *sharers;
	unsigned int device;
	__u64 netns_cookie;
	bool staged;
};

static int open_map_of(const char *name, bool staged, const char *map)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PLANE_ROOT "/%s%s/maps/%s", staged ? "_" : "", name, map);
	return bpf_obj_get(path);
}

static __u32 drops_map(const char *name, bool staged)
{
	_cleanup_close_ int fd = open_map_of(name, staged, plane_map_name(MAP_DROPS));

	return map_id(fd);
}

/* Has the kernel emptied the device's element, as the device was deleted or left the namespace
 * (devices.h)? Another device may have its index now. Without that map it is not known. */
static bool has_lost_device(const char *name, bool staged, __u32 key)
{
	_cleanup_close_ int fd = open_map_of(name, staged, plane_map_name(MAP_DEVICE_SLOTS));
	__u32 index;

	return fd >= 0 && bpf_map_lookup_elem(fd, &key, &index);
}

static int read_instance(const char *name, struct sharer *sharer)
{
	struct instance *instance = &sharer->instance;
	struct instance_head head;
	int err = plane_peek(name, sharer->staged, instance);

	if (err != -EPROTO)
		return err;
	err = plane_head(name, sharer->staged, &head);
	if (err)
		return err;
	sharer->foreign = true;
	memset(instance, 0, sizeof(*instance));
	snprintf(instance->name, sizeof(instance->name), "%s", name);
	instance->device_index = head.device_index;
	instance->netns_cookie = head.netns_cookie;
	return 0;
}

static bool has_in_fast_path(const struct sharer *sharer, const char *name, unsigned int device)
{
	const struct instance *instance = &sharer->instance;

	for (__u32 i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++)
		if (instance->fast_index[i] == device &&
		    !has_lost_device(name, sharer->staged, XDPSEC_DEVICE_FAST + i))
			return true;
	return false;
}

static int add_sharer(const char *name, void *data)
{
	struct sharer_search *search = data;
	struct sharers *sharers = search->sharers;
	struct sharer *list = realloc(sharers->list, (sharers->n + 1) * sizeof(*list)), *sharer;

	if (!list)
		return fail(ENOMEM, "out of memory");
	sharers->list = list;
	sharer = &list[sharers->n];
	*sharer = (struct sharer){ .staged = search->staged };
	if (read_instance(name, sharer)) {
		/* An instance that is only begun is on no device. */
		if (!search->staged)
			snprintf(sharers->unknown, sizeof(sharers->unknown), "%s", name);
		return 0;
	}
	if (sharer->instance.netns_cookie == search->netns_cookie) {
		sharer->here = sharer->instance.device_index == search->device &&
			       !has_lost_device(name, search->staged, XDPSEC_DEVICE_PROTECTED);
		sharer->fast = has_in_fast_path(sharer, name, search->device);
	}
	sharer->drops_map = drops_map(name, search->staged);
	sharers->n++;
	return 0;
}

int sharers_find(struct sharers *sharers, unsigned int device)
{
	struct sharer_search search = { .sharers = sharers, .device = device };
	struct namespace here;
	int err = namespace_here(&here);

	memset(sharers, 0, sizeof(*sharers));
	search.netns_cookie = here.cookie;
	if (!err)
		err = plane_each(false, add_sharer, &search);
	search.staged = true;
	return err ?: plane_each(true, add_sharer, &search);
}

void sharers_free(struct sharers *sharers)
{
	free(sharers->list);
	memset(sharers, 0, sizeof(*sharers));
}

const struct sharer *sharers_next(const struct sharers *sharers, const char *name, const struct sharer *after)
{
	const struct sharer *sharer = after ? after + 1 : sharers->list, *end = sharers->list + sharers->n;

	while (sharer < end && (!sharer->here || strcmp(sharer->instance.name, name) == 0))
		sharer++;
	return sharer < end ? sharer : NULL;
}

const struct sharer *sharers_fast(const struct sharers *sharers, const char *name)
{
	for (const struct sharer *sharer = sharers->list; sharer < sharers->list + sharers->n; sharer++)
		if (sharer->fast && strcmp(sharer->instance.name, name) != 0)
			return sharer;
	return NULL;
}
