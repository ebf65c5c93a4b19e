// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading the objects, running their programs, and writing their maps. */
#include <arpa/inet.h>
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

#include "plane/bulk.h"
#include "plane/sa_abi.h"
#include "decapsulate.skel.h"
#include "decapsulate_fast.skel.h"
#include "decapsulate_next.skel.h"
#include "encapsulate.skel.h"
#include "encapsulate_fast.skel.h"
#include "fast_encapsulate.skel.h"
#include "hop.skel.h"
#include "keepalive.skel.h"
#include "near.skel.h"
#include "open.skel.h"
#include "open_next.skel.h"
#include "rig.h"
#include "sa.skel.h"
#include "seal.skel.h"
#include "selftest.skel.h"
#include "unit.h"

#define BPFFS "/sys/fs/bpf"

struct rig rig;

const uint32_t rig_hop_secret[4] = { 0x53454352, 0x45540000, 0, 0x00000001 };

static struct {
	struct bpf_object *of[PROGRAM_COUNT]; /* NULL: of the other mode */
	struct bpf_object *in_front, *near, *sa, *selftest, *fast_out, *fast_in, *encapsulate_fast;
	int programs[PROGRAMS];
} objects;

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

static void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s: failed", command);
}

/* Namespaces of this process only, which end with it in any case. */
static void enter_namespaces(void)
{
	assert_return_code(unshare(CLONE_NEWNET | CLONE_NEWNS), errno);
	assert_return_code(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
	assert_return_code(mount("bpf", BPFFS, "bpf", 0, NULL), errno);
}

/* They only have to exist, and have an MTU. */
static void make_devices(void)
{
	shell("ip link set lo up");
	shell("ip link add device mtu 9000 address " MAC_DEVICE " type veth peer name wire mtu 9000");
	shell("ip link add hop-near mtu 9000 type veth peer name hop-far mtu 9000");
	shell("for d in device wire hop-near hop-far; do ip link set $d up; done");
	rig.device = if_nametoindex("device");
	rig.near = if_nametoindex("hop-near");
	rig.far = if_nametoindex("hop-far");
	assert_true(rig.device && rig.near && rig.far);
}

static struct bpf_object *load(const void *(*bytes)(size_t *size))
{
	/* The objects share their maps by pins, as in production. */
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = BPFFS);
	size_t size;
	const void *image = bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(image, size, &options);

	assert_non_null(object);
	assert_return_code(bpf_object__load(object), errno);
	return object;
}

static int only_program(const struct bpf_object *object)
{
	return bpf_program__fd(bpf_object__next_program(object, NULL));
}

static int program_called(const struct bpf_object *object, const char *name)
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
		objects.of[i] = load(images[i]);
		objects.programs[i] = only_program(objects.of[i]);
	}
	if (mode == MODE_TUNNEL) {
		objects.near = load(near_bpf__elf_bytes);
		objects.programs[PROGRAM_NEAR] = only_program(objects.near);
		return;
	}
	objects.selftest = load(selftest_bpf__elf_bytes);
	objects.programs[PROGRAM_SEAL_VECTOR] = program_called(objects.selftest, "seal_vector");
	objects.programs[PROGRAM_OPEN_VECTOR] = program_called(objects.selftest, "open_vector");
}

static int map_of(const struct bpf_object *object, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	assert_return_code(fd, errno);
	return fd;
}

