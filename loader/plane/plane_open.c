// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening the maps of an instance that is up, or left: each is compared with what it has to be. */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/owner.h"
#include "plane/map_id.h"
#include "plane/plane.h"
#include "plane/plane_inside.h"
#include "plane/self.h"

/* Compare the maps: one of another version could be misread. */
static int refuse_version(const char *name, bool staged)
{
	struct instance_head head;
	int err = plane_head(name, staged, &head);

	if (err)
		fail(EPROTO, "%s: was started by another version of xdpsec, with other maps", name);
	else
		fail(EPROTO,
		     "%s: was started by another version of xdpsec: %s, with map version %u; this one has %d",
		     name, head.version[0] ? head.version : "unknown version", head.abi_version,
		     XDPSEC_ABI_VERSION);
	hint("`%s down %s` works for every version; then run up again", self(), name);
	return -EPROTO;
}

static bool is_table(const struct bpf_map_info *info, enum plane_map map)
{
	return info->type == plane_tables[map].type && info->key_size == plane_tables[map].key_size &&
	       (info->value_size == plane_tables[map].value_size || !plane_tables[map].value_size) &&
	       info->max_entries == plane_tables[map].entries;
}

static int open_map(struct plane *plane, enum plane_map map)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	plane_pin(plane, "maps", plane_tables[map].name, path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : fail(errno, "%s: cannot open it: %s", path, strerror(errno));
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return fail(errno, "%s: cannot query it: %s", path, strerror(errno));
	if (!is_table(&info, map))
		return -EPROTO;
	plane->maps[map] = take_fd(&fd);
	return 0;
}

/* Check the version, and read the mode. */
static int check_version(struct plane *plane)
{
	struct xdpsec_config config;
	struct instance instance;
	__u32 key = 0;

	if (plane->maps[MAP_INSTANCE] >= 0 &&
	    bpf_map_lookup_elem(plane->maps[MAP_INSTANCE], &key, &instance) == 0 && instance.abi_version) {
		if (instance.abi_version != XDPSEC_ABI_VERSION)
			return -EPROTO;
		plane->mode = instance.mode == MODE_TUNNEL ? MODE_TUNNEL : MODE_INLINE;
		plane->fast = instance.n_fast;
		plane->fast_no_firewall = instance.fast_no_firewall;
	}
	if (plane->maps[MAP_CONFIG] >= 0 &&
	    bpf_map_lookup_elem(plane->maps[MAP_CONFIG], &key, &config) == 0 && config.abi_version &&
	    config.abi_version != XDPSEC_ABI_VERSION)
		return -EPROTO;
	return 0;
}

static int not_up(const char *name)
{
	fail(ENOENT, "%s: is not up", name);
	hint("`%s status` lists the instances that are up; `%s up %s` starts this one", self(), self(), name);
	return -ENOENT;
}

int plane_open_any(struct plane *plane, const char *name, bool staged)
{
	int err, step;

	if (!plane_exists(name, staged))
		return not_up(name);
	plane_set_directory(plane, name, staged);
	err = plane_check_root();
	if (!err)
		err = owner_check_pins(plane->directory);
	if (err == -ENOENT)
		return not_up(name);
	if (err)
		return err;
	for (int i = 0; i < MAP_COUNT; i++) {
		step = open_map(plane, i);
		if (step == -ENOENT)
			step = staged ? 0 : -EPROTO;
		if (step && step != -EPROTO)
			return step;
		err = err ?: step;
	}
	return err ?: check_version(plane);
}

int plane_open(struct plane *plane, const char *name, bool staged)
{
	int err = plane_open_any(plane, name, staged);

	return err == -EPROTO ? refuse_version(name, staged) : err;
}

void plane_open_foreign(struct plane *plane, const char *name, bool staged)
{
	char path[PATH_MAX];

	plane_set_directory(plane, name, staged);
	for (int i = 0; i < MAP_COUNT; i++) {
		if (plane->maps[i] >= 0)
			continue;
		plane_pin(plane, "maps", plane_tables[i].name, path, sizeof(path));
		plane->maps[i] = bpf_obj_get(path);
	}
}

/* The kernel truncates names. */
static bool is_named(const struct bpf_map_info *info, enum plane_map map)
{
	return strncmp(info->name, plane_tables[map].name, sizeof(info->name) - 1) == 0;
}

int plane_open_by_program(struct plane *plane, int program)
{
	__u32 ids[PROGRAM_MAPS_MAX], length;
	size_t n;
	int err = program_map_ids(program, ids, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info info = {};

		length = sizeof(info);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
			return -errno;
		for (enum plane_map map = 0; map < MAP_COUNT; map++)
			if (plane->maps[map] < 0 && is_named(&info, map) && is_table(&info, map))
				plane->maps[map] = take_fd(&fd);
	}
	return plane->maps[MAP_INSTANCE] < 0 ? -ENOENT : check_version(plane);
}
