// SPDX-License-Identifier: GPL-2.0-or-later
/* The instance and the agent of an agreed peer, over the maps of rig.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "unit.h"
#include "agree_rig.h"

#define INSTANCE "unit"
#define PINS PLANE_ROOT "/" INSTANCE
#define KEYS 8

struct agree agent;
struct xdpsec_event events[EVENTS_MAX];
int n_events;

static struct oracle *oracles[KEYS];
static struct plane plane;

static const struct {
	const char *name;
	uint32_t type, key, value, entries;
} tables[] = {
#define TABLE(id, name, type, key, value, entries) { name, type, key, value, entries },
	PLANE_MAPS(TABLE)
#undef TABLE
};

/* Pins of the rig are of no instance: pin the maps once more, as those of one that is up. */
static void pin_instance(void)
{
	static const char *const directories[] = { PLANE_ROOT, PINS, PINS "/maps" };
	struct instance instance = { .abi_version = XDPSEC_ABI_VERSION, .mode = MODE_TUNNEL };
	char from[PATH_MAX], to[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		assert_return_code(mkdir(directories[i], 0700), errno);
	for (int i = 0; i < MAP_COUNT; i++) {
		int fd;

		snprintf(from, sizeof(from), "/sys/fs/bpf/%s", tables[i].name);
		snprintf(to, sizeof(to), PINS "/maps/%s", tables[i].name);
		fd = bpf_obj_get(from);
		if (fd < 0)
			fd = bpf_map_create(tables[i].type, tables[i].name, tables[i].key, tables[i].value,
					    tables[i].entries, NULL);
		assert_return_code(fd, errno);
		assert_return_code(bpf_obj_pin(fd, to), errno);
		close(fd);
	}
	plane_init(&plane);
	assert_int_equal(plane_open(&plane, INSTANCE, false), 0);
	assert_int_equal(plane_write_instance(&plane, &instance), 0);
	plane_close(&plane);
	assert_int_equal(plane_open(&plane, INSTANCE, false), 0);
	assert_int_equal(plane.mode, MODE_TUNNEL);
}

static void take_event(void *data, const struct xdpsec_event *event)
{
	(void)data;
	assert_true(n_events < EVENTS_MAX);
	events[n_events++] = *event;
}

void agree_rig_open(struct agree *agree)
{
	agree_init(agree);
	assert_int_equal(agree_open(agree, INSTANCE, take_event, NULL), 0);
}

int agree_setup(void **state)
{
	uint8_t key[32];

	tunnel_setup(state);
	pin_instance();
	assert_int_equal(agree_set_peer(&plane, AGREED_PEER, AGREED_HASH), 0);
	agree_rig_open(&agent);
	for (int i = 0; i < KEYS; i++) {
		fill_pattern(key, sizeof(key), 0x61670000 + i);
		oracles[i] = oracle_new(key, 16);
	}
	return 0;
}

int agree_teardown(void **state)
{
	for (int i = 0; i < KEYS; i++)
		oracle_free(oracles[i]);
	agree_close(&agent);
	plane_close(&plane);
	return tunnel_teardown(state);
}

int agree_reset(void **state)
{
	const struct xdpsec_activity none = {};

	tunnel_reset(state);
	for (uint32_t k = 0; k < XDPSEC_SLOTS_PER_PEER; k++)
		agreed_erase(AGREED_TX + k);
	map_write(plane.maps[MAP_ACTIVITY], AGREED_PEER, &none);
	map_write(plane.maps[MAP_PEERS], AGREED_PEER, &(struct xdpsec_peer){ .tx_sa = XDPSEC_NO_SA });
	agree_rig_events();
	return 0;
}

uint64_t boot_time(int seconds)
{
	struct timespec now;

	assert_return_code(clock_gettime(CLOCK_BOOTTIME, &now), errno);
	return (now.tv_sec + seconds) * 1000000000ULL + now.tv_nsec;
}

struct agreement_sa agreed_sa(uint32_t slot, uint32_t generation)
{
	bool seals = slot % XDPSEC_SLOTS_PER_PEER < XDPSEC_SLOTS_TO_SEAL;

	return (struct agreement_sa){
		.peer = slot / XDPSEC_SLOTS_PER_PEER,
		.slot = slot,
		.spi = AGREED_SPI + slot,
		.seals = seals,
		.event = !seals,
		.record = {
			.key_hash = AGREED_HASH,
			.peer_life = 0x1111,
			.own_life = 0x2222,
			.birth = boot_time(0),
			.deadline = boot_time(AGREED_LIFE),
			.since = boot_time(0),
			.slot = slot,
			.partner = AGREEMENT_NO_SLOT,
			.spi_rx = AGREED_SPI + slot,
			.spi_tx = AGREED_SPI + slot,
			.generation = generation,
			.reject_after = 540,
			.state = AGREEMENT_CONFIRMED,
			.suite = 1,
		},
	};
}

int agreed_install_as(const struct agree *agree, const struct agreement_sa *sa, int key, uint64_t *id)
{
	static const uint8_t zeros[AGREEMENT_KEY_LEN];
	struct agreement_key secret = { .length = 16 };
	__u64 given = 0;
	int err;

	fill_pattern(secret.bytes, sizeof(secret.bytes), 0x61670000 + key);
	err = agree_install(agree, sa, "aes", &secret, &given);
	assert_memory_equal(secret.bytes, zeros, sizeof(zeros));
	if (id)
		*id = given;
	return err;
}

uint64_t agreed_use(const struct agreement_sa *sa, int key)
{
	uint64_t id;

	assert_int_equal(agreed_install_as(&agent, sa, key, &id), 0);
	assert_int_equal(agree_link(&agent, sa->slot), 0);
	assert_int_not_equal(id, 0);
	return id;
}

void agreed_erase(uint32_t slot)
{
	int err = agree_unlink(&agent, slot);

	if (err == -ENOENT)
		return;
	assert_true(err == 0 || err == -EBUSY);
	assert_int_equal(agree_grace(&agent), 0);
	assert_int_equal(agree_erase(&agent, slot), 0);
}

struct packet agreed_sealed(int key, uint32_t spi, uint8_t next_header, uint64_t sequence, const void *plain,
			    size_t n, uint8_t *buffer)
{
	const struct tunnel_peer *peer = &tunnel_peers[AGREED_PEER];
	struct packet outer = packet_udp(peer->endpoint, peer->port, buffer, 0);

	outer.tos = 0;
	outer.ttl = 64;
	outer.flow_label = 0;
	outer.id = 0;
	outer.source_port = TUNNEL_PORT;
	outer.udp_checksum = 0;
	outer.length = oracle_seal(oracles[key], spi, next_header, sequence, NULL, plain, n, buffer);
	return outer;
}

struct packet agreed_incoming(int key, uint32_t spi, uint64_t sequence, uint8_t *buffer)
{
	static const uint8_t text[40];
	static uint8_t bytes[FRAME_MAX];
	struct packet inner = tunnel_inner_from(INNER_NO_SA4, text, sizeof(text)), outer;
	size_t length = tunnel_inner_bytes(&inner, bytes);

	outer = packet_reversed(agreed_sealed(key, spi, NEXT_IPV4, sequence, bytes, length, buffer));
	outer.ingress = rig.device;
	outer.tos = inner.tos;
	return outer;
}

int agree_rig_events(void)
{
	n_events = 0;
	assert_true(agree_events(&agent) >= 0);
	return n_events;
}

static const enum plane_map watched[] = {
	MAP_PEERS,	MAP_SAS,       MAP_CONTEXTS, MAP_SEQUENCES, MAP_REPLAY_WINDOWS, MAP_ENDPOINTS,
	MAP_AGREEMENTS, MAP_DEADLINES, MAP_AGREED,   MAP_ACTIVITY,  MAP_CONFIG,		MAP_INSTANCE_OWNER,
};

struct snapshot {
	bool whole;
	void *maps[ARRAY_SIZE(watched)];
	uint32_t spis[64], slots[64];
	size_t n_spis;
};

/* How many elements. */
static uint32_t n_of(enum plane_map map, bool whole)
{
	uint32_t few = XDPSEC_SLOTS_PER_PEER * (TUNNEL_PEERS + 2);

	return whole || tables[map].entries < few ? tables[map].entries : few;
}

static size_t bytes_of(enum plane_map map, bool whole)
{
	return (size_t)tables[map].value * n_of(map, whole);
}

struct snapshot *snapshot_take(bool whole)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	uint32_t spi;

	assert_non_null(snapshot);
	snapshot->whole = whole;
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		snapshot->maps[i] = calloc(1, bytes_of(watched[i], whole));
		assert_non_null(snapshot->maps[i]);
		map_read_first(plane.maps[watched[i]], n_of(watched[i], whole), snapshot->maps[i]);
	}
	for (bool first = true; plane_next(&plane, MAP_SPIS, first, &spi); first = false) {
		size_t n = snapshot->n_spis++;

		assert_true(n < ARRAY_SIZE(snapshot->spis));
		snapshot->spis[n] = spi;
		assert_int_equal(plane_read(&plane, MAP_SPIS, &spi, &snapshot->slots[n]), 0);
	}
	return snapshot;
}

bool snapshot_is_same(const struct snapshot *a, const struct snapshot *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		if (memcmp(a->maps[i], b->maps[i], bytes_of(watched[i], a->whole)) != 0) {
			print_message("# map %s differs\n", tables[watched[i]].name);
			return false;
		}
	return a->n_spis == b->n_spis && memcmp(a->spis, b->spis, sizeof(a->spis)) == 0 &&
	       memcmp(a->slots, b->slots, sizeof(a->slots)) == 0;
}

void snapshot_free(struct snapshot *snapshot)
{
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		free(snapshot->maps[i]);
	free(snapshot);
}
