// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing the network namespace of a command with that of the instance. */
#include <errno.h>

#include "base/message.h"
#include "net/namespace.h"
#include "plane/attach.h"
#include "plane/place.h"
#include "plane/self.h"

/* Is a device of the instance still somewhere, and not in this namespace? An ifindex of 0 in a link means that it is
 * gone; without a link it is not known. */
static bool on_device_elsewhere(const struct plane *plane)
{
	bool elsewhere = false;
	unsigned int index;

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		if (attached_tcx(plane, i, &index) || !index)
			continue;
		if (attached_tcx_here(plane, i))
			return false;
		elsewhere = true;
	}
	return elsewhere;
}

int place_find(const struct plane *plane, const struct instance *instance, enum place *place)
{
	struct namespace here;
	int back, err = namespace_here(&here);

	if (err)
		return err;
	*place = PLACE_HERE;
	if (here.cookie == instance->netns_cookie)
		return 0;
	*place = PLACE_ELSEWHERE;
	if (namespace_enter(instance->netns_inode, instance->netns_cookie, &back) == 0)
		namespace_leave(&back);
	else if (!on_device_elsewhere(plane))
		*place = PLACE_GONE;
	return 0;
}

int place_refuse(const struct instance *instance, const char *command, const char *arguments)
{
	const char *blank = arguments[0] ? " " : "";
	char path[300], name[256];

	if (instance->device[0])
		fail(EXDEV, "%s: is up in another network namespace, where its device %s is", instance->name,
		     instance->device);
	else
		fail(EXDEV, "%s: is up in another network namespace", instance->name);
	if (namespace_find(instance->netns_inode, path, sizeof(path), name, sizeof(name)))
		hint("xdpsec -n %s %s %s%s%s", name[0] ? name : path, command, instance->name, blank,
		     arguments);
	else
		hint("`lsns -t net` lists namespaces; there: xdpsec %s %s%s%s", command, instance->name,
		     blank, arguments);
	return -EXDEV;
}

static int refuse_gone(const struct instance *instance)
{
	if (instance->device[0])
		fail(ENODEV, "%s: the network namespace of its device %s is gone, or cannot be found",
		     instance->name, instance->device);
	else
		fail(ENODEV, "%s: its network namespace is gone, or cannot be found", instance->name);
	hint("%s down %s", self(), instance->name);
	return -ENODEV;
}

int place_check(const struct plane *plane, const struct instance *instance, const char *command,
		const char *arguments)
{
	enum place place;
	int err = place_find(plane, instance, &place);

	if (err || place == PLACE_HERE)
		return err;
	return place == PLACE_GONE ? refuse_gone(instance) : place_refuse(instance, command, arguments);
}
