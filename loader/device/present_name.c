// SPDX-License-Identifier: GPL-2.0-or-later
/* The present names of an instance's devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "device/present_name.h"
#include "net/netlink.h"
#include "plane/devices.h"
#include "plane/self.h"

static void present_name(const struct plane *plane, enum xdpsec_device which, unsigned int index,
			 char name[IF_NAMESIZE])
{
	struct netdev device;

	if (index && devices_get(plane, which) == index && netdev_find_index(index, &device) == 0)
		memcpy(name, device.name, IF_NAMESIZE);
}

void present_names(const struct plane *plane, struct instance *instance)
{
	present_name(plane, XDPSEC_DEVICE_PROTECTED, instance->device_index, instance->device);
	for (unsigned int i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++)
		present_name(plane, XDPSEC_DEVICE_FAST + i, instance->fast_index[i], instance->fast[i]);
}

const char *fast_path_text(const struct instance *instance, char text[FAST_PATH_TEXT])
{
	size_t used = 0;

	snprintf(text, FAST_PATH_TEXT, "none");
	for (__u32 i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++)
		used += (size_t)snprintf(text + used, FAST_PATH_TEXT - used, "%s%s", i ? ", " : "",
					 instance->fast[i]);
	return text;
}

/* One device of a keyword, whose whole value is to be that. */
struct naming {
	int line;
	const char *keyword, *value;
};

static int check_present_name(const struct config *config, const struct naming *naming, const char *name,
			      const char *recorded, const char *present)
{
	if (strcmp(recorded, present) == 0 || strcmp(name, recorded) != 0)
		return 0;
	fail(ENODEV, "%s:%d: %s: %s is now called %s", config->path, naming->line, naming->keyword, name,
	     present);
	hint("%s = %s, then %s reload %s", naming->keyword, naming->value, self(), config->name);
	return -ENODEV;
}

int present_names_check(const struct config *config, const struct instance *recorded,
			const struct instance *present)
{
	const struct tunnel_config *tunnel = &config->tunnel;
	char text[FAST_PATH_TEXT];
	const struct naming device = { config->device_line, "Device", present->device },
			    fast = { tunnel->fast_line, "FastPath", fast_path_text(present, text) };
	int err = check_present_name(config, &device, config->device, recorded->device, present->device),
	    step;

	for (size_t i = 0; i < tunnel->n_fast && i < recorded->n_fast && i < FAST_DEVICES_MAX; i++) {
		step = check_present_name(config, &fast, tunnel->fast[i], recorded->fast[i],
					  present->fast[i]);
		err = err ?: step;
	}
	return err;
}
