// SPDX-License-Identifier: GPL-2.0-or-later
/* Filling, sharing and emptying the slots of SAs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/bulk.h"
#include "plane/cipher.h"
#include "plane/sa.h"
#include "plane/sa_abi.h"

static void mark(struct sa_slots *slots, __u32 slot)
{
	if (slot < XDPSEC_MAX_SAS)
		slots->used[slot] = true;
}

/* Mark the slots that agents have filled. */
static int mark_agreed(const struct plane *plane, struct sa_slots *slots)
{
	_cleanup_free_ struct xdpsec_agreement *agreements = calloc(XDPSEC_MAX_SAS, sizeof(*agreements));
	int err;

	if (!agreements)
		return fail(ENOMEM, "out of memory");
	err = plane_read_all(plane, MAP_AGREEMENTS, agreements);
	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++)
		if (agreements[slot].stage != XDPSEC_STAGE_EMPTY)
			mark(slots, slot);
	return err;
}

static int mark_peers(const struct plane *plane, struct sa_slots *slots)
{
	_cleanup_free_ struct peer_record *records = calloc(XDPSEC_MAX_PEERS, sizeof(*records));
	_cleanup_free_ struct xdpsec_peer *peers = calloc(XDPSEC_MAX_PEERS, sizeof(*peers));
	int err;

	if (!records || !peers)
		return fail(ENOMEM, "out of memory");
	err = plane_read_all(plane, MAP_PEER_RECORDS, records);
	if (!err)
		err = plane_read_all(plane, MAP_PEERS, peers);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		mark(slots, peers[i].tx_sa);
		if (!records[i].in_use)
			continue;
		mark(slots, records[i].tx.slot);
		for (size_t k = 0; k < PEER_RX; k++)
			mark(slots, records[i].rx[k].slot);
	}
	return err;
}

int sa_slots_read(const struct plane *plane, struct sa_slots *slots)
{
	__u32 spi, slot;

	memset(slots, 0, sizeof(*slots));
	for (bool first = true; plane_next(plane, MAP_SLOTS, first, &slot); first = false)
		mark(slots, slot);
	for (bool first = true; plane_next(plane, MAP_SPIS, first, &spi); first = false)
		if (bpf_map_lookup_elem(plane->maps[MAP_SPIS], &spi, &slot) == 0)
			mark(slots, slot);
	return mark_peers(plane, slots) ?: mark_agreed(plane, slots);
}

int sa_slots_take(struct sa_slots *slots, __u32 peer, bool sends, __u32 *slot)
{
	__u32 first = peer * XDPSEC_SLOTS_PER_PEER + (sends ? 0 : XDPSEC_SLOTS_TO_SEAL);
	__u32 n = sends ? XDPSEC_SLOTS_TO_SEAL : XDPSEC_SLOTS_PER_PEER - XDPSEC_SLOTS_TO_SEAL;

	for (__u32 i = first; i < first + n && peer < XDPSEC_MAX_PEERS; i++)
		if (!slots->used[i]) {
			slots->used[i] = true;
			*slot = i;
			return 0;
		}
	return fail(ENOSPC, "no free SA: a peer has at most %u at a time to %s with", n,
		    sends ? "seal" : "open");
}

bool sa_is_agreed(const struct plane *plane, __u32 slot)
{
	struct xdpsec_agreement agreement;

	return slot < XDPSEC_MAX_SAS &&
	       bpf_map_lookup_elem(plane->maps[MAP_AGREEMENTS], &slot, &agreement) == 0 &&
	       agreement.stage != XDPSEC_STAGE_EMPTY;
}

int sa_slots_find_spare(const struct sa_slots *slots, __u32 *slot)
{
	static const bool unused[XDPSEC_SLOTS_PER_PEER];

	for (__u32 peer = XDPSEC_MAX_PEERS; peer-- > 0;) {
		*slot = peer * XDPSEC_SLOTS_PER_PEER;
		if (memcmp(&slots->used[*slot], unused, sizeof(unused)) == 0)
			return 0;
	}
	return fail(ENOSPC, "no free SA: all %d peers have some", XDPSEC_MAX_PEERS);
}

