// SPDX-License-Identifier: GPL-2.0-or-later
/* The memory of the programs from packet to packet: a test looks at it, and wipes it. */
#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "rig_objects.h"
#include "unit.h"

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

bool rig_fragments_known(void)
{
	struct xdpsec_fragment key;

	return bpf_map_get_next_key(rig.maps.clear_fragments, NULL, &key) == 0;
}

static void fill_bucket(const struct bpf_object *object)
{
	struct {
		uint64_t updated, tokens; /* answer.bpf.h; as long ago as can be, so that it is full */
	} buckets[libbpf_num_possible_cpus()];

	memset(buckets, 0, sizeof(buckets));
	map_write(rig_map_of(object, "answer_tokens"), 0, buckets);
}

void rig_allow_answers(void)
{
	if (rig_objects.of[PROGRAM_ENCAPSULATE]) {
		fill_bucket(rig_objects.of[PROGRAM_ENCAPSULATE]);
	} else {
		fill_bucket(rig_objects.of[PROGRAM_SEAL]);
		fill_bucket(rig_objects.of[PROGRAM_HOP]);
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

/* The offset of a member of a map's values, which are the programs' own, in bytes. */
static uint32_t value_member(const struct bpf_object *object, const struct bpf_map *map, const char *name)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));

	for (uint32_t i = 0; i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), name) == 0)
			return btf_member_bit_offset(type, i) / 8;
	fail_msg("the values of %s have no %s", bpf_map__name(map), name);
	return 0;
}

void rig_set_times(const struct bpf_object *object, const char *map_name, const char *member, uint64_t time)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, map_name);
	uint32_t offset = value_member(object, map, member);
	size_t size = bpf_map__value_size(map);
	int cpus = libbpf_num_possible_cpus();
	uint8_t values[cpus][size];

	assert_int_equal(size % 8, 0);
	for (uint32_t i = 0; i < bpf_map__max_entries(map); i++) {
		map_read(bpf_map__fd(map), i, values);
		for (int cpu = 0; cpu < cpus; cpu++)
			memcpy(values[cpu] + offset, &time, sizeof(time));
		map_write(bpf_map__fd(map), i, values);
	}
}

void rig_policies_keep_until(uint64_t time)
{
	rig_set_times(rig_objects.of[PROGRAM_SEAL], "policies_kept", "until", time);
	rig_set_times(rig_objects.of[PROGRAM_HOP], "policies_kept", "until", time);
	rig_set_times(rig_objects.of[PROGRAM_OPEN], "policies_kept", "until", time);
}

void rig_allow_learning(void)
{
	wipe(rig_objects.of[PROGRAM_DECAPSULATE], "path_learn_buckets");
}

void rig_destinations_forget(void)
{
	wipe(rig_objects.of[PROGRAM_DECAPSULATE] ?: rig_objects.of[PROGRAM_OPEN], "destinations");
}

size_t rig_bindings(enum program program, uint8_t kept[256][64])
{
	const struct bpf_map *map = bpf_object__find_map_by_name(rig_objects.of[program], "bindings");
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
	wipe(rig_objects.of[PROGRAM_SEAL], "bindings");
	wipe(rig_objects.of[PROGRAM_HOP], "bindings");
	wipe(rig_objects.of[PROGRAM_OPEN], "bindings");
}

void rig_foreign_forget(void)
{
	wipe(rig_objects.of[PROGRAM_DECAPSULATE], "foreign_addresses");
	wipe(rig_objects.of[PROGRAM_DECAPSULATE], "foreign_looks");
}