/* Every object has all of the maps that are shared. */
static void find_maps(const struct bpf_object *object)
{
	rig.maps.config = map_of(object, "config");
	rig.maps.policies = map_of(object, "policies");
	rig.maps.hosts = map_of(object, "hosts");
	rig.maps.peers = map_of(object, "peers");
	rig.maps.spis = map_of(object, "spis");
	rig.maps.sas = map_of(object, "sas");
	rig.maps.contexts = map_of(object, "contexts");
	rig.maps.sequences = map_of(object, "sequences");
	rig.maps.replay_windows = map_of(object, "replay_windows");
	rig.maps.ktops = map_of(object, "ktops");
	rig.maps.sa_counters = map_of(object, "sa_counters");
	rig.maps.drops = map_of(object, "drops");
	rig.maps.clear_fragments = map_of(object, "clear_fragments");
	rig.maps.endpoints = map_of(object, "endpoints");
	rig.maps.devices = map_of(object, "devices");
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
	for (size_t i = 0; i < ARRAY_SIZE(objects.programs); i++)
		objects.programs[i] = -1;
	objects.sa = load(sa_bpf__elf_bytes);
	load_mode(mode);
	find_maps(objects.sa);
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
		bpf_object__close(objects.of[i]);
	bpf_object__close(objects.in_front);
	bpf_object__close(objects.near);
	bpf_object__close(objects.fast_out);
	bpf_object__close(objects.fast_in);
	bpf_object__close(objects.encapsulate_fast);
	bpf_object__close(objects.sa);
	bpf_object__close(objects.selftest);
	return 0;
}

static int load_in_front(void)
{
	bool is_tunnel = objects.of[PROGRAM_DECAPSULATE];

	objects.in_front = load(is_tunnel ? decapsulate_next_bpf__elf_bytes : open_next_bpf__elf_bytes);
	objects.programs[is_tunnel ? PROGRAM_DECAPSULATE : PROGRAM_OPEN] = only_program(objects.in_front);
	return map_of(objects.in_front, "next");
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

static bool is_tc(enum program program)
{
	return program < PROGRAM_COUNT
		       ? plane_programs[program].hook != HOOK_XDP
		       : program == PROGRAM_SEAL_VECTOR || program == PROGRAM_ENCAPSULATE_FAST;
}

static bool is_of_far_end(enum program program)
{
	return program < PROGRAM_COUNT ? plane_programs[program].on_far : program == PROGRAM_ENCAPSULATE_FAST;
}

static int run(enum program program, const struct frame *in, struct frame *out, int *verdict, int times)
{
	struct __sk_buff context = {
		.ifindex = is_of_far_end(program) ? rig.far : rig.device,
		.ingress_ifindex = in->ingress,
		.gso_size = in->gso_size,
		.gso_segs = in->gso_size ? (in->length + in->gso_size - 1) / in->gso_size : 0,
	};
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.data_in = in->bytes,
		.data_size_in = in->length,
		.data_out = out->bytes,
		.data_size_out = sizeof(out->bytes),
		.repeat = times,
	};
	struct xdp_md xdp = {
		.data_end = in->linear ? in->linear : in->length,
		.ingress_ifindex = in->ingress ? in->ingress : (uint32_t)rig.device,
	};
	int err;

	memcpy(context.cb, in->cb, sizeof(in->cb));
	if (is_tc(program)) {
		options.ctx_in = options.ctx_out = &context;
		options.ctx_size_in = options.ctx_size_out = sizeof(context);
	} else {
		options.ctx_in = &xdp;
		options.ctx_size_in = sizeof(xdp);
	}
	err = bpf_prog_test_run_opts(objects.programs[program], &options);
	out->length = options.data_size_out;
	out->mark = context.mark;
	*verdict = options.retval;
	return err;
}

int rig_run(enum program program, const struct frame *in, struct frame *out)
{
	int verdict;

	assert_return_code(run(program, in, out, &verdict, 1), errno);
	return verdict;
}

int rig_repeat(enum program program, const struct frame *in, int times)
{
	static struct frame out;
	int verdict;

	assert_return_code(run(program, in, &out, &verdict, times), errno);
	return verdict;
}

bool rig_try(enum program program, const struct frame *in, struct frame *out, int *verdict)
{
	return run(program, in, out, verdict, 1) == 0;
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

static int run_syscall(const char *program, void *context, size_t size)
{
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.ctx_in = context,
		.ctx_size_in = size,
	};

	assert_return_code(bpf_prog_test_run_opts(program_called(objects.sa, program), &options), errno);
	return (int)options.retval;
}

uint32_t rig_slot(uint32_t sa)
{
	return sa == XDPSEC_NO_SA ? sa : sa / 2 * XDPSEC_SLOTS_PER_PEER + (sa % 2 ? XDPSEC_SLOTS_TO_SEAL : 0);
}

