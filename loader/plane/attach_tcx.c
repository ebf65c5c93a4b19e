// SPDX-License-Identifier: GPL-2.0-or-later
/* Links of TCX and netkit and their pins, and which of our programs a device has there. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "net/netlink.h"
#include "plane/attach.h"

/* include/uapi/linux/bpf.h since 6.6 and, netkit, 6.7; libbpf's own copy of Debian 12 is older. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define NETKIT_PRIMARY 54
#define TCX_BEFORE (1U << 3) /* BPF_F_BEFORE without another link: before all others */

/* A netkit has its programs at its own hook, and what it sends is for them alone. */
static int hook_on(enum program program, unsigned int index)
{
	struct netdev netdev;

	if (netdev_find_index(index, &netdev) == 0 && netdev_is_netkit(&netdev) &&
	    plane_programs[program].on_far)
		return NETKIT_PRIMARY;
	return plane_programs[program].hook == HOOK_TCX_EGRESS ? TCX_EGRESS : TCX_INGRESS;
}

const char *tcx_hook_text(enum program program, unsigned int index)
{
	switch (hook_on(program, index)) {
	case NETKIT_PRIMARY:
		return "netkit";
	case TCX_EGRESS:
		return "TC egress";
	default:
		return "TC ingress";
	}
}

int attach_tcx(const struct plane *plane, enum program program, int fd, const char *device,
	       unsigned int index)
{
	const int hook = hook_on(program, index);
	const char *name = plane_programs[program].name;
	/* First in its row: if a program in front of ours returned TC_ACT_OK, the row would end there and
	 * the packet would leave in clear (net/core/dev.c, tcx_run). */
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = TCX_BEFORE);
	_cleanup_close_ int link = -1;
	char path[PATH_MAX];

	link = bpf_link_create(fd, (int)index, (enum bpf_attach_type)hook, &options);
	if (link == -EINVAL) {
		fail(EINVAL, "%s: cannot attach %s: this kernel has no TCX", device, name);
		hint("use Linux 6.12 or later with CONFIG_NET_XGRESS");
		return link;
	}
	if (link < 0)
		return fail(-link, "%s: cannot attach %s to %s: %s", device, name,
			    tcx_hook_text(program, index), strerror(-link));
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

	/* The place of info.tcx and info.netkit, which old headers lack: the first member of both is the ifindex. */
	if (!err)
		memcpy(index, &info.netns, sizeof(*index));
	return err;
}

/* Call is_it for the programs at that hook of a device until it returns true. */
static bool find_at(unsigned int index, enum bpf_attach_type where,
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

/* TC ingress, and what of a pair of netkit devices takes its place: the hook of the end that sends. */
static bool find_received(unsigned int index, bool (*is_it)(__u32 program, const void *data),
			  const void *data)
{
	return find_at(index, TCX_INGRESS, is_it, data) ||
	       find_at(index, (enum bpf_attach_type)NETKIT_PRIMARY, is_it, data);
}

static bool is_same(__u32 program, const void *data)
{
	return program == *(const __u32 *)data;
}

bool attached_tcx_here(const struct plane *plane, enum program program)
{
	struct bpf_link_info info;
	unsigned int index;

	if (link_info(plane, program, &info))
		return false;
	memcpy(&index, &info.netns, sizeof(index));
	return find_received(index, is_same, &info.prog_id) ||
	       find_at(index, TCX_EGRESS, is_same, &info.prog_id);
}

bool carries_tcx(const struct plane *plane, enum program program, unsigned int index)
{
	struct bpf_link_info info;

	return !link_info(plane, program, &info) && find_received(index, is_same, &info.prog_id);
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
	return find_received(index, program_is_ours, NULL) ||
	       find_at(index, TCX_EGRESS, program_is_ours, NULL);
}

static bool program_is_of(__u32 program, const void *plane)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program);

	return fd >= 0 && uses_maps(plane, fd);
}

bool tcx_uses_maps(const struct plane *plane, unsigned int index)
{
	return find_received(index, program_is_of, plane) || find_at(index, TCX_EGRESS, program_is_of, plane);
}
