// SPDX-License-Identifier: GPL-2.0-or-later
/* Joining and leaving the chain of XDP programs on a device, and finding what is in it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "plane/chain.h"
#include "plane/map_id.h"
#include "plane/objects.h"
#include "plane/self.h"

/* The map's name in programs that have a successor. */
#define NEXT "next"

struct member {
	const struct sharer *owner; /* NULL: the instance that is being attached */
	int fd;			    /* of its program; -1: to be loaded */
	__u32 id;		    /* of the program */
	__u32 array;		    /* id of its map `next`; 0: none, as it is the last one */
};

struct chain {
	struct sharers sharers;
	struct member members[SHARERS_MAX];
	size_t n;
	__u8 mode; /* XDP_ATTACHED_DRV or _SKB */
};

static void chain_close(struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		cleanup_close(&chain->members[i].fd);
	sharers_free(&chain->sharers);
	chain->n = 0;
}

#define _cleanup_chain_ __attribute__((cleanup(chain_close)))

/* ---- what is there ------------------------------------------------------------------------------------ */

static int map_info(__u32 id, struct bpf_map_info *info)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
	__u32 length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, info, &length);
}

static const struct sharer *owner_of(const struct sharers *sharers, __u32 map)
{
	for (size_t i = 0; i < sharers->n; i++)
		if (map && sharers->list[i].drops_map == map)
			return &sharers->list[i];
	return NULL;
}

/* Find the owner of the program, and its successor. */
static int identify(struct member *member, const struct sharers *sharers)
{
	__u32 ids[PROGRAM_MAPS_MAX];
	struct bpf_map_info map;
	size_t n;
	int err = program_map_ids(member->fd, ids, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (!member->owner)
			member->owner = owner_of(sharers, ids[i]);
		if (map_info(ids[i], &map) == 0 && map.type == BPF_MAP_TYPE_PROG_ARRAY)
			member->array = ids[i];
	}
	return member->owner ? 0 : -ENOENT;
}

/* The id of the program in the map; 0: none, or the map was emptied. */
static __u32 program_in(__u32 array)
{
	_cleanup_close_ int fd = array ? bpf_map_get_fd_by_id(array) : -1;
	__u32 key = 0, program = 0;

	return fd >= 0 && bpf_map_lookup_elem(fd, &key, &program) == 0 ? program : 0;
}

/* Read the chain from the device's program on, as long as programs belong to instances. Empty if the first
 * is somebody else's, or libxdp's dispatcher. */
static int read_members(struct chain *chain, unsigned int index)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct member *member;
	__u32 id;

	/* No such device, so there is no program on it. */
	if (bpf_xdp_query((int)index, 0, &query))
		return 0;
	chain->mode = query.attach_mode;
	for (id = query.prog_id; id && chain->n < SHARERS_MAX; id = program_in(member->array)) {
		member = &chain->members[chain->n];
		*member = (struct member){ .id = id, .fd = bpf_prog_get_fd_by_id(id) };
		/* An ordinary user has no permission. */
		if (member->fd == -EPERM)
			return 0;
		if (member->fd < 0)
			return fail(-member->fd, "cannot open the XDP program %u: %s", id,
				    strerror(-member->fd));
		if (identify(member, &chain->sharers)) {
			close(member->fd);
			break;
		}
		chain->n++;
	}
	return 0;
}

static int chain_open(struct chain *chain, unsigned int index)
{
	int err;

	memset(chain, 0, sizeof(*chain));
	err = sharers_find(&chain->sharers, index);
	return err ?: read_members(chain, index);
}

/* Compared by a map: beside a whole instance there may be the rest of one of the same name. */
static bool member_is_of(const struct member *member, const struct plane *plane)
{
	__u32 id = map_id(plane->maps[MAP_DROPS]);

	return id && member->owner->drops_map == id;
}

static size_t position_of(const struct chain *chain, const struct plane *plane)
{
	size_t i = 0;

	while (i < chain->n && !member_is_of(&chain->members[i], plane))
		i++;
	return i;
}

