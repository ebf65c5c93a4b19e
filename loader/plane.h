/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane of an instance as it lies in the kernel: its maps, its programs, and the tree of pins that
 * keeps them alive without us.
 *
 *	BPFFS/xdpsec/NAME/maps/MAP		the maps of include/xdpsec/maps.bpf.h, and `instance`,
 *						`peer_records`, `slots`
 *			 /programs/PROGRAM	inline mode: seal, hop, open; they can also be attached by hand
 *						tunnel mode: encapsulate, keepalive, decapsulate
 *			 /links/LINK		the TCX links: seal, hop; or encapsulate, keepalive
 *			 /{tc,xdp}/globals	with --no-attach: links to maps/ where iproute2 looks for them
 *			 /chain/ID		the map `next` of a program of a chain (chain.h)
 *
 * 1. While `up` builds it, it is BPFFS/xdpsec/_NAME (bpffs takes no name with a dot, and no NAME begins with
 *    "_"); the rename is the last step. Without the "_" it is whole.
 * 2. What is found under "_" belongs to an `up` or `down` that was killed, and may be removed (under the
 *    lock).
 * 3. `instance` says what an `up` is about to do before it does it, and `slots` what is about to
 *    be in a slot.
 * 4. A pin is input: nothing of it is used before its type, sizes and version have been compared.
 */
#ifndef XDPSEC_PLANE_H
#define XDPSEC_PLANE_H

#include <stdbool.h>
#include <limits.h>

#include "instance.h"
#include "kernel.h"
#include "programs.h"

#define PLANE_ROOT BPFFS "/xdpsec"

/* X(identifier, name, type, key size, value size, entries). Sizes of 0 are those of a type that only the
 * programs know. */
#define PLANE_MAPS(X)                                                                                        \
	X(CONFIG, "config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xdpsec_config), 1)                          \
	X(DEVICES, "devices", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1)                                           \
	X(DEVICE_SLOTS, "device_slots", BPF_MAP_TYPE_DEVMAP, 4, 4, XDPSEC_DEVICE_COUNT)                      \
	X(POLICIES, "policies", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct xdpsec_prefix),                         \
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
	  XDPSEC_MAX_SAS)                                                                                    \
	X(DROPS, "drops", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, XDPSEC_DROP_COUNT)                                \
	X(SCRATCH, "scratch", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0, 1)                                            \
	X(CLEAR_FRAGMENTS, "clear_fragments", BPF_MAP_TYPE_LRU_HASH, sizeof(struct xdpsec_fragment), 0,      \
	  XDPSEC_MAX_FRAGMENTS)                                                                              \
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
	char directory[NAME_MAX]; /* under BPFFS; empty: nothing is pinned, it ends with the process */
	int maps[MAP_COUNT];	  /* -1: not there */
	enum mode mode;		  /* which programs are loaded, and what SAs carry */
	struct bpf_object *sa;	  /* the programs that change SAs (sa.bpf.c); NULL: not loaded */
	struct bpf_object *objects[PROGRAM_COUNT]; /* NULL: not loaded */
};

/* Before anything else is done with it. */
void plane_init(struct plane *plane);
void plane_close(struct plane *plane);
/* Close its objects, and with them the references to the programs. */
void plane_unload(struct plane *plane);
#define _cleanup_plane_ __attribute__((cleanup(plane_close)))

/*
 * One command at a time changes anything: *fd is to be closed at the end, which also removes the directory
 * of all instances when the last one is gone. 0, or -errno after a message.
 */
int plane_lock(int *fd);
void plane_unlock(int *fd);
#define _cleanup_plane_lock_ __attribute__((cleanup(plane_unlock)))

/* Is there a whole one (staged: a leftover) of that name? */
bool plane_exists(const char *name, bool staged);

/*
 * Open the maps of an existing one. For a leftover (staged), maps that are not there are no error. 0, or
 * -errno after a message: -ENOENT no such instance, -EPROTO made by another version.
 */
int plane_open(struct plane *plane, const char *name, bool staged);

/* The same; but -EPROTO comes without a message, and without the maps that differ. */
int plane_open_any(struct plane *plane, const char *name, bool staged);

/*
 * What is pinned under the names of our maps, whatever it is. Good for telling by their ids which programs
 * are the instance's; what their elements mean is not known.
 */
void plane_open_foreign(struct plane *plane, const char *name, bool staged);

/* The maps that the program uses, or keeps by attach_xdp(), of an instance that has no pins any more. -errno
 * without a message. */
int plane_open_by_program(struct plane *plane, int program);

/* Call each for every pin under links/, also when it fails for one before. 0, or what it said first. */
int plane_each_link(const struct plane *plane, int (*each)(const struct plane *plane, const char *name));

/* What an instance of any version says of itself. version is empty where that is not recorded. -errno without
 * a message. */
int plane_head(const char *name, bool staged, struct instance_head *head);
/* All that one of this version says of itself; -EPROTO: of another one. -errno without a message. */
int plane_peek(const char *name, bool staged, struct instance *instance);

/* The peers of an instance, XDPSEC_MAX_PEERS of them; -errno without a message. */
int plane_peek_peers(const char *name, bool staged, struct peer_record *records);

/* Make the staging directories and the three maps of user space. 0, or -errno after a message. */
int plane_create(struct plane *plane, const char *name);

/*
 * iproute2 has no option for the directory of an object's maps: it takes $TC_BPF_MNT/{tc,xdp}/globals
 * (lib/bpf_legacy.c, bpf_get_work_dir). With links there that lead to maps/, TC_BPF_MNT=DIRECTORY makes `tc`
 * and `ip` use them. 0, or -errno after a message.
 */
int plane_link_for_iproute2(const struct plane *plane);

/* The rename: from here on it is up. */
int plane_publish(struct plane *plane);

/* The rename back: from here on it is a leftover, so that whoever finds it half removed knows what to do. */
int plane_withdraw(struct plane *plane);

/* Remove the pins, where there are any. What is attached through links is detached by that. */
int plane_remove(struct plane *plane);

/* The path of a pin: "maps", "programs" or "links", and its name. */
void plane_pin(const struct plane *plane, const char *kind, const char *name, char *path, size_t size);

/* Is a command at work that changes things? */
bool plane_busy(void);

/* Call each for every whole instance (staged: for every leftover, or what a command is at work on), in the
 * order of their names, until it returns other than 0. */
int plane_each(bool staged, int (*each)(const char *name, void *data), void *data);

/* Elements of the maps of user space. 0, or -errno after a message. */
int plane_read_instance(const struct plane *plane, struct instance *instance);
int plane_write_instance(const struct plane *plane, const struct instance *instance);
int plane_write_peer(const struct plane *plane, __u32 index, const struct peer_record *record);

/* An element of any map, by key. 0, or -errno after a message that names the map. */
int plane_read(const struct plane *plane, enum plane_map map, const void *key, void *value);
int plane_write(const struct plane *plane, enum plane_map map, const void *key, const void *value);

/* The next element of a map after *key; with first the first one. False: there is no more. */
bool plane_next(const struct plane *plane, enum plane_map map, bool first, void *key);

/* All elements of an array map at once, in the order of their keys, from or to values. */
int plane_read_all(const struct plane *plane, enum plane_map map, void *values);
int plane_write_all(const struct plane *plane, enum plane_map map, const void *values);

/* Have the program keep the instance's maps, also those that it does not use: what ends with its pins can be
 * told, and taken down, by the program that does not. */
void plane_keep_maps(const struct plane *plane, int program);

/* The name of a map, for messages and pins. */
const char *plane_map_name(enum plane_map map);

#endif
