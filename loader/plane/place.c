// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing the network namespace of a command with that of the instance. */
#include <errno.h>

#include "base/message.h"
#include "net/namespace.h"
#include "plane/attach.h"
#include "plane/place.h"

/* Is the instance's device still here? An ifindex of 0 in a link means that it is gone; without a link it
 * is not known. */
static bool on_device(const struct plane *plane)
{
	unsigned int index;

	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (attached_tcx(plane, i, &index) == 0 && index)
			return true;
	return false;
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
	else if (!on_device(plane))
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