static enum xdp_in_use in_use_of(const struct chain *chain)
{
	return chain->mode == XDP_ATTACHED_SKB ? XDP_IN_USE_GENERIC : XDP_IN_USE_NATIVE;
}

enum xdp_in_use chain_has(const struct plane *plane, unsigned int index)
{
	_cleanup_chain_ struct chain chain;

	if (chain_open(&chain, index) || position_of(&chain, plane) == chain.n)
		return XDP_IN_USE_NONE;
	return in_use_of(&chain);
}

/* Is this a chain that others may join? Programs of an instance that is on another device were attached by
 * hand, or came with a device that was moved. */
static bool is_for_joining(const struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (!chain->members[i].owner->here)
			return false;
	return chain->n > 0;
}

bool chain_is_there(unsigned int index)
{
	_cleanup_chain_ struct chain chain;

	return chain_open(&chain, index) == 0 && is_for_joining(&chain);
}

/* ---- making another one ------------------------------------------------------------------------------- */

static int pin_array(const struct plane *plane, struct member *member, int array)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	char path[PATH_MAX], id[16];

	if (bpf_obj_get_info_by_fd(array, &info, &length))
		return fail(errno, "%s: cannot query it: %s", NEXT, strerror(errno));
	member->array = info.id;
	snprintf(path, sizeof(path), "%s/chain", plane->directory);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
	snprintf(id, sizeof(id), "%u", info.id);
	plane_pin(plane, "chain", id, path, sizeof(path));
	if (bpf_obj_pin(array, path))
		return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	return 0;
}

static int lead_to(const struct plane *plane, struct member *member, const struct bpf_object *object,
		   const struct member *next)
{
	int array = bpf_object__find_map_fd_by_name(object, NEXT);
	__u32 key = 0;

	if (array < 0)
		return fail(-array, "%s: cannot find the map %s", plane->name, NEXT);
	if (bpf_map_update_elem(array, &key, &next->fd, BPF_ANY))
		return fail(errno, "%s: cannot put its XDP program in front of that of %s: %s", plane->name,
			    next->owner ? next->owner->instance.name : "another instance", strerror(errno));
	return pin_array(plane, member, array);
}

static __u32 id_of(int program)
{
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &length) ? 0 : info.id;
}

/* Load a new copy of its program, with the maps of its instance. */
static int load_on(const struct plane *plane, struct member *member, const struct member *next)
{
	struct bpf_object *object;
	int err = objects_load_xdp(plane, next != NULL, &object);

	if (err)
		return err;
	member->array = 0;
	if (next)
		err = lead_to(plane, member, object, next);
	if (!err) {
		member->fd = dup(bpf_program__fd(bpf_object__next_program(object, NULL)));
		member->id = id_of(member->fd);
		if (member->fd < 0)
			err = fail(errno, "%s: %s", plane->name, strerror(errno));
		else
			plane_keep_maps(plane, member->fd);
	}
	bpf_object__close(object);
	return err;
}

static int load_member(const struct plane *mine, struct member *member, const struct member *next)
{
	_cleanup_plane_ struct plane plane;
	int err;

	plane_init(&plane);
	if (!member->owner)
		return load_on(mine, member, next);
	err = plane_open(&plane, member->owner->instance.name, member->owner->staged);
	return err ?: load_on(&plane, member, next);
}

/* Does the member lead to next? The last one has no map. A map that is empty, or leads to the end program,
 * belonged in front of a lost instance. */
static bool leads_to(const struct member *member, const struct member *next)
{
	return next ? program_in(member->array) == next->id : !member->array;
}

/* Build the programs of wanted, each of which leads to the next one. Those that already do are reused. */
static int build_chain(const struct plane *mine, struct member *wanted, size_t n)
{
	const struct member *next = NULL;
	struct member *member;
	int err = 0;

	for (member = wanted + n; !err && member-- > wanted; next = member)
		if (member->fd < 0 || !leads_to(member, next)) {
			cleanup_close(&member->fd);
			member->fd = -1;
			err = load_member(mine, member, next);
		}
	return err;
}

