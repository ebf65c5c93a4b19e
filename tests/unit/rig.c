// SPDX-License-Identifier: GPL-2.0-or-later
/* A namespace with its devices, and the objects loaded into it. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "decapsulate.skel.h"
#include "decapsulate_next.skel.h"
#include "encapsulate.skel.h"
#include "hop.skel.h"
#include "keepalive.skel.h"
#include "near.skel.h"
#include "open.skel.h"
#include "open_next.skel.h"
#include "rig_objects.h"
#include "sa.skel.h"
#include "seal.skel.h"
#include "selftest.skel.h"
#include "unit.h"

struct rig rig;
struct rig_objects rig_objects;

const uint32_t rig_hop_secret[4] = { 0x53454352, 0x45540000, 0, 0x00000001 };

/* Only errors and warnings, as TAP diagnostics. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[16384];
	char *line, *rest = text;

	if (level == LIBBPF_DEBUG || level == LIBBPF_INFO)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("# %s\n", line);
	return 0;
}

void rig_shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s: failed", command);
}

/* Namespaces of this process only, which end with it in any case. */
static void enter_namespaces(void)
{
	assert_return_code(unshare(CLONE_NEWNET | CLONE_NEWNS), errno);
	assert_return_code(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
	assert_return_code(mount("bpf", RIG_BPFFS, "bpf", 0, NULL), errno);
}

/* They only have to exist, and have an MTU. */
static void make_devices(void)
{
	rig_shell("ip link set lo up");
	rig_shell("ip link add device mtu 9000 address " MAC_DEVICE " type veth peer name wire mtu 9000");
	rig_shell("ip link add hop-near mtu 9000 type veth peer name hop-far mtu 9000");
	rig_shell("for d in device wire hop-near hop-far; do ip link set $d up; done");
	rig.device = if_nametoindex("device");
	rig.near = if_nametoindex("hop-near");
	rig.far = if_nametoindex("hop-far");
	assert_true(rig.device && rig.near && rig.far);
}

struct bpf_object *rig_load(const void *(*bytes)(size_t *size))
{
	/* The objects share their maps by pins, as in production. */
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = RIG_BPFFS);
	size_t size;
	const void *image = bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(image, size, &options);

	assert_non_null(object);
	assert_return_code(bpf_object__load(object), errno);
	return object;
}

int rig_only_program(const struct bpf_object *object)
{
	return bpf_program__fd(bpf_object__next_program(object, NULL));
}

int rig_program_called(const struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

/* Only those of one mode: where the verifier is emulated, each takes seconds. */
static void load_mode(enum mode mode)
{
	static const void *(*const images[])(size_t *size) = {
#define RIG_IMAGE(id, name, ...) [PROGRAM_##id] = name##_bpf__elf_bytes,
		PLANE_PROGRAMS(RIG_IMAGE)
#undef RIG_IMAGE
	};

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		if (plane_programs[i].mode != mode)
			continue;
		rig_objects.of[i] = rig_load(images[i]);
		rig_objects.programs[i] = rig_only_program(rig_objects.of[i]);
	}
	if (mode == MODE_TUNNEL) {
		rig_objects.near = rig_load(near_bpf__elf_bytes);
		rig_objects.programs[PROGRAM_NEAR] = rig_only_program(rig_objects.near);
		return;
	}
	rig_objects.selftest = rig_load(selftest_bpf__elf_bytes);
	rig_objects.programs[PROGRAM_SEAL_VECTOR] = rig_program_called(rig_objects.selftest, "seal_vector");
	rig_objects.programs[PROGRAM_OPEN_VECTOR] = rig_program_called(rig_objects.selftest, "open_vector");
}

int rig_map_of(const struct bpf_object *object, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	assert_return_code(fd, errno);
	return fd;
}

/* Every object has all of the maps that are shared. */
static void find_maps(const struct bpf_object *object)
{
	rig.maps.config = rig_map_of(object, "config");
	rig.maps.policies = rig_map_of(object, "policies");
	rig.maps.hosts = rig_map_of(object, "hosts");
	rig.maps.peers = rig_map_of(object, "peers");
	rig.maps.spis = rig_map_of(object, "spis");
	rig.maps.sas = rig_map_of(object, "sas");
	rig.maps.contexts = rig_map_of(object, "contexts");
	rig.maps.sequences = rig_map_of(object, "sequences");
	rig.maps.replay_windows = rig_map_of(object, "replay_windows");
	rig.maps.ktops = rig_map_of(object, "ktops");
	rig.maps.sa_counters = rig_map_of(object, "sa_counters");
	rig.maps.drops = rig_map_of(object, "drops");
	rig.maps.clear_fragments = rig_map_of(object, "clear_fragments");
	rig.maps.endpoints = rig_map_of(object, "endpoints");
	rig.maps.devices = rig_map_of(object, "devices");
}