static void derive(uint32_t sa)
{
	uint32_t slot = rig_slot(sa);
	uint8_t frame[SA_DERIVE_FRAME_LEN] = {}, out[SA_DERIVE_FRAME_LEN];
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.data_in = frame,
		.data_size_in = sizeof(frame),
		.data_out = out,
		.data_size_out = sizeof(out),
		.repeat = 1,
	};

	memcpy(frame + SA_DERIVE_SLOT_OFFSET, &slot, sizeof(slot));
	assert_return_code(bpf_prog_test_run_opts(program_called(objects.sa, "sa_derive"), &options), errno);
	assert_int_equal(options.retval, 0);
}

void rig_sa_prepare(const struct rig_sa *sa)
{
	struct xdpsec_sa parameters = {
		.spi = sa->spi,
		.peer = sa->peer,
		.next_header = sa->next_header,
		.binding = sa->binding,
	};

	map_write(rig.maps.sas, rig_slot(sa->slot), &parameters);
	rig_sequence(sa->slot, sa->next, sa->limit);
	rig_window_reset(sa->slot);
}

void rig_sa_install(const struct rig_sa *sa)
{
	struct sa_install_args arguments = {
		.parameters = { .type = CRYPTO_TYPE_BULK, .algo = "ecb(aes)", .key_len = sa->key_length },
		.slot = rig_slot(sa->slot),
	};

	rig_sa_prepare(sa);
	memcpy(arguments.parameters.key, sa->key, sa->key_length);
	/* As the loader does: the module where it is there, else the kernel's own type. */
	if (run_syscall("sa_install", &arguments, sizeof(arguments))) {
		memcpy(arguments.parameters.type, CRYPTO_TYPE, sizeof(CRYPTO_TYPE));
		memcpy(arguments.parameters.key, sa->key, sa->key_length);
		assert_int_equal(run_syscall("sa_install", &arguments, sizeof(arguments)), 0);
	}
	assert_int_equal(arguments.error, 0);
	derive(sa->slot);
}

void rig_sa_remove(uint32_t slot)
{
	struct sa_remove_args arguments = { .slot = rig_slot(slot) };

	assert_int_equal(run_syscall("sa_remove", &arguments, sizeof(arguments)), 0);
}

void rig_sa_bind(uint32_t slot, enum xdpsec_binding binding)
{
	struct sa_bind_args arguments = { .slot = rig_slot(slot), .binding = binding };

	assert_int_equal(run_syscall("sa_bind", &arguments, sizeof(arguments)), 0);
}

/* Is it of IPv4? */
static bool policy_key(const char *prefix, struct xdpsec_prefix *key)
{
	char address[INET6_ADDRSTRLEN];
	unsigned int length;

	memset(key, 0, sizeof(*key));
	assert_int_equal(sscanf(prefix, "%45[^/]/%u", address, &length), 2);
	if (strchr(address, ':')) {
		key->length = length;
		assert_int_equal(inet_pton(AF_INET6, address, key->address), 1);
		return false;
	}
	key->length = 96 + length;
	memset(key->address + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, address, key->address + 12), 1);
	return true;
}

void rig_policy(const char *prefix, uint32_t peer, const struct xdpsec_ports *ports, uint32_t ranges)
{
	struct xdpsec_policy policy = { .peer = peer, .ranges = ranges };
	struct xdpsec_prefix key;

	policy.ipv4 = policy_key(prefix, &key);
	assert_true(ranges <= XDPSEC_MAX_PORT_RANGES);
	if (ranges)
		memcpy(policy.ports, ports, ranges * sizeof(*ports));
	assert_return_code(bpf_map_update_elem(rig.maps.policies, &key, &policy, BPF_ANY), errno);
}

void rig_policy_remove(const char *prefix)
{
	struct xdpsec_prefix key;

	policy_key(prefix, &key);
	assert_return_code(bpf_map_delete_elem(rig.maps.policies, &key), errno);
}

