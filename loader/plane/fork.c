// SPDX-License-Identifier: GPL-2.0-or-later
/* Attaching fork.bpf.c to the kernel's function for a copied machine, which not every kernel has. */
#include <stdio.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "plane/fork.h"
#include "plane/objects.h"

static void pin_path(const struct plane *plane, char *path, size_t size)
{
	snprintf(path, size, "%s/fork", plane->directory);
}

static bool kernel_tells(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found = !libbpf_get_error(btf) &&
		     btf__find_by_name_kind(btf, "add_vmfork_randomness", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return found;
}

void fork_watch(const struct plane *plane)
{
	struct bpf_object *object = NULL;
	char path[PATH_MAX];
	struct bpf_link *link;

	if (!plane->directory[0] || !kernel_tells() || objects_load_fork(plane, "fork_seen", &object))
		return;
	link = bpf_program__attach(bpf_object__find_program_by_name(object, "fork_seen"));
	pin_path(plane, path, sizeof(path));
	if (link)
		bpf_link__pin(link, path);
	bpf_link__destroy(link);
	bpf_object__close(object);
}

bool fork_is_watched(const struct plane *plane)
{
	char path[PATH_MAX];

	pin_path(plane, path, sizeof(path));
	return plane->directory[0] && access(path, F_OK) == 0;
}
