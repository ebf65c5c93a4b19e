// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "message.h"
#include "objects.h"
#include "decapsulate.skel.h"
#include "decapsulate_next.skel.h"
#include "encapsulate.skel.h"
#include "hop.skel.h"
#include "keepalive.skel.h"
#include "open.skel.h"
#include "open_next.skel.h"
#include "sa.skel.h"
#include "seal.skel.h"
#include "selftest.skel.h"

/* The maps of an instance are found by their pins. */
static void options_for(const struct plane *plane, struct bpf_object_open_opts *options, char *root,
			size_t size)
{
	memset(options, 0, sizeof(*options));
	options->sz = sizeof(*options);
	if (!plane->directory[0])
		return;
	snprintf(root, size, "%s/maps", plane->directory);
	options->pin_root_path = root;
}

static enum plane_map map_by_name(const char *name)
{
	enum plane_map map;

	for (map = 0; map < MAP_COUNT; map++)
		if (strcmp(plane_map_name(map), name) == 0)
			break;
	return map;
}

/* Without pins: every object gets the maps of the first. */
static int share_maps(const struct plane *plane, struct bpf_object *object)
{
	struct bpf_map *map;
	enum plane_map known;
	int err;

	if (plane->directory[0])
		return 0;
	bpf_object__for_each_map (map, object) {
		known = map_by_name(bpf_map__name(map));
		if (known == MAP_COUNT)
			continue;
		err = bpf_map__set_pin_path(map, NULL);
		if (!err && plane->maps[known] >= 0)
			err = bpf_map__reuse_fd(map, plane->maps[known]);
		if (err)
			return err;
	}
	return 0;
}

static int keep_maps(struct plane *plane, struct bpf_object *object)
{
	struct bpf_map *map;
	enum plane_map known;

	bpf_object__for_each_map (map, object) {
		known = map_by_name(bpf_map__name(map));
		if (known == MAP_COUNT || plane->maps[known] >= 0)
			continue;
		plane->maps[known] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
		if (plane->maps[known] < 0)
			return -errno;
	}
	return 0;
}

static int load_failed(const char *what, const char *object, int err)
{
	fail(-err, "%s: cannot %s it: %s", object, what, strerror(-err));
	bpf_log_show();
	return err;
}

static int load_object(struct plane *plane, struct bpf_object *object, const char *name)
{
	int err = share_maps(plane, object);

	if (!err)
		err = bpf_object__load(object);
	if (!err)
		err = keep_maps(plane, object);
	return err ? load_failed("load", name, err) : 0;
}

int objects_load_sa(struct plane *plane)
{
	struct bpf_object_open_opts options;
	char root[PATH_MAX];

	if (plane->sa)
		return 0;
	options_for(plane, &options, root, sizeof(root));
	plane->sa = sa_bpf__open_opts(&options);
	if (!plane->sa)
		return load_failed("open", "sa.bpf.o", -errno);
	return load_object(plane, plane->sa->obj, "sa.bpf.o");
}

static int load_inline(struct plane *plane, const struct bpf_object_open_opts *options)
{
	int err;

	plane->seal = seal_bpf__open_opts(options);
	plane->hop = plane->seal ? hop_bpf__open_opts(options) : NULL;
	plane->open = plane->hop ? open_bpf__open_opts(options) : NULL;
	if (!plane->open)
		return load_failed("open", "the data plane", -errno);
	err = load_object(plane, plane->seal->obj, "seal.bpf.o");
	if (!err)
		err = load_object(plane, plane->hop->obj, "hop.bpf.o");
	return err ?: load_object(plane, plane->open->obj, "open.bpf.o");
}

static int load_tunnel(struct plane *plane, const struct bpf_object_open_opts *options)
{
	int err;

	plane->encapsulate = encapsulate_bpf__open_opts(options);
	plane->keepalive = plane->encapsulate ? keepalive_bpf__open_opts(options) : NULL;
	plane->decapsulate = plane->keepalive ? decapsulate_bpf__open_opts(options) : NULL;
	if (!plane->decapsulate)
		return load_failed("open", "the data plane", -errno);
	err = load_object(plane, plane->encapsulate->obj, "encapsulate.bpf.o");
	if (!err)
		err = load_object(plane, plane->keepalive->obj, "keepalive.bpf.o");
	return err ?: load_object(plane, plane->decapsulate->obj, "decapsulate.bpf.o");
}

