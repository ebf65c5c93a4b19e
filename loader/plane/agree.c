// SPDX-License-Identifier: GPL-2.0-or-later
/* The agent's way into the data plane, opened and closed as root; and the agreed peers of `up`, `reload` and `down`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/agree.h"
#include "plane/objects.h"
#include "plane/sa.h"

static const char *const program_names[AGREE_PROGRAMS] = {
	[AGREE_INSTALL] = "agree_install",     [AGREE_DERIVE] = "agree_derive",
	[AGREE_LINK] = "agree_link",	       [AGREE_UNLINK] = "agree_unlink",
	[AGREE_ERASE] = "agree_erase",	       [AGREE_NOTE] = "agree_note",
	[AGREE_ENDPOINT] = "agree_endpoint",   [AGREE_ASKING] = "agree_asking",
	[AGREE_KEEPALIVE] = "agree_keepalive",
};

static const enum plane_map read_maps[AGREE_MAPS] = {
	[AGREE_AGREEMENTS] = MAP_AGREEMENTS,
	[AGREE_ACTIVITY] = MAP_ACTIVITY,
	[AGREE_SEQUENCES] = MAP_SEQUENCES,
	[AGREE_ENDPOINTS] = MAP_ENDPOINTS,
	[AGREE_SPIS] = MAP_SPIS,
	[AGREE_PEERS] = MAP_PEERS,
};

void agree_init(struct agree *agree)
{
	memset(agree, 0, sizeof(*agree));
	for (int i = 0; i < AGREE_PROGRAMS; i++)
		agree->programs[i] = -1;
	for (int i = 0; i < AGREE_MAPS; i++)
		agree->maps[i] = -1;
	agree->outer = agree->inner = agree->events_map = -1;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

void agree_close(struct agree *agree)
{
	ring_buffer__free(agree->events);
	for (int i = 0; i < AGREE_PROGRAMS; i++)
		close_one(agree->programs[i]);
	for (int i = 0; i < AGREE_MAPS; i++)
		close_one(agree->maps[i]);
	close_one(agree->outer);
	close_one(agree->inner);
	close_one(agree->events_map);
	free(agree->values);
	free(agree->keys);
	agree_init(agree);
}

static int cannot(const struct agree *agree, const char *what, int err)
{
	return fail(-err, "%s: agent: cannot %s: %s", agree->name, what, strerror(-err));
}

static __u8 carried(const struct plane *plane)
{
	return plane->mode == MODE_TUNNEL ? XDPSEC_NEXT_IPV4 : XDPSEC_NEXT_UDP;
}

static int write_owner(const struct plane *plane, __u64 value, __u64 cookie)
{
	const struct xdpsec_owner owner = {
		.value = value,
		.control_cookie = cookie,
		.next_header = carried(plane),
	};
	__u32 key = 0;

	return plane_write(plane, MAP_INSTANCE_OWNER, &key, &owner);
}

static int become_owner(struct agree *agree, const struct plane *plane)
{
	do {
		if (getrandom(&agree->owner, sizeof(agree->owner), 0) != sizeof(agree->owner))
			return cannot(agree, "draw a random number", -errno);
	} while (!agree->owner);
	return write_owner(plane, agree->owner, 0);
}

/* Copies of the descriptors: the object has those of all maps, which the agent must not have. */
static int take_programs(struct agree *agree, const struct bpf_object *object)
{
	for (int i = 0; i < AGREE_PROGRAMS; i++) {
		const struct bpf_program *program = bpf_object__find_program_by_name(object,
										     program_names[i]);

		agree->programs[i] = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
		if (agree->programs[i] < 0)
			return cannot(agree, "keep its programs", -errno);
	}
	return 0;
}

static int open_maps(struct agree *agree, const struct plane *plane)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
	char path[PATH_MAX];

	for (int i = 0; i < AGREE_MAPS; i++) {
		plane_pin(plane, "maps", plane_map_name(read_maps[i]), path, sizeof(path));
		agree->maps[i] = bpf_obj_get_opts(path, &options);
		if (agree->maps[i] < 0)
			return fail(errno, "%s: cannot open it: %s", path, strerror(errno));
	}
	return 0;
}

/* The caller's, kept until the end: struct ring_buffer refers to it. */
struct listener {
	void (*event)(void *data, const struct xdpsec_event *event);
	void *data;
};

static int on_event(void *context, void *data, size_t size)
{
	const struct listener *listener = context;

	if (size >= sizeof(struct xdpsec_event))
		listener->event(listener->data, data);
	return 0;
}

static int open_events(struct agree *agree, const struct plane *plane,
		       void (*event)(void *data, const struct xdpsec_event *event), void *data)
{
	static struct listener listener;

	listener = (struct listener){ .event = event, .data = data };
	agree->events_map = fcntl(plane->maps[MAP_EVENTS], F_DUPFD_CLOEXEC, 3);
	if (agree->events_map < 0)
		return cannot(agree, "keep the events", -errno);
	agree->events = ring_buffer__new(agree->events_map, on_event, &listener, NULL);
	return agree->events ? 0 : cannot(agree, "read events", -errno);
}

