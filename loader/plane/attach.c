// SPDX-License-Identifier: GPL-2.0-or-later
/* TCX links and their pins, XDP by libxdp, and which of our programs is on a device. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "plane/attach.h"
#include "plane/chain.h"
#include "plane/objects.h"

#ifndef XDPSEC_LIBDIR
#define XDPSEC_LIBDIR "/usr/local/lib/xdpsec"
#endif

/* include/uapi/linux/bpf.h since 6.6; libbpf's own copy of Debian 12 is older. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1U << 3) /* BPF_F_BEFORE without another link: before all others */

/* libxdp's default priority is 50; inline mode comes before tunnels (chain.h). */
#define AFTER_INLINE 51

static void cleanup_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

static void cleanup_multiprog(struct xdp_multiprog **programs)
{
	if (!libxdp_get_error(*programs))
		xdp_multiprog__close(*programs);
}

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

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 ? info.id : 0;
}

/* Does the program use a map of the data plane of this instance? */
static bool uses_maps(const struct plane *plane, int program)
{
	__u32 ids[64], length = sizeof(struct bpf_prog_info), id;
	struct bpf_prog_info info = { .map_ids = (__u64)(unsigned long)ids, .nr_map_ids = 64 };

	if (bpf_obj_get_info_by_fd(program, &info, &length))
		return false;
	for (int map = 0; map < MAP_COUNT; map++) {
		id = map_id(plane->maps[map]);
		for (__u32 i = 0; id && i < info.nr_map_ids && i < 64; i++)
			if (ids[i] == id)
				return true;
	}
	return false;
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

/* Attach by libxdp, as one of several if its dispatcher accepts ours. */
static int attach_shared(const struct plane *plane, unsigned int index, enum xdp_attach_mode mode)
{
	struct bpf_object *object __attribute__((cleanup(cleanup_object))) = NULL;
	struct xdp_program *program;
	int err = objects_open_xdp(plane, &object);

	if (err)
		return err;
	program = xdp_program__from_bpf_obj(object, "xdp.frags");
	err = (int)libxdp_get_error(program);
	if (err)
		return err;
	/* libbpf evaluates the section's name only when it loads the program. Without this call libxdp
	 * would make a dispatcher for frames in one buffer, which drivers refuse at large MTUs. */
	err = xdp_program__set_xdp_frags_support(program, true);
	if (!err && plane->mode == MODE_TUNNEL)
		err = (int)xdp_program__set_run_prio(program, AFTER_INLINE);
	if (!err)
		err = xdp_program__attach(program, (int)index, mode, 0);
	if (!err)
		plane_keep_maps(plane, xdp_program__fd(program));
	xdp_program__close(program);
	return err;
}

/* Attach as the only program: -EBUSY or -EEXIST if there is another. */
static int attach_alone(const struct plane *plane, unsigned int index, enum xdp_attach_mode mode)
{
	struct bpf_object *object __attribute__((cleanup(cleanup_object))) = NULL;
	__u32 flags = XDP_FLAGS_UPDATE_IF_NOEXIST;
	int err = objects_open_xdp(plane, &object), program;

	if (!err)
		err = bpf_object__load(object);
	if (err)
		return err;
	program = bpf_program__fd(bpf_object__next_program(object, NULL));
	plane_keep_maps(plane, program);
	flags |= mode == XDP_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	return bpf_xdp_attach((int)index, program, flags, NULL);
}

/*
 * Since 6.13, and 6.12 stable, the kernel refuses an extension that changes packets if the function that it
 * replaces does not (kernel/bpf/verifier.c, "Extension program changes packet data"). That is so in the
 * dispatcher of libxdp before 1.5.5 (xdp-tools, issue 503). Then our program is attached without the
 * dispatcher, as on a kernel without extensions.
 */
static int attach_in_mode(const struct plane *plane, unsigned int index, enum xdp_attach_mode mode)
{
	int err = attach_shared(plane, index, mode);

	return err == -EINVAL ? attach_alone(plane, index, mode) : err;
}

static int cannot_attach(const char *device, enum xdp_mode asked, int err)
{
	fail(-err, "%s: cannot attach to XDP%s: %s", device,
	     asked == XDP_MODE_CONFIG_NATIVE ? " (native)" : "", strerror(-err));
	bpf_log_show();
	if (err == -EBUSY || err == -EEXIST)
		hint("another XDP program is attached (`xdp-loader status %s` lists it); to share the "
		     "device, both must be attached by libxdp 1.5.5 or later",
		     device);
	else if (asked == XDP_MODE_CONFIG_NATIVE)
		hint("the driver may not support XDP, or not with multi-buffer packets at this MTU; `Xdp = "
		     "generic` works on every device, but is slow");
	return err;
}

int attach_check(const struct config *config, unsigned int index, bool no_attach)
{
	struct xdp_multiprog *programs
		__attribute__((cleanup(cleanup_multiprog))) = xdp_multiprog__get_from_ifindex((int)index);
	int err = chain_check(config, index, no_attach);

	if (err || no_attach || libxdp_get_error(programs) || !xdp_multiprog__is_legacy(programs) ||
	    chain_is_there(index))
		return err;
	return cannot_attach(config->device, config->xdp, -EBUSY);
}

int attach_xdp(const struct plane *plane, const char *device, unsigned int index, enum xdp_mode asked,
	       __u8 *in_use)
{
	int err = chain_join(plane, device, index, in_use);

	if (err != -ENOENT)
		return err;
	if (asked != XDP_MODE_CONFIG_GENERIC) {
		err = attach_in_mode(plane, index, XDP_MODE_NATIVE);
		if (!err)
			*in_use = XDP_IN_USE_NATIVE;
		if (!err || asked == XDP_MODE_CONFIG_NATIVE || err == -EBUSY || err == -EEXIST)
			return err ? cannot_attach(device, asked, err) : 0;
		warning("%s: no native XDP (%s): using generic XDP, which is slow", device, strerror(-err));
		/* If the second attempt fails, the log of the first one does not matter. */
		bpf_log_start();
	}
	err = attach_in_mode(plane, index, XDP_MODE_SKB);
	if (err)
		return cannot_attach(device, asked, err);
	*in_use = XDP_IN_USE_GENERIC;
	return 0;
}

/* Find the instance's program among those on the device. It belongs to programs. */
static struct xdp_program *find_xdp(const struct plane *plane, struct xdp_multiprog *programs)
{
	struct xdp_program *program = NULL;

	if (xdp_multiprog__is_legacy(programs)) {
		program = xdp_multiprog__main_prog(programs);
		return program && uses_maps(plane, xdp_program__fd(program)) ? program : NULL;
	}
	while ((program = xdp_multiprog__next_prog(program, programs)))
		if (uses_maps(plane, xdp_program__fd(program)))
			break;
	return program;
}

static __u32 program_id(struct xdp_program *program)
{
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);
	int fd = xdp_program__fd(program);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 ? info.id : 0;
}