/* host_key: whether it is IPv4 */
static bool host_key(const char *address, struct xdpsec_prefix *key)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s/%d", address, strchr(address, ':') ? 128 : 32);
	return policy_key(prefix, key);
}

void rig_host(const char *address, uint32_t peer)
{
	struct xdpsec_policy policy = { .peer = peer, .ranges = 1, .ports = { { 0, 65535 } } };
	struct xdpsec_prefix key;

	policy.ipv4 = host_key(address, &key);
	assert_return_code(bpf_map_update_elem(rig.maps.hosts, key.address, &policy, BPF_ANY), errno);
}

void rig_host_remove(const char *address)
{
	struct xdpsec_prefix key;

	host_key(address, &key);
	assert_return_code(bpf_map_delete_elem(rig.maps.hosts, key.address), errno);
}

void rig_use_hosts(bool use)
{
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	config.hosts = use;
	map_write(rig.maps.config, 0, &config);
}

void rig_peer(uint32_t peer, uint32_t tx_sa)
{
	map_write(rig.maps.peers, peer, &(struct xdpsec_peer){ .tx_sa = rig_slot(tx_sa) });
}

void rig_spi(uint32_t spi, uint32_t sa)
{
	uint32_t slot = rig_slot(sa);

	map_write(rig.maps.spis, spi, &slot);
}

void rig_spi_remove(uint32_t spi)
{
	assert_return_code(bpf_map_delete_elem(rig.maps.spis, &spi), errno);
}

void rig_sequence(uint32_t slot, uint64_t next, uint64_t limit)
{
	map_write(rig.maps.sequences, rig_slot(slot),
		  &(struct xdpsec_sequence){ .next = next, .limit = limit });
}

uint64_t rig_sequence_next(uint32_t slot)
{
	struct xdpsec_sequence sequence;

	map_read(rig.maps.sequences, rig_slot(slot), &sequence);
	return sequence.next;
}

void rig_window_reset(uint32_t slot)
{
	map_write(rig.maps.replay_windows, rig_slot(slot), &(struct xdpsec_replay){});
}

void rig_fragments_forget(void)
{
	struct xdpsec_fragment key;

	while (bpf_map_get_next_key(rig.maps.clear_fragments, NULL, &key) == 0)
		assert_return_code(bpf_map_delete_elem(rig.maps.clear_fragments, &key), errno);
}

void rig_fragments_expire(void)
{
	struct xdpsec_fragment key, *previous = NULL;
	uint64_t past = 0;

	while (bpf_map_get_next_key(rig.maps.clear_fragments, previous, &key) == 0) {
		assert_return_code(bpf_map_update_elem(rig.maps.clear_fragments, &key, &past, BPF_ANY),
				   errno);
		previous = &key;
	}
}

void rig_attach(enum program program)
{
	assert_return_code(bpf_xdp_attach(rig.device, objects.programs[program], XDP_FLAGS_DRV_MODE, NULL),
			   errno);
}

bool rig_fragments_known(void)
{
	struct xdpsec_fragment key;

	return bpf_map_get_next_key(rig.maps.clear_fragments, NULL, &key) == 0;
}

void rig_hop(bool present)
{
	struct xdpsec_config config = {
		.abi_version = XDPSEC_ABI_VERSION,
		.device = rig.device,
		.netns_cookie = rig.netns_cookie,
	};

	memcpy(config.hop_secret, rig_hop_secret, sizeof(config.hop_secret));
	map_write(rig.maps.config, 0, &config);
	rig_device_slot(XDPSEC_DEVICE_NEAR, present ? rig.near : 0);
	rig_device_slot(XDPSEC_DEVICE_FAR, present ? rig.far : 0);
}

static void fill_bucket(const struct bpf_object *object)
{
	struct {
		uint64_t updated, tokens; /* answer.bpf.h; as long ago as can be, so that it is full */
	} buckets[libbpf_num_possible_cpus()];

	memset(buckets, 0, sizeof(buckets));
	map_write(map_of(object, "answer_tokens"), 0, buckets);
}

