// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening and loading the BPF objects, which are in the executable, with the maps of a plane. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/message.h"
#include "plane/objects.h"
#include "agree.skel.h"
#include "decapsulate.skel.h"
#include "decapsulate_fast.skel.h"
#include "decapsulate_fast_next.skel.h"
#include "decapsulate_next.skel.h"
#include "encapsulate.skel.h"
#include "encapsulate_fast.skel.h"
#include "fast_encapsulate.skel.h"
#include "fork.skel.h"
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

/* Give the object the maps of the first one, if there are no pins that do. */
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
	fail(-err, "%s.bpf.o: cannot %s it: %s", object, what, strerror(-err));
	bpf_log_show();
	return err;
}

/* NAME.bpf.o in this executable (bpftool gen skeleton). */
struct image {
	const char *name;
	const void *(*bytes)(size_t *size);
};

static const struct image images[PROGRAM_COUNT] = {
#define PLANE_IMAGE(id, name, ...) [PROGRAM_##id] = { #name, name##_bpf__elf_bytes },
	PLANE_PROGRAMS(PLANE_IMAGE)
#undef PLANE_IMAGE
};

/* Indexed by mode: programs that call another one for packets that they let pass (xdp/next.bpf.h). */
static const struct image images_with_next[] = {
	[MODE_INLINE] = { "open_next", open_next_bpf__elf_bytes },
	[MODE_TUNNEL] = { "decapsulate_next", decapsulate_next_bpf__elf_bytes },
};

/* The programs of an instance with a fast path, where they differ. */
static const struct image fast_images[PROGRAM_COUNT] = {
	[PROGRAM_ENCAPSULATE] = { "encapsulate_fast", encapsulate_fast_bpf__elf_bytes },
	[PROGRAM_DECAPSULATE] = { "decapsulate_fast", decapsulate_fast_bpf__elf_bytes },
};
static const struct image fast_image_with_next = { "decapsulate_fast_next",
						   decapsulate_fast_next_bpf__elf_bytes };
static const struct image fast_image = { "fast_encapsulate", fast_encapsulate_bpf__elf_bytes };

static const struct image sa_image = { "sa", sa_bpf__elf_bytes };
static const struct image agree_image = { "agree", agree_bpf__elf_bytes };
static const struct image fork_image = { "fork", fork_bpf__elf_bytes };
static const struct image selftest_image = { "selftest", selftest_bpf__elf_bytes };

static int open_image(const struct plane *plane, const struct image *image, struct bpf_object **object)
{
	struct bpf_object_open_opts options;
	char root[PATH_MAX];
	size_t size;
	const void *bytes = image->bytes(&size);
	int err;

	options_for(plane, &options, root, sizeof(root));
	options.object_name = image->name;
	*object = bpf_object__open_mem(bytes, size, &options);
	if (!*object)
		return load_failed("open", image->name, -errno);
	err = share_maps(plane, *object);
	if (err) {
		bpf_object__close(*object);
		*object = NULL;
		return load_failed("open", image->name, err);
	}
	return 0;
}

/* The constants of a program of the fast path (xdpsec/fast.bpf.h). Other programs have none of this size. */
static int set_fast(struct bpf_object *object, const struct xdpsec_fast_settings *settings)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object)
		if (strstr(bpf_map__name(map), ".rodata") && bpf_map__value_size(map) == sizeof(*settings))
			return bpf_map__set_initial_value(map, settings, sizeof(*settings));
	return 0;
}

/* A program of the data plane, or its variant for a fast path. */
static int open_program(const struct plane *plane, const struct image *image, struct bpf_object **object)
{
	const struct xdpsec_fast_settings settings = {
		.asks_flowtable = !plane->fast_no_firewall,
		.slot = XDPSEC_FAST_UNDERLAY,
	};
	int err = open_image(plane, image, object);

	return err || !plane->fast ? err : set_fast(*object, &settings);
}

static const struct image *image_of(const struct plane *plane, enum program program)
{
	return plane->fast && fast_images[program].name ? &fast_images[program] : &images[program];
}

static int load_opened(const struct image *image, struct bpf_object **object)
{
	int err = bpf_object__load(*object);

	if (!err)
		return 0;
	bpf_object__close(*object);
	*object = NULL;
	return load_failed("load", image->name, err);
}

static int load_image(const struct plane *plane, const struct image *image, struct bpf_object **object)
{
	int err = open_program(plane, image, object);

	return err ?: load_opened(image, object);
}

/* The same, and open the maps that the plane does not have yet. */
static int load_own(struct plane *plane, const struct image *image, struct bpf_object **object)
{
	int err = load_image(plane, image, object);

	if (err)
		return err;
	err = keep_maps(plane, *object);
	return err ? load_failed("load", image->name, err) : 0;
}

int objects_load_sa(struct plane *plane)
{
	return plane->sa ? 0 : load_own(plane, &sa_image, &plane->sa);
}

int objects_load_data(struct plane *plane)
{
	int err = 0;

	for (int i = 0; !err && i < PROGRAM_COUNT; i++)
		if (plane_programs[i].mode == plane->mode)
			err = load_own(plane, image_of(plane, i), &plane->objects[i]);
	return err;
}

int objects_load_selftest(struct plane *plane, struct bpf_object **selftest)
{
	return load_own(plane, &selftest_image, selftest);
}

int objects_load_agree(const struct plane *plane, struct bpf_object **object)
{
	return load_image(plane, &agree_image, object);
}

int objects_load_fork(const struct plane *plane, const char *program, struct bpf_object **object)
{
	const char *other = strcmp(program, "fork_seen") == 0 ? "fork_pretend" : "fork_seen";
	int err = open_image(plane, &fork_image, object);

	if (err)
		return err;
	bpf_program__set_autoload(bpf_object__find_program_by_name(*object, other), false);
	err = bpf_object__load(*object);
	if (err) {
		bpf_object__close(*object);
		*object = NULL;
	}
	return err;
}

static const struct image *xdp_image(const struct plane *plane)
{
	return image_of(plane, plane->mode == MODE_TUNNEL ? PROGRAM_DECAPSULATE : PROGRAM_OPEN);
}

static const struct image *xdp_image_with_next(const struct plane *plane)
{
	return plane->fast ? &fast_image_with_next : &images_with_next[plane->mode];
}

int objects_open_xdp(const struct plane *plane, struct bpf_object **object)
{
	return open_program(plane, xdp_image(plane), object);
}

int objects_load_xdp(const struct plane *plane, bool with_next, struct bpf_object **object)
{
	return load_image(plane, with_next ? xdp_image_with_next(plane) : xdp_image(plane), object);
}

int objects_load_fast(const struct plane *plane, const struct xdpsec_fast_settings *settings,
		      struct bpf_object **object)
{
	int err = open_image(plane, &fast_image, object);

	if (!err)
		err = set_fast(*object, settings);
	return err ?: load_opened(&fast_image, object);
}

int objects_program(const struct plane *plane, enum program program)
{
	return bpf_program__fd(bpf_object__next_program(plane->objects[program], NULL));
}

int objects_pin(const struct plane *plane)
{
	char path[PATH_MAX];

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		if (!plane->objects[i])
			continue;
		plane_pin(plane, "programs", plane_programs[i].name, path, sizeof(path));
		if (bpf_obj_pin(objects_program(plane, i), path))
			return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	}
	return 0;
}