int xdp_each(unsigned int index, int (*each)(__u32 program, void *data), void *data)
{
	struct xdp_multiprog *programs
		__attribute__((cleanup(cleanup_multiprog))) = xdp_multiprog__get_from_ifindex((int)index);
	struct xdp_program *program = NULL;
	int err = 0;

	if (libxdp_get_error(programs))
		return 0;
	if (xdp_multiprog__is_legacy(programs)) {
		program = xdp_multiprog__main_prog(programs);
		return program ? each(program_id(program), data) : 0;
	}
	while (!err && (program = xdp_multiprog__next_prog(program, programs)))
		err = each(program_id(program), data);
	return err;
}

/* Detach a program on which no other instance depends. */
static int detach_alone(const struct plane *plane, const char *device, unsigned int index)
{
	struct xdp_multiprog *programs
		__attribute__((cleanup(cleanup_multiprog))) = xdp_multiprog__get_from_ifindex((int)index);
	struct xdp_program *program;
	int err;

	/* libxdp returns an error if there is no program, or no device. Then there is nothing to detach. */
	if (libxdp_get_error(programs))
		return 0;
	program = find_xdp(plane, programs);
	if (!program)
		return 0;
	err = xdp_program__detach(program, (int)index, xdp_multiprog__attach_mode(programs), 0);
	if (err) {
		fail(-err, "%s: cannot detach the XDP program: %s", device, strerror(-err));
		bpf_log_show();
	}
	return err;
}

int detach_xdp(const struct plane *plane, const char *device, unsigned int index)
{
	int err = chain_leave(plane, device, index), swept;

	if (err != -ENOENT)
		return err;
	err = detach_alone(plane, device, index);
	swept = chain_sweep(index);
	return err ?: swept;
}

struct xdp_attachment attached_xdp(const struct plane *plane, unsigned int index)
{
	struct xdp_multiprog *programs
		__attribute__((cleanup(cleanup_multiprog))) = xdp_multiprog__get_from_ifindex((int)index);
	struct xdp_attachment attachment = { .mode = XDP_IN_USE_NONE };

	attachment.mode = chain_has(plane, index);
	if (attachment.mode != XDP_IN_USE_NONE || libxdp_get_error(programs) || !find_xdp(plane, programs))
		return attachment;
	attachment.mode = xdp_multiprog__attach_mode(programs) == XDP_MODE_SKB ? XDP_IN_USE_GENERIC
									       : XDP_IN_USE_NATIVE;
	attachment.dispatcher = !xdp_multiprog__is_legacy(programs);
	if (attachment.dispatcher)
		attachment.others = xdp_multiprog__program_count(programs) - 1;
	return attachment;
}

int programs_of(const struct plane *plane)
{
	__u32 id = 0;
	int count = 0, fd;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		count += uses_maps(plane, fd);
		close(fd);
	}
	return count;
}

/* `ip -n` mounts its own /sys (iproute2 lib/namespace.c, netns_switch), without pins. */
static bool in_named_namespace(void)
{
	struct stat own, first;

	return stat("/proc/self/ns/net", &own) == 0 && stat("/proc/1/ns/net", &first) == 0 &&
	       own.st_ino != first.st_ino;
}

void attach_print(const struct plane *plane, const struct instance *instance)
{
	const char *directory = plane->directory, *device = instance->device;

	if (in_named_namespace())
		puts("# run these under `nsenter --net=/run/netns/NETNS`: `ip -n` and `tc -n` do not see the "
		     "pins");
	puts("# ingress, one of:");
	printf("xdp-loader load -p %s/maps %s " XDPSEC_LIBDIR "/open.bpf.o\n", directory, device);
	printf("TC_BPF_MNT=%s ip link set dev %s xdp obj " XDPSEC_LIBDIR "/open.bpf.o sec xdp.frags\n",
	       directory, device);
	printf("ip link set dev %s xdp pinned %s/programs/open\n", device, directory);
	puts("# then egress, one of the filters:");
	printf("tc qdisc add dev %s clsact\n", device);
	printf("TC_BPF_MNT=%s tc filter add dev %s egress bpf direct-action obj " XDPSEC_LIBDIR
	       "/seal.bpf.o sec tc\n",
	       directory, device);
	printf("tc filter add dev %s egress bpf direct-action object-pinned %s/programs/seal\n", device,
	       directory);
}