void rig_allow_answers(void)
{
	if (objects.of[PROGRAM_ENCAPSULATE]) {
		fill_bucket(objects.of[PROGRAM_ENCAPSULATE]);
	} else {
		fill_bucket(objects.of[PROGRAM_SEAL]);
		fill_bucket(objects.of[PROGRAM_HOP]);
	}
}

/* A per-CPU array of the program's own, as it was when it was loaded. */
static void wipe(const struct bpf_object *object, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	uint32_t elements = bpf_map__max_entries(map);
	size_t size = (bpf_map__value_size(map) + 7) / 8 * 8 * libbpf_num_possible_cpus();
	uint8_t zeros[size];

	memset(zeros, 0, size);
	for (uint32_t i = 0; i < elements; i++)
		map_write(bpf_map__fd(map), i, zeros);
}

void rig_allow_learning(void)
{
	wipe(objects.of[PROGRAM_DECAPSULATE], "path_learn_buckets");
}

void rig_destinations_forget(void)
{
	wipe(objects.of[PROGRAM_DECAPSULATE] ?: objects.of[PROGRAM_OPEN], "destinations");
}

size_t rig_bindings(enum program program, uint8_t kept[256][64])
{
	const struct bpf_map *map = bpf_object__find_map_by_name(objects.of[program], "bindings");
	int cpus = libbpf_num_possible_cpus();
	uint8_t elements[cpus][64];
	size_t used = 0;

	for (uint32_t i = 0; i < 256; i++) {
		map_read(bpf_map__fd(map), i, elements);
		memset(kept[i], 0, 64);
		for (int cpu = 0; cpu < cpus; cpu++)
			if (read32(elements[cpu]) | read32(elements[cpu] + 4))
				memcpy(kept[i], elements[cpu], 64);
		used += (read32(kept[i]) | read32(kept[i] + 4)) != 0;
	}
	return used;
}

void rig_bindings_forget(void)
{
	wipe(objects.of[PROGRAM_SEAL], "bindings");
	wipe(objects.of[PROGRAM_HOP], "bindings");
	wipe(objects.of[PROGRAM_OPEN], "bindings");
}

void rig_foreign_forget(void)
{
	wipe(objects.of[PROGRAM_DECAPSULATE], "foreign_addresses");
	wipe(objects.of[PROGRAM_DECAPSULATE], "foreign_looks");
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

static struct bpf_object *load_fast(const void *(*bytes)(size_t *size), uint32_t slot)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = BPFFS);
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
	assert_return_code(bpf_xdp_attach(device, objects.programs[program], XDP_FLAGS_DRV_MODE, NULL),
			   errno);
}

void rig_fast(void)
{
	struct xdpsec_fast_device underlay = { .index = rig.device }, lan = {};

	shell("ip link add lan mtu 9000 address " MAC_DEVICE " type veth peer name lan-host mtu 9000");
	shell("for d in lan lan-host; do ip link set $d up; done");
	shell("for d in lan-host wire; do ethtool -K $d gro on; done");
	rig.lan = if_nametoindex("lan");
	lan.index = rig.lan;
	objects.fast_out = load_fast(fast_encapsulate_bpf__elf_bytes, XDPSEC_FAST_UNDERLAY + 1);
	objects.fast_in = load_fast(decapsulate_fast_bpf__elf_bytes, XDPSEC_FAST_UNDERLAY);
	objects.encapsulate_fast = load(encapsulate_fast_bpf__elf_bytes);
	objects.programs[PROGRAM_FAST_OUT] = only_program(objects.fast_out);
	objects.programs[PROGRAM_FAST_IN] = only_program(objects.fast_in);
	objects.programs[PROGRAM_ENCAPSULATE_FAST] = only_program(objects.encapsulate_fast);
	rig.maps.fast_devices = map_of(objects.fast_out, "fast_devices");
	rig.maps.fast_packets = map_of(objects.fast_out, "fast_packets");
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

/* In one call: there are many. */
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
	wipe_pairs(objects.fast_out);
	wipe_pairs(objects.fast_in);
}
