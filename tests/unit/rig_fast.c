// SPDX-License-Identifier: GPL-2.0-or-later
/* The fast path: its device, its programs, and what they remember. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "xdpsec/abi.h" /* for the skeletons */
#include "decapsulate_fast.skel.h"
#include "encapsulate_fast.skel.h"
#include "fast_encapsulate.skel.h"
#include "rig_objects.h"
#include "unit.h"

static struct bpf_object *load_fast(const void *(*bytes)(size_t *size), uint32_t slot)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = RIG_BPFFS);
	const struct xdpsec_fast_settings settings = { .slot = slot };
	size_t size;
	const void *image = bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(image, size, &options);
	struct bpf_map *map;

	assert_non_null(object);
	bpf_object__for_each_map (map, object)
		if (strstr(bpf_map__name(map), ".rodata"))
			assert_return_code(bpf_map__set_initial_value(map, &settings, sizeof(settings)),
					   errno);
	assert_return_code(bpf_object__load(object), errno);
	return object;
}

static void attach_fast(int device, enum program program)
{
	assert_return_code(bpf_xdp_attach(device, rig_objects.programs[program], XDP_FLAGS_DRV_MODE, NULL),
			   errno);
}

void rig_fast(void)
{
	struct xdpsec_fast_device underlay = { .index = rig.device }, lan = {};

	rig_shell("ip link add lan mtu 9000 address " MAC_DEVICE " type veth peer name lan-host mtu 9000");
	rig_shell("for d in lan lan-host; do ip link set $d up; done");
	rig_shell("for d in lan-host wire; do ethtool -K $d gro on; done");
	rig.lan = if_nametoindex("lan");
	lan.index = rig.lan;
	rig_objects.fast_out = load_fast(fast_encapsulate_bpf__elf_bytes, XDPSEC_FAST_UNDERLAY + 1);
	rig_objects.fast_in = load_fast(decapsulate_fast_bpf__elf_bytes, XDPSEC_FAST_UNDERLAY);
	rig_objects.encapsulate_fast = rig_load(encapsulate_fast_bpf__elf_bytes);
	rig_objects.programs[PROGRAM_FAST_OUT] = rig_only_program(rig_objects.fast_out);
	rig_objects.programs[PROGRAM_FAST_IN] = rig_only_program(rig_objects.fast_in);
	rig_objects.programs[PROGRAM_ENCAPSULATE_FAST] = rig_only_program(rig_objects.encapsulate_fast);
	rig.maps.fast_devices = rig_map_of(rig_objects.fast_out, "fast_devices");
	rig.maps.fast_packets = rig_map_of(rig_objects.fast_out, "fast_packets");
	attach_fast(rig.lan, PROGRAM_FAST_OUT);
	attach_fast(rig.device, PROGRAM_FAST_IN);
	map_write(rig.maps.fast_devices, XDPSEC_FAST_UNDERLAY, &underlay);
	map_write(rig.maps.fast_devices, XDPSEC_FAST_UNDERLAY + 1, &lan);
	rig_device_slot(XDPSEC_DEVICE_FAST, rig.lan);
}

uint64_t rig_fast_packets(enum xdpsec_fast_direction direction)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t packets[cpus], sum = 0;

	map_read(rig.maps.fast_packets, direction, packets);
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += packets[cpu];
	return sum;
}

/* One call wipes all elements, of which there are many. */
static void wipe_pairs(const struct bpf_object *object)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, "fast_pairs");
	uint32_t count = bpf_map__max_entries(map), keys[count];
	void *zeros = calloc(count, bpf_map__value_size(map) * libbpf_num_possible_cpus());

	for (uint32_t i = 0; i < count; i++)
		keys[i] = i;
	assert_non_null(zeros);
	assert_return_code(bpf_map_update_batch(bpf_map__fd(map), keys, zeros, &count, NULL), errno);
	free(zeros);
}

void rig_fast_forget(void)
{
	wipe_pairs(rig_objects.fast_out);
	wipe_pairs(rig_objects.fast_in);
}

void rig_fast_age(void)
{
	rig_set_times(rig_objects.fast_out, "fast_pairs", "refresh", 0);
	rig_set_times(rig_objects.fast_in, "fast_pairs", "refresh", 0);
}