/* The programs find the devices in a DEVMAP inside of another map. */
static void make_device_slots(void)
{
	rig.maps.device_slots = bpf_map_create(BPF_MAP_TYPE_DEVMAP, "device_slots", 4, 4, XDPSEC_DEVICE_COUNT,
					       NULL);
	assert_return_code(rig.maps.device_slots, errno);
	map_write(rig.maps.devices, 0, &rig.maps.device_slots);
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, rig.device);
}

void rig_device_slot(enum xdpsec_device which, int index)
{
	map_write(rig.maps.device_slots, which, &index);
}

static uint64_t netns_cookie(void)
{
	uint64_t cookie;
	socklen_t length = sizeof(cookie);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	assert_return_code(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length), errno);
	close(fd);
	return cookie;
}

static int set_up(enum mode mode)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP loading BPF programs needs root\n");
		exit(0);
	}
	libbpf_set_print(print_libbpf);
	enter_namespaces();
	make_devices();
	for (size_t i = 0; i < ARRAY_SIZE(rig_objects.programs); i++)
		rig_objects.programs[i] = -1;
	rig_objects.sa = rig_load(sa_bpf__elf_bytes);
	load_mode(mode);
	find_maps(rig_objects.sa);
	make_device_slots();
	rig.netns_cookie = netns_cookie();
	rig_hop(true);
	return 0;
}

int rig_setup(void **state)
{
	(void)state;
	set_up(MODE_INLINE);
	rig_attach(PROGRAM_OPEN);
	return 0;
}

int rig_setup_tunnel(void **state)
{
	(void)state;
	return set_up(MODE_TUNNEL);
}

int rig_teardown(void **state)
{
	(void)state;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		bpf_object__close(rig_objects.of[i]);
	bpf_object__close(rig_objects.in_front);
	bpf_object__close(rig_objects.near);
	bpf_object__close(rig_objects.fast_out);
	bpf_object__close(rig_objects.fast_in);
	bpf_object__close(rig_objects.encapsulate_fast);
	bpf_object__close(rig_objects.sa);
	bpf_object__close(rig_objects.selftest);
	return 0;
}

static int load_in_front(void)
{
	bool is_tunnel = rig_objects.of[PROGRAM_DECAPSULATE];

	rig_objects.in_front = rig_load(is_tunnel ? decapsulate_next_bpf__elf_bytes
						  : open_next_bpf__elf_bytes);
	rig_objects.programs[is_tunnel ? PROGRAM_DECAPSULATE : PROGRAM_OPEN] = rig_only_program(
		rig_objects.in_front);
	return rig_map_of(rig_objects.in_front, "next");
}

void rig_next(int verdict)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP,
		    .prog_flags = BPF_F_XDP_HAS_FRAGS);
	static int map = -1;
	uint32_t zero = 0;
	int program;

	if (map < 0)
		map = load_in_front();
	if (verdict == NEXT_LOST) {
		bpf_map_delete_elem(map, &zero);
		return;
	}
	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "next", "GPL", code, ARRAY_SIZE(code), &options);
	assert_return_code(program, errno);
	map_write(map, 0, &program);
	close(program);
}

void map_read(int map, uint32_t index, void *value)
{
	assert_return_code(bpf_map_lookup_elem(map, &index, value), errno);
}

void map_read_first(int map, uint32_t n, void *values)
{
	uint32_t indexes[n], next, count = n;

	assert_return_code(bpf_map_lookup_batch(map, NULL, &next, indexes, values, &count, NULL), errno);
	assert_int_equal(count, n);
}

void map_write(int map, uint32_t index, const void *value)
{
	assert_return_code(bpf_map_update_elem(map, &index, value, BPF_ANY), errno);
}

void rig_attach(enum program program)
{
	assert_return_code(
		bpf_xdp_attach(rig.device, rig_objects.programs[program], XDP_FLAGS_DRV_MODE, NULL), errno);
}

void rig_hop(bool present)
{
	struct xdpsec_config config = {
		.abi_version = XDPSEC_ABI_VERSION,
		.device = rig.device,
		.netns_cookie = rig.netns_cookie,
		.policy_generation = rig_policy_generation(),
	};

	memcpy(config.hop_secret, rig_hop_secret, sizeof(config.hop_secret));
	map_write(rig.maps.config, 0, &config);
	rig_device_slot(XDPSEC_DEVICE_NEAR, present ? rig.near : 0);
	rig_device_slot(XDPSEC_DEVICE_FAR, present ? rig.far : 0);
}

void rig_device_mtu(unsigned int mtu)
{
	struct ifreq request = { .ifr_name = "device", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	assert_return_code(ioctl(fd, SIOCSIFMTU, &request), errno);
	close(fd);
}

bool rig_kernel_pulls(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found = btf && btf__find_by_name_kind(btf, "bpf_xdp_pull_data", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return found;
}
