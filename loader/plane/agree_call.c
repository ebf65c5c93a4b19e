// SPDX-License-Identifier: GPL-2.0-or-later
/* Running the programs of agree.bpf.c: an SA from its key to its end, and what else the agent changes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/membarrier.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "plane/agree.h"
#include "plane/agree_abi.h"
#include "plane/agree_record.h"
#include "plane/bulk.h"
#include "plane/cipher.h"
#include "plane/objects.h"
#include "plane/sa.h"

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

	agree_record_write(&args.record, &sa->record);
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
