// SPDX-License-Identifier: GPL-2.0-or-later
/* Running the programs of agree.bpf.c, and reading the maps of agreed SAs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <linux/membarrier.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "plane/agree.h"
#include "plane/agree_abi.h"
#include "plane/bulk.h"
#include "plane/cipher.h"
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

static int run(int program, void *args, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = args, .ctx_size_in = (__u32)size);
	int err = bpf_prog_test_run_opts(program, &options);

	return err ? err : (int)options.retval;
}

static int run_on_slot(const struct agree *agree, enum agree_program program, __u32 slot)
{
	struct agree_slot_args args = { .owner = agree->owner, .slot = slot };

	return run(agree->programs[program], &args, sizeof(args));
}

static void set_cipher(struct sa_crypto_parameters *parameters, const char *type, const char *driver,
		       const void *key, size_t length)
{
	snprintf(parameters->type, sizeof(parameters->type), "%s", type);
	snprintf(parameters->algo, sizeof(parameters->algo), "ecb(%s)", driver);
	memcpy(parameters->key, key, length);
	parameters->key_len = (__u32)length;
}

static int probe_driver(int program, const char *type, const char *driver)
{
	static const __u8 zeros[16];
	struct agree_probe_args args = {};
	int err, tries = SA_TRIES;

	do {
		set_cipher(&args.parameters, type, driver, zeros, sizeof(zeros));
		err = run(program, &args, sizeof(args));
	} while (sa_error_passes(err) && --tries);
	return err;
}

/* As for manual keys (sa.c, prefer_best), but with a key of zeros. The first use of either type is here, as it may take
 * long. */
int agree_prefer(const char *name, const char *driver)
{
	char best[DRIVER_LEN - 8], instance[DRIVER_LEN], found[DRIVER_LEN];
	_cleanup_plane_ struct plane plane;
	struct bpf_object *object = NULL;
	int program, err;

	plane_init(&plane);
	err = plane_open(&plane, name, false);
	if (!err)
		err = objects_load_agree(&plane, &object);
	if (err)
		return err;
	program = bpf_program__fd(bpf_object__find_program_by_name(object, "agree_probe"));
	if (strcmp(driver, "aes") == 0) {
		if (cipher_best("aes", "cipher", best, sizeof(best))) {
			snprintf(instance, sizeof(instance), "ecb(%s)", best);
			if (!cipher_best(instance, "lskcipher", found, sizeof(found)))
				probe_driver(program, CRYPTO_TYPE, best);
		}
		probe_driver(program, CRYPTO_TYPE_BULK, driver);
	}
	err = probe_driver(program, CRYPTO_TYPE, driver);
	bpf_object__close(object);
	return err;
}

static void describe(struct xdpsec_agreement *to, const struct agreement_record *from)
{
	*to = (struct xdpsec_agreement){
		.partner = from->partner,
		.key_hash = from->key_hash,
		.peer_life = from->peer_life,
		.own_life = from->own_life,
		.birth = from->birth,
		.deadline = from->deadline,
		.since = from->since,
		.spi_rx = from->spi_rx,
		.spi_tx = from->spi_tx,
		.generation = from->generation,
		.reject_after = from->reject_after,
		.state = from->state,
		.initiator = from->initiator,
		.suite = from->suite,
		.binding = from->binding,
	};
}

static int derive(const struct agree *agree, __u32 slot)
{
	const struct agree_derive_args args = { .owner = agree->owner, .slot = slot };
	unsigned char frame[AGREE_DERIVE_FRAME_LEN] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
	int err;

	memcpy(frame + AGREE_DERIVE_OFFSET, &args, sizeof(args));
	err = bpf_prog_test_run_opts(agree->programs[AGREE_DERIVE], &options);
	return err ? err : -(int)options.retval;
}

/* cipher_error: of the kernel's cipher, if it is one. */
static int install_agreed(const struct agree *agree, struct agree_install_args *args, const char *type,
			  const char *driver, const struct agreement_key *key)
{
	int err, tries = SA_TRIES;

	do {
		args->cipher_error = 0;
		set_cipher(&args->parameters, type, driver, key->bytes, key->length);
		err = run(agree->programs[AGREE_INSTALL], args, sizeof(*args));
	} while ((sa_error_passes(args->cipher_error) || err == -EINTR || err == -EAGAIN) && --tries);
	return err;
}

int agree_install(const struct agree *agree, const struct agreement_sa *sa, const char *driver,
		  struct agreement_key *key, __u64 *id)
{
	struct agree_install_args args = {
		.owner = agree->owner,
		.slot = sa->slot,
		.event = sa->event,
	};
	int err = -ENOENT;

	describe(&args.record, &sa->record);
	/* An agent that runs for long may be older than the module, so it is asked for each time. */
	args.record.bulk = strcmp(driver, "aes") == 0;
	if (args.record.bulk)
		err = install_agreed(agree, &args, CRYPTO_TYPE_BULK, driver, key);
	if (err && (!args.record.bulk || args.cipher_error)) {
		args.record.bulk = false;
		err = install_agreed(agree, &args, CRYPTO_TYPE, driver, key);
	}
	explicit_bzero(&args.parameters, sizeof(args.parameters));
	agreement_key_wipe(key);
	*id = args.id;
	if (err)
		return err;
	err = derive(agree, sa->slot);
	if (err)
		agree_erase(agree, sa->slot);
	return err;
}

int agree_link(const struct agree *agree, __u32 slot)
{
	return run_on_slot(agree, AGREE_LINK, slot);
}

