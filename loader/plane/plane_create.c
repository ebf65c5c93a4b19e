// SPDX-License-Identifier: GPL-2.0-or-later
/* The pins of an instance: they are made under one name, renamed, and removed. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/array.h"
#include "base/message.h"
#include "plane/plane.h"
#include "plane/plane_inside.h"

static int create_map(struct plane *plane, enum plane_map map)
{
	char path[PATH_MAX];
	/* Most slots are free for ever. */
	LIBBPF_OPTS(bpf_map_create_opts, options,
		    .map_flags = plane_tables[map].type == BPF_MAP_TYPE_HASH ? BPF_F_NO_PREALLOC : 0);
	int fd = bpf_map_create(plane_tables[map].type, plane_tables[map].name, plane_tables[map].key_size,
				plane_tables[map].value_size, plane_tables[map].entries, &options);

	if (fd < 0)
		return fail(-fd, "map %s: cannot create it: %s", plane_tables[map].name, strerror(-fd));
	plane->maps[map] = fd;
	plane_pin(plane, "maps", plane_tables[map].name, path, sizeof(path));
	if (bpf_obj_pin(fd, path))
		return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	return 0;
}

int plane_create(struct plane *plane, const char *name)
{
	static const char *const kinds[] = { "", "/maps", "/programs", "/links" };
	char path[PATH_MAX];
	int err;

	plane_set_directory(plane, name, true);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "%s%s", plane->directory, kinds[i]);
		if (mkdir(path, 0700) < 0)
			return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
	}
	err = create_map(plane, MAP_INSTANCE);
	if (!err)
		err = create_map(plane, MAP_DEVICE_SLOTS);
	if (!err)
		err = create_map(plane, MAP_FAST_DEVICES);
	if (!err)
		err = create_map(plane, MAP_FAST_PACKETS);
	if (!err)
		err = create_map(plane, MAP_PEER_RECORDS);
	return err ?: create_map(plane, MAP_SLOTS);
}

int plane_link_for_iproute2(const struct plane *plane)
{
	static const char *const kinds[] = { "tc", "xdp" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "%s/%s", plane->directory, kinds[i]);
		if (mkdir(path, 0700) < 0)
			return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
		plane_pin(plane, kinds[i], "globals", path, sizeof(path));
		if (symlink("../maps", path) < 0)
			return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
	}
	return 0;
}

static int rename_to(struct plane *plane, bool staged)
{
	char before[NAME_MAX];

	if (!plane->directory[0])
		return 0;
	snprintf(before, sizeof(before), "%s", plane->directory);
	plane_set_directory(plane, plane->name, staged);
	if (strcmp(before, plane->directory) == 0 ||
	    renameat2(AT_FDCWD, before, AT_FDCWD, plane->directory, RENAME_NOREPLACE) == 0)
		return 0;
	plane_set_directory(plane, plane->name, !staged);
	return fail(errno, "%s: cannot rename it: %s", plane->directory, strerror(errno));
}

int plane_publish(struct plane *plane)
{
	return rename_to(plane, false);
}

int plane_withdraw(struct plane *plane)
{
	return rename_to(plane, true);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int plane_remove(struct plane *plane)
{
	if (plane->directory[0] &&
	    nftw(plane->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT)
		return fail(errno, "%s: cannot remove it: %s", plane->directory, strerror(errno));
	return 0;
}
