// SPDX-License-Identifier: GPL-2.0-or-later
/* A data plane: the table of its maps, its names, and its pins one after another. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "plane/plane.h"
#include "plane/plane_inside.h"

const struct plane_table plane_tables[MAP_COUNT] = {
#define PLANE_TABLE(id, name, type, key_size, value_size, entries)                                           \
	[MAP_##id] = { name, type, key_size, value_size, entries },
	PLANE_MAPS(PLANE_TABLE)
#undef PLANE_TABLE
};

const char *plane_map_name(enum plane_map map)
{
	return plane_tables[map].name;
}

void plane_init(struct plane *plane)
{
	memset(plane, 0, sizeof(*plane));
	for (int i = 0; i < MAP_COUNT; i++)
		plane->maps[i] = -1;
}

void plane_unload(struct plane *plane)
{
	bpf_object__close(plane->sa);
	plane->sa = NULL;
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		bpf_object__close(plane->objects[i]);
		plane->objects[i] = NULL;
	}
}

void plane_close(struct plane *plane)
{
	plane_unload(plane);
	for (int i = 0; i < MAP_COUNT; i++)
		if (plane->maps[i] >= 0)
			close(plane->maps[i]);
	plane_init(plane);
}

void plane_set_directory(struct plane *plane, const char *name, bool staged)
{
	if (name != plane->name)
		snprintf(plane->name, sizeof(plane->name), "%s", name);
	snprintf(plane->directory, sizeof(plane->directory), PLANE_ROOT "/%s%s", staged ? "_" : "", name);
}

void plane_pin(const struct plane *plane, const char *kind, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s/%s", plane->directory, kind, name);
}

/* A name from the command line must not lead out of PLANE_ROOT, nor to a leftover. */
static bool is_name(const char *name)
{
	return name[0] && name[0] != '_' && name[0] != '.' && !strchr(name, '/') &&
	       strlen(name) < XDPSEC_NAME_LEN;
}

bool plane_exists(const char *name, bool staged)
{
	struct plane plane;

	plane_init(&plane);
	plane_set_directory(&plane, name, staged);
	return is_name(name) && access(plane.directory, F_OK) == 0;
}

int plane_each_link(const struct plane *plane, int (*each)(const struct plane *plane, const char *name))
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int count, err = 0, step;

	/* Without pins there are no links. */
	if (!plane->directory[0])
		return 0;
	snprintf(path, sizeof(path), "%s/links", plane->directory);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		/* bpffs has no other names with a dot. */
		step = entries[i]->d_name[0] == '.' ? 0 : each(plane, entries[i]->d_name);
		err = err ?: step;
		free(entries[i]);
	}
	free(entries);
	return err;
}

static int whole(const struct dirent *entry)
{
	return is_name(entry->d_name);
}

static int leftover(const struct dirent *entry)
{
	return entry->d_name[0] == '_' && is_name(entry->d_name + 1);
}

int plane_each(bool staged, int (*each)(const char *name, void *data), void *data)
{
	struct dirent **entries = NULL;
	int count = scandir(PLANE_ROOT, &entries, staged ? leftover : whole, alphasort), result = 0;

	for (int i = 0; i < count; i++) {
		if (!result)
			result = each(entries[i]->d_name + staged, data);
		free(entries[i]);
	}
	free(entries);
	return result;
}

/* If the kernel refuses this, a lost instance cannot be identified. */
void plane_keep_maps(const struct plane *plane, int program)
{
	for (int map = 0; map < MAP_COUNT; map++)
		if (plane->maps[map] >= 0)
			bpf_prog_bind_map(program, plane->maps[map], NULL);
}