/* kernel_wait_for_programs() makes such maps when it needs them. The agent is not allowed to. */
static int make_grace(struct agree *agree)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	agree->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "xs_inner", sizeof(__u32), sizeof(__u32), 1, NULL);
	if (agree->inner < 0)
		return cannot(agree, "make a map", agree->inner);
	options.inner_map_fd = (__u32)agree->inner;
	agree->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "xs_outer", sizeof(__u32), sizeof(__u32), 1,
				      &options);
	return agree->outer < 0 ? cannot(agree, "make a map", agree->outer) : 0;
}

static size_t largest_value(void)
{
	size_t records = XDPSEC_MAX_SAS * sizeof(struct xdpsec_agreement);
	size_t sequences = XDPSEC_MAX_SAS * sizeof(struct xdpsec_sequence);

	return records > sequences ? records : sequences;
}

static int make_room(struct agree *agree)
{
	agree->values = calloc(1, largest_value());
	agree->keys = calloc(XDPSEC_MAX_SAS, sizeof(*agree->keys));
	return agree->values && agree->keys ? 0 : fail(ENOMEM, "out of memory");
}

int agree_open(struct agree *agree, const char *name,
	       void (*event)(void *data, const struct xdpsec_event *event), void *data)
{
	_cleanup_plane_ struct plane plane;
	struct bpf_object *object = NULL;
	int err;

	plane_init(&plane);
	snprintf(agree->name, sizeof(agree->name), "%s", name);
	err = plane_open(&plane, name, false);
	if (!err)
		err = become_owner(agree, &plane);
	if (!err)
		err = objects_load_agree(&plane, &object);
	if (!err)
		err = take_programs(agree, object);
	bpf_object__close(object);
	if (!err)
		err = open_maps(agree, &plane);
	if (!err)
		err = open_events(agree, &plane, event, data);
	if (!err)
		err = make_grace(agree);
	return err ?: make_room(agree);
}

int agree_listen(const struct agree *agree, __u64 cookie)
{
	_cleanup_plane_ struct plane plane;
	int err;

	plane_init(&plane);
	err = plane_open(&plane, agree->name, false);
	return err ?: write_owner(&plane, agree->owner, cookie);
}

int agree_events_fd(const struct agree *agree)
{
	return ring_buffer__epoll_fd(agree->events);
}

int agree_events(const struct agree *agree)
{
	return ring_buffer__consume(agree->events);
}

int agree_set_peer(const struct plane *plane, __u32 peer, __u64 key_hash)
{
	const struct xdpsec_agreed agreed = { .key_hash = key_hash };

	return plane_write(plane, MAP_AGREED, &peer, &agreed);
}

int agree_get_peer(const struct plane *plane, __u32 peer, __u64 *key_hash)
{
	struct xdpsec_agreed agreed = {};
	int err = plane_read(plane, MAP_AGREED, &peer, &agreed);

	*key_hash = agreed.key_hash;
	return err;
}

int agree_disown(const struct plane *plane)
{
	return write_owner(plane, 0, 0);
}

/* Unlink or erase what is in the peer's slots. found gets whether there was anything. */
static int for_slots(const struct plane *plane, const struct agree *agree, __u32 peer,
		     int (*each)(const struct agree *agree, __u32 slot), bool *found)
{
	int err = 0;

	for (__u32 k = 0; !err && k < XDPSEC_SLOTS_PER_PEER; k++) {
		__u32 slot = peer * XDPSEC_SLOTS_PER_PEER + k;

		if (!sa_is_agreed(plane, slot))
			continue;
		*found = true;
		err = each(agree, slot);
		/* A slot that is not linked needs no unlinking. */
		if (err == -EBUSY && each == agree_unlink)
			err = 0;
	}
	return err;
}

int agree_forget_peer(const struct plane *plane, __u32 peer)
{
	_cleanup_agree_ struct agree agree;
	struct bpf_object *object = NULL;
	bool found = false;
	int err;

	agree_init(&agree);
	snprintf(agree.name, sizeof(agree.name), "%s", plane->name);
	err = become_owner(&agree, plane);
	if (!err)
		err = objects_load_agree(plane, &object);
	if (!err)
		err = take_programs(&agree, object);
	bpf_object__close(object);
	if (err)
		return err;
	err = for_slots(plane, &agree, peer, agree_unlink, &found);
	if (!err && found)
		err = kernel_wait_for_programs();
	if (!err && found)
		err = for_slots(plane, &agree, peer, agree_erase, &found);
	return err ? cannot(&agree, "erase the SAs of a peer", err) : 0;
}
