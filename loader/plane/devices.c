// SPDX-License-Identifier: GPL-2.0-or-later
/* The maps "devices" and "device_slots" of an instance. */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/message.h"
#include "plane/devices.h"

int devices_prepare(struct plane *plane)
{
	__u32 key = 0;

	if (plane->maps[MAP_DEVICE_SLOTS] < 0) {
		int fd = bpf_map_create(BPF_MAP_TYPE_DEVMAP, plane_map_name(MAP_DEVICE_SLOTS), 4, 4,
					XDPSEC_DEVICE_COUNT, NULL);

		if (fd < 0)
			return fail(-fd, "map %s: cannot create it: %s", plane_map_name(MAP_DEVICE_SLOTS),
				    strerror(-fd));
		plane->maps[MAP_DEVICE_SLOTS] = fd;
	}
	return plane_write(plane, MAP_DEVICES, &key, &plane->maps[MAP_DEVICE_SLOTS]);
}

int devices_set(const struct plane *plane, enum xdpsec_device which, unsigned int index)
{
	__u32 key = which;

	return plane_write(plane, MAP_DEVICE_SLOTS, &key, &index);
}

unsigned int devices_get(const struct plane *plane, enum xdpsec_device which)
{
	__u32 key = which, index;

	return bpf_map_lookup_elem(plane->maps[MAP_DEVICE_SLOTS], &key, &index) ? 0 : index;
}