/* An unpinned plane ends with its process, so no record is needed. */
int sa_claim(const struct plane *plane, const struct sa_record *record)
{
	return plane->maps[MAP_SLOTS] < 0 ? 0 : plane_write(plane, MAP_SLOTS, &record->slot, record);
}

static int release(const struct plane *plane, __u32 slot)
{
	if (plane->maps[MAP_SLOTS] >= 0 && bpf_map_delete_elem(plane->maps[MAP_SLOTS], &slot) &&
	    errno != ENOENT)
		return fail(errno, "%s: map %s: cannot write it: %s", plane->name, plane_map_name(MAP_SLOTS),
			    strerror(errno));
	return 0;
}

/* Per-CPU values have the length of their type, rounded up to 8 bytes, times the possible CPUs. */
static int clear_per_cpu(const struct plane *plane, enum plane_map map, __u32 slot, size_t size)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ void *values = NULL;

	if (cpus < 0)
		return fail(-cpus, "cannot count the CPUs: %s", strerror(-cpus));
	values = calloc((size_t)cpus, (size + 7) / 8 * 8);
	if (!values)
		return fail(ENOMEM, "out of memory");
	return plane_write(plane, map, &slot, values);
}

int sa_reset(const struct plane *plane, __u32 slot, __u32 spi, __u32 peer, enum xdpsec_binding binding)
{
	struct xdpsec_sa sa = {
		.spi = spi,
		.peer = peer,
		.next_header = plane->mode == MODE_TUNNEL ? XDPSEC_NEXT_IPV4 : XDPSEC_NEXT_UDP,
		.binding = (__u8)binding,
	};
	struct xdpsec_sequence sequence = {};
	struct xdpsec_replay replay = {};
	int err;

	err = plane_write(plane, MAP_SEQUENCES, &slot, &sequence);
	if (!err)
		err = plane_write(plane, MAP_REPLAY_WINDOWS, &slot, &replay);
	if (!err)
		err = plane_write(plane, MAP_SAS, &slot, &sa);
	return err;
}

int sa_forget_counters(const struct plane *plane, __u32 peer)
{
	int err = clear_per_cpu(plane, MAP_SA_COUNTERS, 2 * peer, sizeof(struct xdpsec_counters));

	return err ?: clear_per_cpu(plane, MAP_SA_COUNTERS, 2 * peer + 1, sizeof(struct xdpsec_counters));
}

static struct bpf_program *sa_program(const struct plane *plane, const char *name)
{
	return bpf_object__find_program_by_name(plane->sa, name);
}

static int run_syscall(const struct plane *plane, const char *program, void *args, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = args, .ctx_size_in = (__u32)size);
	int err = bpf_prog_test_run_opts(bpf_program__fd(sa_program(plane, program)), &options);

	return err ? err : (int)options.retval;
}

static int install_type(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
			const char *type)
{
	struct sa_install_args args = { .slot = slot };
	int err;

	snprintf(args.parameters.type, sizeof(args.parameters.type), "%s", type);
	snprintf(args.parameters.algo, sizeof(args.parameters.algo), "ecb(%s)", driver);
	memcpy(args.parameters.key, key->bytes, key->length);
	args.parameters.key_len = (__u32)key->length;
	err = run_syscall(plane, "sa_install", &args, sizeof(args));
	explicit_bzero(&args, sizeof(args));
	return err;
}

/*
 * Make the kernel use its preferred driver. The kernel creates an instance of ecb with the preferred driver
 * only if there is none yet (crypto/api.c, crypto_alg_mod_lookup). An instance that somebody created with
 * another driver, by name, would also be used for ecb(aes). So the preferred one is requested by name once,
 * and is found from then on. A kernel that accepts no driver names refuses, and has no choice anyway.
 */
static void prefer_best(const struct plane *plane, __u32 slot, const struct key *key)
{
	char best[DRIVER_LEN - 8], instance[DRIVER_LEN], found[DRIVER_LEN];

	if (!cipher_best("aes", "cipher", best, sizeof(best)))
		return;
	snprintf(instance, sizeof(instance), "ecb(%s)", best);
	if (!cipher_best(instance, "lskcipher", found, sizeof(found)))
		install_type(plane, slot, key, best, CRYPTO_TYPE);
}