static int exchange(const struct chain *chain, const char *device, unsigned int index, int program)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = chain->members[0].fd);
	__u32 flags = XDP_FLAGS_REPLACE |
		      (chain->mode == XDP_ATTACHED_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int err = bpf_xdp_attach((int)index, program, flags, &options);

	if (err)
		fail(-err, "%s: cannot replace the XDP program: %s", device, strerror(-err));
	return err;
}

static bool pin_is_used(const struct chain *chain, const char *pin)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->members[i].array == strtoul(pin, NULL, 10))
			return true;
	return false;
}

static int sweep_instance(const struct chain *chain, const struct sharer *sharer)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *directory;
	int err = 0;

	snprintf(path, sizeof(path), PLANE_ROOT "/%s%s/chain", sharer->staged ? "_" : "",
		 sharer->instance.name);
	directory = opendir(path);
	if (!directory)
		return 0;
	while (!err && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || pin_is_used(chain, entry->d_name))
			continue;
		if (unlinkat(dirfd(directory), entry->d_name, 0) < 0)
			err = fail(errno, "%s/%s: cannot remove it: %s", path, entry->d_name,
				   strerror(errno));
	}
	closedir(directory);
	return err;
}

int chain_sweep(unsigned int index)
{
	_cleanup_chain_ struct chain chain;
	int err = chain_open(&chain, index);

	/* A program that was just replaced may still run, and call the next one. */
	if (!err)
		err = kernel_wait_for_programs();
	for (size_t i = 0; !err && i < chain.sharers.n; i++)
		if (chain.sharers.list[i].here)
			err = sweep_instance(&chain, &chain.sharers.list[i]);
	return err;
}

/* Change the chain to wanted, whose descriptors belong to it. */
static int change_chain(const struct chain *chain, const struct plane *mine, const char *device,
			unsigned int index, struct member *wanted, size_t n)
{
	int err = build_chain(mine, wanted, n), swept;

	if (!err)
		err = exchange(chain, device, index, wanted[0].fd);
	swept = chain_sweep(index);
	for (size_t i = 0; i < n; i++)
		cleanup_close(&wanted[i].fd);
	return err ?: swept;
}

/* Copy all members but one, leaving room for one more at another index. */
static int copy(const struct chain *chain, struct member *wanted, size_t without, size_t room)
{
	size_t to = 0;

	for (size_t i = 0; i < chain->n; i++) {
		if (i == without)
			continue;
		to += to == room;
		wanted[to] = chain->members[i];
		wanted[to++].fd = dup(chain->members[i].fd);
	}
	return (int)to;
}

int chain_join(const struct plane *plane, const char *device, unsigned int index, __u8 *in_use)
{
	_cleanup_chain_ struct chain chain;
	struct member wanted[SHARERS_MAX + 1] = {};
	size_t at = 0;
	int err = chain_open(&chain, index);

	if (err)
		return err;
	if (!is_for_joining(&chain))
		return -ENOENT;
	/* A tunnel goes in front of the other tunnels, an inline instance behind the other inline ones: so the
	 * fewest others need a new copy. */
	while (plane->mode == MODE_TUNNEL && at < chain.n &&
	       chain.members[at].owner->instance.mode != MODE_TUNNEL)
		at++;
	copy(&chain, wanted, chain.n, at);
	wanted[at] = (struct member){ .fd = -1 };
	err = change_chain(&chain, plane, device, index, wanted, chain.n + 1);
	if (!err)
		*in_use = (__u8)in_use_of(&chain);
	return err;
}

/* Load the end program, which the kernel runs if there is no next instance any more: it passes packets. */
static int load_end(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP,
		    .prog_flags = BPF_F_XDP_HAS_FRAGS);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpsec_end", "GPL", code, ARRAY_SIZE(code), &options);
}

/* Make the program in front lead to the one behind. This is one exchange as well. The next new chain is
 * made without an end program. */