int objects_load_data(struct plane *plane)
{
	struct bpf_object_open_opts options;
	char root[PATH_MAX];

	options_for(plane, &options, root, sizeof(root));
	return plane->mode == MODE_TUNNEL ? load_tunnel(plane, &options) : load_inline(plane, &options);
}

int objects_load_selftest(struct plane *plane, struct selftest_bpf **selftest)
{
	struct bpf_object_open_opts options;
	char root[PATH_MAX];

	options_for(plane, &options, root, sizeof(root));
	*selftest = selftest_bpf__open_opts(&options);
	if (!*selftest)
		return load_failed("open", "selftest.bpf.o", -errno);
	return load_object(plane, (*selftest)->obj, "selftest.bpf.o");
}

/* By mode, and whether there is a next program. */
static const struct {
	const char *name, *file;
	const void *(*bytes)(size_t *size);
} xdp_objects[][2] = {
	[MODE_INLINE] = { { "open", "open.bpf.o", open_bpf__elf_bytes },
			  { "open_next", "open_next.bpf.o", open_next_bpf__elf_bytes } },
	[MODE_TUNNEL] = { { "decapsulate", "decapsulate.bpf.o", decapsulate_bpf__elf_bytes },
			  { "decapsulate_next", "decapsulate_next.bpf.o", decapsulate_next_bpf__elf_bytes } },
};

static int open_xdp(const struct plane *plane, bool with_next, struct bpf_object **object)
{
	struct bpf_object_open_opts options;
	char root[PATH_MAX];
	size_t size;
	const void *bytes = xdp_objects[plane->mode][with_next].bytes(&size);
	const char *file = xdp_objects[plane->mode][with_next].file;
	int err;

	options_for(plane, &options, root, sizeof(root));
	options.object_name = xdp_objects[plane->mode][with_next].name;
	*object = bpf_object__open_mem(bytes, size, &options);
	if (!*object)
		return load_failed("open", file, -errno);
	err = share_maps(plane, *object);
	if (err) {
		bpf_object__close(*object);
		*object = NULL;
		return load_failed("open", file, err);
	}
	return 0;
}

int objects_open_xdp(const struct plane *plane, struct bpf_object **object)
{
	return open_xdp(plane, false, object);
}

int objects_load_xdp(const struct plane *plane, bool with_next, struct bpf_object **object)
{
	int err = open_xdp(plane, with_next, object);

	if (err)
		return err;
	err = bpf_object__load(*object);
	if (!err)
		return 0;
	bpf_object__close(*object);
	*object = NULL;
	return load_failed("load", xdp_objects[plane->mode][with_next].file, err);
}

static int pin_program(const struct plane *plane, const struct bpf_program *program, const char *name)
{
	char path[PATH_MAX];

	plane_pin(plane, "programs", name, path, sizeof(path));
	if (bpf_obj_pin(bpf_program__fd(program), path))
		return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	return 0;
}

int objects_pin(const struct plane *plane)
{
	int err;

	if (plane->mode == MODE_TUNNEL) {
		err = pin_program(plane, plane->encapsulate->progs.xdpsec_encapsulate, "encapsulate");
		if (!err)
			err = pin_program(plane, plane->keepalive->progs.xdpsec_keepalive, "keepalive");
		return err ?: pin_program(plane, plane->decapsulate->progs.xdpsec_decapsulate, "decapsulate");
	}
	err = pin_program(plane, plane->seal->progs.xdpsec_seal, "seal");
	if (!err)
		err = pin_program(plane, plane->hop->progs.xdpsec_hop, "hop");
	return err ?: pin_program(plane, plane->open->progs.xdpsec_open, "open");
}

void objects_close(struct plane *plane)
{
	sa_bpf__destroy(plane->sa);
	seal_bpf__destroy(plane->seal);
	hop_bpf__destroy(plane->hop);
	open_bpf__destroy(plane->open);
	encapsulate_bpf__destroy(plane->encapsulate);
	keepalive_bpf__destroy(plane->keepalive);
	decapsulate_bpf__destroy(plane->decapsulate);
	plane->sa = NULL;
	plane->seal = NULL;
	plane->hop = NULL;
	plane->open = NULL;
	plane->encapsulate = NULL;
	plane->keepalive = NULL;
	plane->decapsulate = NULL;
}