/* On the first use of a name the kernel loads modules and tests the cipher. Another process may be doing the same, or a
 * signal may interrupt it. */
bool sa_error_passes(int err)
{
	return err == -EEXIST || err == -EINTR || err == -ETIMEDOUT || err == -EAGAIN;
}

static int install_again(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
			 const char *type)
{
	int err, tries = SA_TRIES;

	do {
		err = install_type(plane, slot, key, driver, type);
	} while (sa_error_passes(err) && --tries);
	return err;
}

int sa_try_install(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
		   bool *bulk)
{
	*bulk = false;
	if (strcmp(driver, "aes") == 0) {
		prefer_best(plane, slot, key);
		*bulk = install_again(plane, slot, key, driver, CRYPTO_TYPE_BULK) == 0;
	}
	return *bulk ? 0 : install_again(plane, slot, key, driver, CRYPTO_TYPE);
}

/*
 * Explain an error of bpf_crypto_ctx_create (kernel/bpf/crypto.c). EINVAL comes from crypto_alloc_lskcipher
 * for a cipher of another kind, and from setkey for a wrong length. ENOENT means that the type "skcipher" is
 * not registered, and on some kernels that the name is unknown (see lacks_only()).
 */
static int explain(int err, const struct key *key, const char *driver, const char *whose)
{
	switch (-err) {
	case ENOENT:
		fail(-err, "%s: this kernel has no skciphers for BPF", whose);
		hint("use a kernel with CONFIG_CRYPTO_SKCIPHER; if it is a module, modprobe "
		     "bpf_crypto_skcipher");
		break;
	case EOPNOTSUPP:
		fail(-err, "%s: this kernel has no cipher ecb(%s)", whose, driver);
		hint("`xdpsec selftest` lists the ciphers; if they are modules, modprobe ecb and aes");
		break;
	case EINVAL:
		fail(-err, "%s: the kernel refuses ecb(%s) with a key of %zu bits", whose, driver,
		     key->length * 8);
		hint("`xdpsec selftest` lists ciphers and key lengths that work; without Driver the kernel "
		     "chooses");
		break;
	case ENOMEM:
		fail(-err, "%s: the kernel has no memory for the cipher", whose);
		break;
	case EPERM:
		fail(-err, "%s: not permitted to create a cipher context", whose);
		hint("run it as root (sudo); a kernel in lockdown refuses it too");
		break;
	case ETIMEDOUT:
		fail(-err, "%s: the kernel did not set up ecb(%s) in time", whose, driver);
		hint("try again; see `dmesg` for the cipher's self-test");
		break;
	case ELIBBAD:
		fail(-err, "%s: ecb(%s) did not pass the kernel's own self-test", whose, driver);
		hint("see `dmesg`; name another Driver");
		break;
	default:
		fail(-err, "%s: the kernel cannot create a context for ecb(%s): %s", whose, driver,
		     strerror(-err));
	}
	return err;
}

/* Is only this cipher missing, not all? Linux 7.3 finds an ecb(cipher_null), and then has none for BPF. */
static bool lacks_only(const struct plane *plane, __u32 slot, const struct key *key, const char *driver)
{
	return strcmp(driver, "aes") != 0 && install_type(plane, slot, key, "aes", CRYPTO_TYPE) == 0 &&
	       sa_remove(plane, slot) == 0;
}

/* The name of what the context is bound to, by what the kernel lists now. */
static void name_bound(const char *driver, bool bulk, char bound[DRIVER_LEN])
{
	char name[DRIVER_LEN];

	if (bulk && bulk_bound(bound, DRIVER_LEN))
		return;
	snprintf(name, sizeof(name), "%s(%.100s)", bulk ? "bulk" : "ecb", driver);
	/* Kernels whose BPF crypto is the AES library have no drivers. */
	if (bulk || !cipher_best(name, "lskcipher", bound, DRIVER_LEN))
		memcpy(bound, name, sizeof(name));
}