static int bypass(const struct chain *chain, size_t at)
{
	const struct member *before = &chain->members[at - 1], *behind = &chain->members[at + 1];
	bool is_last = at + 1 == chain->n;
	_cleanup_close_ int array = bpf_map_get_fd_by_id(before->array), end = is_last ? load_end() : -1;
	__u32 key = 0;

	if (array >= 0 && bpf_map_update_elem(array, &key, is_last ? &end : &behind->fd, BPF_ANY) == 0)
		return 0;
	return fail(errno, "%s: cannot unlink the next XDP program: %s", before->owner->instance.name,
		    strerror(errno));
}

/* Programs of another version cannot be copied. */
static bool has_foreign(const struct chain *chain, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (chain->members[i].owner->foreign)
			return true;
	return false;
}

static bool has_loose_end(const struct chain *chain)
{
	return is_for_joining(chain) && !has_foreign(chain, chain->n) &&
	       !leads_to(&chain->members[chain->n - 1], NULL);
}

int chain_leave(const struct plane *plane, const char *device, unsigned int index)
{
	_cleanup_chain_ struct chain chain;
	struct member wanted[SHARERS_MAX + 1] = {};
	size_t at;
	int err = chain_open(&chain, index);

	if (err)
		return err;
	at = position_of(&chain, plane);
	/* The instance was lost, and the program in front still leads to its place. */
	if (at == chain.n && has_loose_end(&chain)) {
		copy(&chain, wanted, at, at);
		return change_chain(&chain, plane, device, index, wanted, chain.n);
	}
	if (at == chain.n || chain.n == 1)
		return -ENOENT;
	if (has_foreign(&chain, at)) {
		err = bypass(&chain, at);
		return err ?: chain_sweep(index);
	}
	copy(&chain, wanted, at, chain.n);
	return change_chain(&chain, plane, device, index, wanted, chain.n - 1);
}

/* ---- before anything is made -------------------------------------------------------------------------- */

static int check_mode(const struct config *config, const struct chain *chain)
{
	const char *other = chain->members[0].owner->instance.name;
	bool is_native = in_use_of(chain) == XDP_IN_USE_NATIVE;

	if (config->xdp == XDP_MODE_CONFIG_AUTO || (config->xdp == XDP_MODE_CONFIG_NATIVE) == is_native)
		return 0;
	fail(EBUSY, "%s: Xdp = %s: %s has attached to %s in %s mode, and a device has only one mode",
	     config->path, is_native ? "generic" : "native", other, config->device,
	     is_native ? "native" : "generic");
	hint("Xdp = auto uses the mode that the device has");
	return -EBUSY;
}

static int check_by_hand(const struct config *config, const struct chain *chain, bool no_attach)
{
	const char *other = chain->members[0].owner->instance.name;

	for (size_t i = 0; i < chain->n; i++) {
		if (!chain->members[i].owner->instance.no_attach)
			continue;
		fail(EBUSY, "%s: %s has the XDP program of %s, attached by hand: it cannot share the device",
		     config->name, config->device, chain->members[i].owner->instance.name);
		hint("`%s link set dev %s xdp off` detaches it; instances that are up without --no-attach "
		     "can share the device",
		     self_ip(), config->device);
		return -EBUSY;
	}
	if (!no_attach)
		return 0;
	fail(EBUSY,
	     "%s: --no-attach: %s has the XDP program of %s, and no second one can be attached by hand",
	     config->name, config->device, other);
	hint("without --no-attach both instances share the device");
	return -EBUSY;
}

int chain_check(const struct config *config, unsigned int index, bool no_attach)
{
	_cleanup_chain_ struct chain chain;
	int err = chain_open(&chain, index);

	if (err || !is_for_joining(&chain))
		return err;
	for (size_t i = 0; i < chain.n; i++)
		if (strcmp(chain.members[i].owner->instance.name, config->name) == 0)
			return 0;
	err = check_mode(config, &chain);
	return err ?: check_by_hand(config, &chain, no_attach);
}
