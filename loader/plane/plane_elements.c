// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing the elements of a data plane's maps, with a message that names the map. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/plane.h"

static const __u32 entries_of[MAP_COUNT] = {
#define PLANE_ENTRIES(id, name, type, key_size, value_size, entries) [MAP_##id] = (entries),
	PLANE_MAPS(PLANE_ENTRIES)
#undef PLANE_ENTRIES
};

int plane_read(const struct plane *plane, enum plane_map map, const void *key, void *value)
{
	if (bpf_map_lookup_elem(plane->maps[map], key, value))
		return fail(errno, "%s: map %s: cannot read it: %s", plane->name, plane_map_name(map),
			    strerror(errno));
	return 0;
}

int plane_read_drops(const struct plane *plane, __u64 drops[XDPSEC_DROP_COUNT])
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	_cleanup_free_ __u64 *counts = cpus > 0 ? calloc((size_t)cpus, sizeof(*counts)) : NULL;

	if (!counts)
		return fail(ENOMEM, "out of memory");
	for (__u32 i = 0; !err && i < XDPSEC_DROP_COUNT; i++) {
		err = plane_read(plane, MAP_DROPS, &i, counts);
		drops[i] = 0;
		for (int cpu = 0; !err && cpu < cpus; cpu++)
			drops[i] += counts[cpu];
	}
	return err;
}

int plane_write(const struct plane *plane, enum plane_map map, const void *key, const void *value)
{
	if (bpf_map_update_elem(plane->maps[map], key, value, BPF_ANY))
		return fail(errno, "%s: map %s: cannot write it: %s", plane->name, plane_map_name(map),
			    strerror(errno));
	return 0;
}

bool plane_next(const struct plane *plane, enum plane_map map, bool first, void *key)
{
	return bpf_map_get_next_key(plane->maps[map], first ? NULL : key, key) == 0;
}

/* Single calls for a thousand peers would take most of the time of `up` and `status`. */
int plane_read_all(const struct plane *plane, enum plane_map map, void *values)
{
	_cleanup_free_ __u32 *keys = calloc(entries_of[map], sizeof(*keys));
	__u32 count = entries_of[map], batch;

	if (!keys)
		return fail(ENOMEM, "out of memory");
	if (bpf_map_lookup_batch(plane->maps[map], NULL, &batch, keys, values, &count, NULL) &&
	    errno != ENOENT)
		return fail(errno, "%s: map %s: cannot read it: %s", plane->name, plane_map_name(map),
			    strerror(errno));
	if (count != entries_of[map])
		return fail(EIO, "%s: map %s: read only %u of %u elements", plane->name, plane_map_name(map),
			    count, entries_of[map]);
	return 0;
}

int plane_write_all(const struct plane *plane, enum plane_map map, const void *values)
{
	_cleanup_free_ __u32 *keys = calloc(entries_of[map], sizeof(*keys));
	__u32 count = entries_of[map];

	if (!keys)
		return fail(ENOMEM, "out of memory");
	for (__u32 i = 0; i < count; i++)
		keys[i] = i;
	if (bpf_map_update_batch(plane->maps[map], keys, values, &count, NULL))
		return fail(errno, "%s: map %s: cannot write it: %s", plane->name, plane_map_name(map),
			    strerror(errno));
	return 0;
}

int plane_read_instance(const struct plane *plane, struct instance *instance)
{
	__u32 key = 0;

	return plane_read(plane, MAP_INSTANCE, &key, instance);
}

int plane_write_instance(const struct plane *plane, const struct instance *instance)
{
	__u32 key = 0;

	return plane_write(plane, MAP_INSTANCE, &key, instance);
}

int plane_write_peer(const struct plane *plane, __u32 index, const struct peer_record *record)
{
	return plane_write(plane, MAP_PEER_RECORDS, &index, record);
}
