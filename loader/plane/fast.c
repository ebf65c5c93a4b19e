// SPDX-License-Identifier: GPL-2.0-or-later
/* Attaching the programs of a fast path, and what they have noted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/devices.h"
#include "plane/fast.h"
#include "plane/objects.h"
#include "plane/self.h"

#define FLOW_LOOKUP "bpf_xdp_flow_lookup"

static void cleanup_fast_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

static bool has_lookup(const struct btf *btf)
{
	return btf && btf__find_by_name_kind(btf, FLOW_LOOKUP, BTF_KIND_FUNC) > 0;
}

/* The function is in nf_flow_table, and nf_flow_table_inet offers it to programs. */
static bool kernel_looks_up(void)
{
	struct btf *vmlinux = btf__load_vmlinux_btf(), *module = NULL;
	bool found = has_lookup(vmlinux);

	if (!found && access("/sys/module/nf_flow_table_inet", F_OK) == 0) {
		module = btf__load_module_btf("nf_flow_table", vmlinux);
		found = has_lookup(module);
	}
	btf__free(module);
	btf__free(vmlinux);
	return found;
}

int fast_check_kernel(void)
{
	if (kernel_looks_up())
		return 0;
	fail(EOPNOTSUPP,
	     "FastPath: the kernel cannot look up flows of a flowtable: there is no " FLOW_LOOKUP "()");
	hint("modprobe nf_flow_table_inet; on a gateway without a firewall, FastPathFirewall = none");
	return -EOPNOTSUPP;
}

static void link_path(const struct plane *plane, unsigned int place, char path[PATH_MAX])
{
	char name[16];

	snprintf(name, sizeof(name), "fast%u", place + 1);
	plane_pin(plane, "links", name, path, PATH_MAX);
}

static int cannot_attach_fast(const char *device, int err)
{
	fail(-err, "FastPath: %s: cannot attach to XDP (native): %s", device, strerror(-err));
	if (err == -EBUSY || err == -EEXIST)
		hint("another XDP program is on it: `%s link show dev %s`", self_ip(), device);
	else if (err == -ENOSPC)
		hint("a veth needs as many queues for receiving as its other end has for sending: `%sethtool "
		     "-L %s rx N`, or `ethtool -L PEER tx 1`, where PEER is the other end",
		     self_enter(), device);
	else
		hint("the driver has no native XDP, or not at this MTU; generic XDP would not be faster than "
		     "the ordinary way: remove %s from FastPath",
		     device);
	return err;
}

static int attach_link(const struct plane *plane, unsigned int place, const struct netdev *netdev,
		       int program)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	_cleanup_close_ int link = bpf_link_create(program, (int)netdev->index, BPF_XDP, &options);
	char path[PATH_MAX];

	if (link < 0)
		return cannot_attach_fast(netdev->name, link);
	link_path(plane, place, path);
	/* A link of a device that is gone. */
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(errno, "%s: cannot remove it: %s", path, strerror(errno));
	if (bpf_obj_pin(link, path))
		return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	return 0;
}

static int set_fast_device(const struct plane *plane, __u32 slot, unsigned int index)
{
	struct xdpsec_fast_device device = { .index = index };

	return plane_write(plane, MAP_FAST_DEVICES, &slot, &device);
}

int fast_set_underlay(const struct plane *plane, unsigned int index)
{
	return set_fast_device(plane, XDPSEC_FAST_UNDERLAY, index);
}

/* A veth depends on its peer for that, and it may change: packets take the ordinary way meanwhile. */
int fast_refuse_transmits(const struct netdev *netdev)
{
	if (strcmp(netdev->kind, "veth") == 0) {
		warning("FastPath: %s takes no redirected frames as long as its other end receives without "
			"GRO: packets to it take the ordinary way",
			netdev->name);
		hint("ethtool -K PEER gro on, where PEER is the other end");
		return 0;
	}
	fail(EOPNOTSUPP, "FastPath: %s: its driver takes no redirected frames (no ndo_xdp_xmit)",
	     netdev->name);
	hint("leave FastPath out, or %s out of it", netdev->name);
	return -EOPNOTSUPP;
}

int fast_attach(const struct plane *plane, unsigned int place, const struct netdev *netdev)
{
	const struct xdpsec_fast_settings settings = {
		.asks_flowtable = !plane->fast_no_firewall,
		.is_veth = strcmp(netdev->kind, "veth") == 0,
		.slot = place + 1,
	};
	struct bpf_object *object __attribute__((cleanup(cleanup_fast_object))) = NULL;
	int err = objects_load_fast(plane, &settings, &object), program;

	if (err)
		return err;
	program = bpf_program__fd(bpf_object__next_program(object, NULL));
	plane_keep_maps(plane, program);
	err = set_fast_device(plane, settings.slot, netdev->index);
	if (!err)
		err = devices_set(plane, XDPSEC_DEVICE_FAST + place, netdev->index);
	if (!err)
		err = attach_link(plane, place, netdev, program);
	if (err || fast_transmits(plane, program, netdev->index, settings.slot))
		return err;
	return fast_refuse_transmits(netdev);
}

unsigned int fast_attached(const struct plane *plane, unsigned int place)
{
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);
	_cleanup_close_ int link = -1;
	struct netdev netdev;
	char path[PATH_MAX];

	link_path(plane, place, path);
	link = bpf_obj_get(path);
	if (link < 0 || bpf_obj_get_info_by_fd(link, &info, &length) ||
	    netdev_find_index(info.xdp.ifindex, &netdev))
		return 0;
	/* The program goes with a device to another namespace, and here may be another of that index. */
	return netdev.xdp_program == info.prog_id ? info.xdp.ifindex : 0;
}

bool fast_transmits_now(const struct plane *plane, unsigned int place, const struct netdev *netdev)
{
	_cleanup_close_ int program = bpf_prog_get_fd_by_id(netdev->xdp_program);

	return program < 0 || fast_transmits(plane, program, netdev->index, place + 1);
}

bool fast_transmitted(const struct plane *plane, __u32 slot)
{
	struct xdpsec_fast_device device;

	return bpf_map_lookup_elem(plane->maps[MAP_FAST_DEVICES], &slot, &device) == 0 && device.transmits;
}

bool fast_transmits(const struct plane *plane, int program, unsigned int index, __u32 slot)
{
	/* A frame of no protocol. */
	unsigned char frame[ETH_ZLEN] = {};
	struct xdp_md context = { .data_end = sizeof(frame), .ingress_ifindex = index };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);

	bpf_prog_test_run_opts(program, &options);
	return fast_transmitted(plane, slot);
}

int fast_read_packets(const struct plane *plane, __u64 packets[XDPSEC_FAST_DIRECTIONS])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ __u64 *values = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*values));

	if (!values || cpus <= 0)
		return fail(ENOMEM, "out of memory");
	for (__u32 i = 0; i < XDPSEC_FAST_DIRECTIONS; i++) {
		int err = plane_read(plane, MAP_FAST_PACKETS, &i, values);

		if (err)
			return err;
		packets[i] = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			packets[i] += values[cpu];
	}
	return 0;
}
