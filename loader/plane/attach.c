// SPDX-License-Identifier: GPL-2.0-or-later
/* XDP by libxdp, whose program is on a device, and the commands that attach by hand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/attach.h"
#include "plane/chain.h"
#include "plane/map_id.h"
#include "plane/objects.h"

#ifndef XDPSEC_LIBDIR
#define XDPSEC_LIBDIR "/usr/local/lib/xdpsec"
#endif

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

bool uses_maps(const struct plane *plane, int program)
{
	__u32 ids[PROGRAM_MAPS_MAX], id;
	size_t n;

	if (program_map_ids(program, ids, &n))
		return false;
	for (int map = 0; map < MAP_COUNT; map++) {
		id = map_id(plane->maps[map]);
		for (size_t i = 0; id && i < n; i++)
			if (ids[i] == id)
				return true;
	}
	return false;
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
