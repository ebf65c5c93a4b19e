/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane of an instance in the kernel: its maps, its programs, and the tree of pins that keeps them
 * alive without a process. docs/architecture.md has the tree, and its invariants.
 *
 * bpffs accepts no name with a dot, and no NAME begins with "_": so `_NAME` is the name that an instance has
 * while it is built, and when it is left.
 */
#ifndef XDPSEC_PLANE_H
#define XDPSEC_PLANE_H

#include <stdbool.h>
#include <limits.h>

#include "base/kernel.h"
#include "plane/instance.h"
#include "plane/programs.h"

#define PLANE_ROOT BPFFS "/xdpsec"

/* X(identifier, name, type, key size, value size, entries). A size of 0 is that of a type that only the
 * programs know. */
#define PLANE_MAPS(X)                                                                                        \
	X(CONFIG, "config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_config), 1)                          \
	X(DEVICES, "devices", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1)                                           \
	X(DEVICE_SLOTS, "device_slots", BPF_MAP_TYPE_DEVMAP, 4, 4, XDPSEC_DEVICE_COUNT)                      \
	X(POLICIES, "policies", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct xdpsec_prefix),                         \
	  sizeof(struct xdpsec_policy), XDPSEC_MAX_PREFIXES)                                                 \
	X(HOSTS, "hosts", BPF_MAP_TYPE_HASH, sizeof(((struct xdpsec_prefix *)0)->address),                   \
	  sizeof(struct xdpsec_policy), XDPSEC_MAX_PREFIXES)                                                 \
	X(PEERS, "peers", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_peer), XDPSEC_MAX_PEERS)               \
	X(ENDPOINTS, "endpoints", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_endpoint), XDPSEC_MAX_PEERS)   \
	X(SPIS, "spis", BPF_MAP_TYPE_HASH, 4, 4, XDPSEC_MAX_SAS)                                             \
	X(SAS, "sas", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_sa), XDPSEC_MAX_SAS)                       \
	X(CONTEXTS, "contexts", BPF_MAP_TYPE_ARRAY, 4, 8, XDPSEC_MAX_SAS)                                    \
	X(SEQUENCES, "sequences", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_sequence), XDPSEC_MAX_SAS)     \
	X(REPLAY_WINDOWS, "replay_windows", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_replay),             \
	  XDPSEC_MAX_SAS)                                                                                    \
	X(KTOPS, "ktops", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct xdpsec_ktop), XDPSEC_MAX_SAS)          \
	X(SA_COUNTERS, "sa_counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct xdpsec_counters),          \
	  XDPSEC_MAX_COUNTERS)                                                                               \
	X(SA_IDS, "sa_ids", BPF_MAP_TYPE_ARRAY, 4, 8, 1)                                                     \
	X(DROPS, "drops", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, XDPSEC_DROP_COUNT)                                \
	X(SCRATCH, "scratch", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0, 1)                                            \
	X(CLEAR_FRAGMENTS, "clear_fragments", BPF_MAP_TYPE_LRU_HASH, sizeof(struct xdpsec_fragment), 0,      \
	  XDPSEC_MAX_FRAGMENTS)                                                                              \
	X(AGREEMENTS, "agreements", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_agreement), XDPSEC_MAX_SAS)  \
	X(DEADLINES, "deadlines", BPF_MAP_TYPE_ARRAY, 4, 8, XDPSEC_MAX_SAS)                                  \
	X(AGREED, "agreed", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_agreed), XDPSEC_MAX_PEERS)           \
	X(ACTIVITY, "activity", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_activity), XDPSEC_MAX_PEERS)     \
	X(INSTANCE_OWNER, "instance_owner", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_owner), 1)           \
	X(ASKING, "asking", BPF_MAP_TYPE_HASH, 4, 4, XDPSEC_MAX_ASKING)                                      \
	X(EVENTS, "events", BPF_MAP_TYPE_RINGBUF, 0, 0, XDPSEC_EVENTS_BYTES)                                 \
	X(FAST_DEVICES, "fast_devices", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_fast_device),            \
	  XDPSEC_FAST_DEVICES)                                                                               \
	X(FAST_PACKETS, "fast_packets", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, XDPSEC_FAST_DIRECTIONS)             \
	X(INSTANCE, "instance", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct instance), 1)                           \
	X(PEER_RECORDS, "peer_records", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct peer_record), XDPSEC_MAX_PEERS) \
	X(SLOTS, "slots", BPF_MAP_TYPE_HASH, 4, sizeof(struct sa_record), XDPSEC_MAX_SAS)

enum plane_map {
#define PLANE_ENUM(id, ...) MAP_##id,
	PLANE_MAPS(PLANE_ENUM)
#undef PLANE_ENUM
		MAP_COUNT,
};

struct bpf_object;

struct plane {
	char name[XDPSEC_NAME_LEN];
	char directory[NAME_MAX]; /* under BPFFS; empty: nothing is pinned, the plane ends with the process */
	int maps[MAP_COUNT];	  /* -1: not there */
	enum mode mode;		  /* which programs are loaded, and what SAs carry */
	bool fast;		  /* there is a fast path: other variants of the programs */
	bool fast_no_firewall;	  /* it asks no flowtable */
	struct bpf_object *sa;	  /* the programs that change SAs (sa.bpf.c); NULL: not loaded */
	struct bpf_object *objects[PROGRAM_COUNT]; /* NULL: not loaded */
};