int agree_unlink(const struct agree *agree, __u32 slot)
{
	return run_on_slot(agree, AGREE_UNLINK, slot);
}

int agree_erase(const struct agree *agree, __u32 slot)
{
	return run_on_slot(agree, AGREE_ERASE, slot);
}

/* The update of a map of maps waits for a grace period (kernel/bpf/syscall.c, maybe_wait_bpf_programs). With nohz_full
 * there is no membarrier. */
int agree_grace(const struct agree *agree)
{
	__u32 key = 0;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		return 0;
	return bpf_map_update_elem(agree->outer, &key, &agree->inner, BPF_ANY) ? -errno : 0;
}

int agree_note(const struct agree *agree, __u32 slot, const struct agreement_record *record)
{
	struct agree_note_args args = {
		.owner = agree->owner,
		.since = record->since,
		.slot = slot,
		.partner = record->partner,
		.state = record->state,
	};

	return run(agree->programs[AGREE_NOTE], &args, sizeof(args));
}

int agree_asking(const struct agree *agree, __u32 spi, bool add)
{
	struct agree_asking_args args = { .owner = agree->owner, .spi = spi, .add = add };

	return run(agree->programs[AGREE_ASKING], &args, sizeof(args));
}

int agree_keepalive(const struct agree *agree, __u32 peer)
{
	struct agree_peer_args args = { .owner = agree->owner, .peer = peer };

	return run(agree->programs[AGREE_KEEPALIVE], &args, sizeof(args));
}

int agree_endpoint(const struct agree *agree, __u32 peer, const struct xdpsec_location *at,
		   const struct xdpsec_source *from)
{
	struct agree_peer_args args = { .owner = agree->owner, .peer = peer, .at = *at, .from = *from };

	return run(agree->programs[AGREE_ENDPOINT], &args, sizeof(args));
}

int agree_read_endpoint(const struct agree *agree, __u32 peer, struct xdpsec_endpoint *endpoint)
{
	return bpf_map_lookup_elem(agree->maps[AGREE_ENDPOINTS], &peer, endpoint) ? -errno : 0;
}

/* All elements of one map, or the first n, into .values. */
static int read_values(const struct agree *agree, enum agree_map map, void *values, size_t n)
{
	__u32 count = (__u32)n, batch;

	if (bpf_map_lookup_batch(agree->maps[map], NULL, &batch, agree->keys, values, &count, NULL) &&
	    errno != ENOENT)
		return -errno;
	return count == n ? 0 : -EIO;
}

static struct agreement_record record_of(const struct xdpsec_agreement *from, __u32 slot)
{
	return (struct agreement_record){
		.id = from->id,
		.key_hash = from->key_hash,
		.peer_life = from->peer_life,
		.own_life = from->own_life,
		.birth = from->birth,
		.deadline = from->deadline,
		.since = from->since,
		.slot = slot,
		.partner = from->partner,
		.spi_rx = from->spi_rx,
		.spi_tx = from->spi_tx,
		.generation = from->generation,
		.reject_after = from->reject_after,
		.state = from->stage == XDPSEC_STAGE_LINKED ? from->state : AGREEMENT_DYING,
		.initiator = from->initiator,
		.suite = from->suite,
		.binding = from->binding,
		.linked = from->stage == XDPSEC_STAGE_LINKED,
		.opened = from->opened,
	};
}

int agree_read_records(const struct agree *agree, struct agreement_record *records, size_t *n)
{
	const struct xdpsec_agreement *all = agree->values;
	int err = read_values(agree, AGREE_AGREEMENTS, agree->values, XDPSEC_MAX_SAS);

	*n = 0;
	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++)
		if (all[slot].stage != XDPSEC_STAGE_EMPTY)
			records[(*n)++] = record_of(&all[slot], slot);
	return err;
}

int agree_read_opened(const struct agree *agree, void (*first)(void *data, __u32 slot, __u32 spi, __u64 id),
		      void *data)
{
	const struct xdpsec_agreement *all = agree->values;
	int err = read_values(agree, AGREE_AGREEMENTS, agree->values, XDPSEC_MAX_SAS);

	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++)
		if (all[slot].stage == XDPSEC_STAGE_LINKED && all[slot].opened)
			first(data, slot, all[slot].spi_rx, all[slot].id);
	return err;
}

/* Numbers used by what seals now. */
static int read_numbers(const struct agree *agree, struct agreement_activity *activity, size_t peers)
{
	const struct xdpsec_sequence *sequences = agree->values;
	struct xdpsec_peer sealing[XDPSEC_MAX_PEERS];
	int err = read_values(agree, AGREE_PEERS, sealing, peers);

	if (!err)
		err = read_values(agree, AGREE_SEQUENCES, agree->values, XDPSEC_MAX_SAS);
	for (size_t i = 0; !err && i < peers; i++)
		if (sealing[i].tx_sa < XDPSEC_MAX_SAS)
			activity[i].numbers = sequences[sealing[i].tx_sa].next;
	return err;
}

int agree_read_activity(const struct agree *agree, struct agreement_activity *activity, size_t peers)
{
	const struct xdpsec_activity *all = agree->values;
	int err;

	if (peers > XDPSEC_MAX_PEERS)
		return -EINVAL;
	if (!peers)
		return 0;
	err = read_values(agree, AGREE_ACTIVITY, agree->values, peers);
	for (size_t i = 0; !err && i < peers; i++)
		activity[i] = (struct agreement_activity){
			.sealed = all[i].sealed,
			.opened = all[i].opened,
			.opened_data = all[i].opened_data,
		};
	return err ?: read_numbers(agree, activity, peers);
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
		/* It was not linked. */
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
