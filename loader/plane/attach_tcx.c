// SPDX-License-Identifier: GPL-2.0-or-later
/* TCX links and their pins, and which of our programs is at TCX of a device. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "plane/attach.h"

/* include/uapi/linux/bpf.h since 6.6; libbpf's own copy of Debian 12 is older. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1U << 3) /* BPF_F_BEFORE without another link: before all others */

int attach_tcx(const struct plane *plane, enum program program, int fd, const char *device,
	       unsigned int index)
{
	const bool egress = plane_programs[program].hook == HOOK_TCX_EGRESS;
	const char *name = plane_programs[program].name;
	/* First in its row: if a program in front of ours returned TC_ACT_OK, the row would end there and
	 * the packet would leave in clear (net/core/dev.c, tcx_run). */
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = TCX_BEFORE);
	_cleanup_close_ int link = -1;
	char path[PATH_MAX];

	link = bpf_link_create(fd, (int)index, egress ? TCX_EGRESS : TCX_INGRESS, &options);
	if (link == -EINVAL) {
		fail(EINVAL, "%s: cannot attach %s: this kernel has no TCX", device, name);
		hint("use Linux 6.12 or later with CONFIG_NET_XGRESS");
		return link;
	}
	if (link < 0)
		return fail(-link, "%s: cannot attach %s to TC %s: %s", device, name,
			    egress ? "egress" : "ingress", strerror(-link));
	plane_pin(plane, "links", name, path, sizeof(path));
	if (bpf_obj_pin(link, path))
		return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	return 0;
}

int detach_tcx(const struct plane *plane, const char *name)
{
	_cleanup_close_ int link = -1;
	char path[PATH_MAX];
	int err;

	plane_pin(plane, "links", name, path, sizeof(path));
	link = bpf_obj_get(path);
	if (link < 0 && errno == ENOENT)
		return 0;
	if (link < 0)
		return fail(errno, "%s: cannot open it: %s", path, strerror(errno));
	/* Removing the pin alone would detach later, from a work queue. */
	err = bpf_link_detach(link);
	if (err && err != -ENOLINK)
		return fail(-err, "%s: cannot detach it: %s", path, strerror(-err));
	if (unlink(path) < 0)
		return fail(errno, "%s: cannot remove it: %s", path, strerror(errno));
	return 0;
}

static int link_info(const struct plane *plane, enum program program, struct bpf_link_info *info)
{
	__u32 length = sizeof(*info);
	_cleanup_close_ int link = -1;
	char path[PATH_MAX];

	memset(info, 0, sizeof(*info));
	plane_pin(plane, "links", plane_programs[program].name, path, sizeof(path));
	link = bpf_obj_get(path);
	return link < 0 || bpf_obj_get_info_by_fd(link, info, &length) ? -errno : 0;
}

int attached_tcx(const struct plane *plane, enum program program, unsigned int *index)
{
	struct bpf_link_info info;
	int err = link_info(plane, program, &info);

	/* The place of info.tcx, which old headers lack: the first member of the union is the ifindex. */
	if (!err)
		memcpy(index, &info.netns, sizeof(*index));
	return err;
}

/* Call is_it for the programs at TCX of a device until it returns true. */
static bool find_tcx(unsigned int index, enum bpf_attach_type where,
		     bool (*is_it)(__u32 program, const void *data), const void *data)
{
	LIBBPF_OPTS(bpf_prog_query_opts, query);
	__u32 programs[64];

	query.prog_ids = programs;
	query.prog_cnt = ARRAY_SIZE(programs);
	if (!index || bpf_prog_query_opts((int)index, where, &query))
		return false;
	for (__u32 i = 0; i < query.prog_cnt; i++)
		if (is_it(programs[i], data))
			return true;
	return false;
}

static bool is_same(__u32 program, const void *data)
{
	return program == *(const __u32 *)data;
}

bool carries_tcx(const struct plane *plane, enum program program, unsigned int index)
{
	struct bpf_link_info info;

	return !link_info(plane, program, &info) && find_tcx(index, TCX_INGRESS, is_same, &info.prog_id);
}

static bool program_is_ours(__u32 program, const void *data)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program);
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);

	(void)data;
	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 &&
	       strncmp(info.name, "xdpsec_", 7) == 0;
}

bool tcx_has_ours(unsigned int index)
{
	return find_tcx(index, TCX_INGRESS, program_is_ours, NULL) ||
	       find_tcx(index, TCX_EGRESS, program_is_ours, NULL);
}

static bool program_is_of(__u32 program, const void *plane)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program);

	return fd >= 0 && uses_maps(plane, fd);
}

bool tcx_uses_maps(const struct plane *plane, unsigned int index)
{
	return find_tcx(index, TCX_INGRESS, program_is_of, plane) ||
	       find_tcx(index, TCX_EGRESS, program_is_of, plane);
}