/* Call it before anything else. */
void plane_init(struct plane *plane);
void plane_close(struct plane *plane);
/* Close its objects, and with them the references to the programs. */
void plane_unload(struct plane *plane);
#define _cleanup_plane_ __attribute__((cleanup(plane_close)))

/*
 * Lock: one command at a time changes instances. Close *fd at the end, which also removes the directory of
 * all instances when the last one is gone. 0, or -errno after a message.
 */
int plane_lock(int *fd);
void plane_unlock(int *fd);
#define _cleanup_plane_lock_ __attribute__((cleanup(plane_unlock)))

/* Is there a whole instance (staged: a leftover) of that name? */
bool plane_exists(const char *name, bool staged);

/*
 * Open the maps of an instance. Missing maps of a leftover (staged) are no error. 0, or -errno after a
 * message: -ENOENT no such instance, -EPROTO made by another version.
 */
int plane_open(struct plane *plane, const char *name, bool staged);

/* The same, but with -EPROTO there is no message, and the maps that differ are missing. */
int plane_open_any(struct plane *plane, const char *name, bool staged);

/*
 * Open everything that is pinned under the names of our maps, of any layout. The ids of the maps tell which
 * programs belong to the instance; their elements must not be read.
 */
void plane_open_foreign(struct plane *plane, const char *name, bool staged);

/* Open the maps that the program uses, or keeps by attach_xdp(), of an instance without pins. -errno
 * without a message. */
int plane_open_by_program(struct plane *plane, int program);

/* Call each for every pin under links/, even after a failure. 0, or the first error. */
int plane_each_link(const struct plane *plane, int (*each)(const struct plane *plane, const char *name));

/* Read the head of an instance of any version. version is empty if it was not recorded. -errno without a
 * message. */
int plane_head(const char *name, bool staged, struct instance_head *head);
/* Read the whole record of an instance of this version; -EPROTO: another version. -errno without a
 * message. */
int plane_peek(const char *name, bool staged, struct instance *instance);

/* Read the records of all XDPSEC_MAX_PEERS peers of an instance. -errno without a message. */
int plane_peek_peers(const char *name, bool staged, struct peer_record *records);

/* Make the staging directories and the three maps of user space. 0, or -errno after a message. */
int plane_create(struct plane *plane, const char *name);

/*
 * Make links for iproute2. It has no option for the directory of an object's maps: it uses
 * $TC_BPF_MNT/{tc,xdp}/globals (lib/bpf_legacy.c, bpf_get_work_dir). With links there to maps/,
 * TC_BPF_MNT=DIRECTORY makes `tc` and `ip` use them. 0, or -errno after a message.
 */
int plane_link_for_iproute2(const struct plane *plane);

/* Rename it: from now on it is up. */
int plane_publish(struct plane *plane);

/* Rename it back: from now on it is a leftover. So whoever finds it half removed knows that. */
int plane_withdraw(struct plane *plane);

/* Remove the pins that exist. Programs attached through links are detached by that. */
int plane_remove(struct plane *plane);

/* The path of a pin: kind is "maps", "programs" or "links". */
void plane_pin(const struct plane *plane, const char *kind, const char *name, char *path, size_t size);

/* Is another command changing instances now? */
bool plane_busy(void);

/* Call each for every whole instance (staged: for every leftover, or instance that a command is working
 * on), in the order of their names, until it returns other than 0. */
int plane_each(bool staged, int (*each)(const char *name, void *data), void *data);

/* Read or write elements of the maps of user space. 0, or -errno after a message. */
int plane_read_instance(const struct plane *plane, struct instance *instance);
int plane_write_instance(const struct plane *plane, const struct instance *instance);
int plane_write_peer(const struct plane *plane, __u32 index, const struct peer_record *record);

/* Read or write an element of any map, by key. 0, or -errno after a message with the map's name. */
int plane_read(const struct plane *plane, enum plane_map map, const void *key, void *value);
/* The packets of the instance that were dropped, by reason. 0, or -errno after a message. */
int plane_read_drops(const struct plane *plane, __u64 drops[XDPSEC_DROP_COUNT]);

int plane_write(const struct plane *plane, enum plane_map map, const void *key, const void *value);

/* The next element of a map after *key, or the first one. False: no more. */
bool plane_next(const struct plane *plane, enum plane_map map, bool first, void *key);

/* Read or write all elements of an array map at once, in the order of their keys. */
int plane_read_all(const struct plane *plane, enum plane_map map, void *values);
int plane_write_all(const struct plane *plane, enum plane_map map, const void *values);

/* Make the program keep all maps of the instance, also those that it does not use. If the pins are lost,
 * the instance can be identified, and taken down, by the program. */
void plane_keep_maps(const struct plane *plane, int program);

/* The name of a map, for messages and pins. */
const char *plane_map_name(enum plane_map map);

#endif