int sa_install(const struct plane *plane, __u32 slot, const struct key *key, const char *driver,
	       const char *whose, char bound[DRIVER_LEN])
{
	bool bulk;
	int err = sa_try_install(plane, slot, key, driver, &bulk);

	if (err == -ENOENT && lacks_only(plane, slot, key, driver))
		err = -EOPNOTSUPP;
	if (err)
		return explain(err, key, driver, whose);
	name_bound(driver, bulk, bound);
	return 0;
}

int sa_install_blocks(const struct plane *plane, __u32 slot, const struct key *key)
{
	return install_again(plane, slot, key, "aes", CRYPTO_TYPE);
}

int sa_derive(const struct plane *plane, __u32 slot)
{
	unsigned char frame[SA_DERIVE_FRAME_LEN] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
	int err;

	memcpy(frame + SA_DERIVE_SLOT_OFFSET, &slot, sizeof(slot));
	err = bpf_prog_test_run_opts(bpf_program__fd(sa_program(plane, "sa_derive")), &options);
	if (err)
		return fail(-err, "SA %u: cannot derive its tables: %s", slot, strerror(-err));
	if (options.retval)
		return fail(EIO, "SA %u: the kernel's crypto failed", slot);
	return 0;
}

int sa_share(const struct plane *plane, __u32 from, __u32 to)
{
	struct sa_share_args args = { .from = from, .to = to };
	int err = run_syscall(plane, "sa_share", &args, sizeof(args));

	return err ? fail(-err, "SA %u: cannot share its context: %s", from, strerror(-err)) : 0;
}

int sa_remove(const struct plane *plane, __u32 slot)
{
	struct sa_remove_args args = { .slot = slot };
	int err = run_syscall(plane, "sa_remove", &args, sizeof(args));

	return err ? fail(-err, "SA %u: cannot release its context: %s", slot, strerror(-err)) : 0;
}

int sa_bind(const struct plane *plane, __u32 slot, enum xdpsec_binding binding)
{
	struct sa_bind_args args = { .slot = slot, .binding = binding };
	int err = run_syscall(plane, "sa_bind", &args, sizeof(args));

	return err ? fail(-err, "SA %u: cannot set what it binds: %s", slot, strerror(-err)) : 0;
}

int sa_erase(const struct plane *plane, __u32 slot)
{
	int err = sa_remove(plane, slot);

	if (!err)
		err = clear_per_cpu(plane, MAP_KTOPS, slot, sizeof(struct xdpsec_ktop));
	if (!err)
		err = sa_reset(plane, slot, 0, 0, XDPSEC_BIND_NONE);
	return err ?: release(plane, slot);
}

int sa_set_range(const struct plane *plane, __u32 slot, __u64 first, __u64 limit)
{
	struct xdpsec_sequence sequence = { .next = first, .limit = limit };

	return plane_write(plane, MAP_SEQUENCES, &slot, &sequence);
}

int sa_get_range(const struct plane *plane, __u32 slot, __u64 *next, __u64 *limit)
{
	struct xdpsec_sequence sequence;
	int err = plane_read(plane, MAP_SEQUENCES, &slot, &sequence);

	if (err)
		return err;
	*limit = sequence.limit;
	/* Packets that find the range used up also take a number, which is never used. */
	*next = sequence.next < sequence.limit ? sequence.next : sequence.limit;
	return 0;
}

int sa_set_window(const struct plane *plane, __u32 slot, __u64 next)
{
	struct xdpsec_replay replay = { .next = next };

	if (next) {
		/* Bit positions are sequence number plus one (replay.bpf.h). All are seen, except those
		 * above the newest in its own word: moving within a word clears nothing. */
		memset(replay.bitmap, 0xff, sizeof(replay.bitmap));
		replay.bitmap[next / 64 % XDPSEC_REPLAY_WORDS] = ~0ULL >> (63 - next % 64);
	}
	return plane_write(plane, MAP_REPLAY_WINDOWS, &slot, &replay);
}

int sa_get_window(const struct plane *plane, __u32 slot, __u64 *next)
{
	struct xdpsec_replay replay;
	int err = plane_read(plane, MAP_REPLAY_WINDOWS, &slot, &replay);

	if (!err)
		*next = replay.next;
	return err;
}
