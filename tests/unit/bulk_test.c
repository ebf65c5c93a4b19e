// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random calls of the kernel's cipher by several threads, on packets and on memory of maps, while contexts are replaced:
 * each result must be libcrypto's, and nothing else may be written. With the kernel's own type of BPF crypto, and with that
 * of the module bpf_crypto_bulk where it is loaded. BULK_SECONDS=60 goes on for longer, SEED= begins elsewhere.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <openssl/evp.h>

#include "unit.h"
#include "bulk.skel.h"
#include "bulk_abi.h"
#include "plane/bulk.h"
#include "plane/sa.h"

enum {
	PACKET_LEAST = 200,
	PACKET_MOST = 3400, /* the test run builds packets on one page */
	FRAME = 64,	    /* of a program that works on maps */
	BLOCK = 16,
};

enum kind { SKB, XDP, ARRAY, PER_CPU, KINDS };
static const char *const kinds[] = { "skb", "xdp", "array", "per-CPU" };

static struct bulk_bpf *bpf;
static const char *type;
static uint8_t keys[BULK_SLOTS][32];
static atomic_bool stop;
static atomic_int failures;
static atomic_long calls[KINDS], replaced;

struct thread {
	pthread_t thread;
	unsigned int number, seed;
	struct bulk_job job;
	enum kind kind;
	unsigned int room, data; /* bytes of the memory, and where those of the job may begin */
	uint8_t in[BULK_ARRAY], out[BULK_ARRAY], expected[BULK_ARRAY];
};

static size_t key_length(unsigned int slot)
{
	return slot % 2 ? 32 : 16;
}

static int install(unsigned int slot, size_t length)
{
	struct bulk_install_args args = { .parameters.algo = "ecb(aes)", .slot = slot };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int err;

	snprintf(args.parameters.type, sizeof(args.parameters.type), "%s", type);
	memcpy(args.parameters.key, keys[slot], sizeof(keys[slot]));
	args.parameters.key_len = (__u32)length;
	err = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.bulk_install), &options);
	return err ?: (int)options.retval;
}

static void failed(const struct thread *t, const char *what, int result)
{
	const struct bulk_job *job = &t->job;

	print_message("# %s, %s (%d): slot %u, from %u to %u, %u bytes, %s\n", kinds[t->kind], what, result,
		      job->slot, job->from, job->to, job->length, job->decrypt ? "decrypt" : "encrypt");
	atomic_fetch_add(&failures, 1);
}

static unsigned int below(struct thread *t, unsigned int limit)
{
	return (unsigned int)rand_r(&t->seed) % limit;
}

/* In place, or to a range that does not overlap. */
static void choose_ranges(struct thread *t)
{
	struct bulk_job *job = &t->job;
	unsigned int space = t->room - t->data, swap;

	job->length = BLOCK * (1 + below(t, space / BLOCK - 1));
	if (below(t, 2) || 2 * job->length > space) {
		job->from = job->to = t->data + below(t, space - job->length + 1);
		return;
	}
	job->from = t->data + below(t, space - 2 * job->length + 1);
	job->to = job->from + job->length + below(t, t->room - job->from - 2 * job->length + 1);
	if (below(t, 2)) {
		swap = job->from;
		job->from = job->to;
		job->to = swap;
	}
}

static void choose(struct thread *t)
{
	static const unsigned int rooms[KINDS] = { [ARRAY] = BULK_ARRAY, [PER_CPU] = BULK_PER_CPU };

	t->kind = (enum kind)below(t, KINDS);
	t->job = (struct bulk_job){ .slot = below(t, BULK_SLOTS),
				    .thread = t->number,
				    .decrypt = below(t, 2) };
	t->room = rooms[t->kind] ?: PACKET_LEAST + below(t, PACKET_MOST - PACKET_LEAST);
	t->data = rooms[t->kind] ? 0 : BULK_JOB_OFFSET + sizeof(t->job);
	choose_ranges(t);
	/* Not of full blocks: to be refused. */
	if (below(t, 64) == 0)
		t->job.length -= 1 + below(t, BLOCK - 1);
	for (unsigned int i = 0; i < t->room; i++)
		t->in[i] = (uint8_t)rand_r(&t->seed);
	if (!rooms[t->kind])
		memcpy(t->in + BULK_JOB_OFFSET, &t->job, sizeof(t->job));
}

static void compute_expected(struct thread *t)
{
	const struct bulk_job *job = &t->job;
	const EVP_CIPHER *cipher = key_length(job->slot) == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	memcpy(t->expected, t->in, t->room);
	if (job->length % BLOCK == 0) {
		EVP_CipherInit_ex(ctx, cipher, NULL, keys[job->slot], NULL, !job->decrypt);
		EVP_CIPHER_CTX_set_padding(ctx, 0);
		EVP_CipherUpdate(ctx, t->expected + job->to, &n, t->in + job->from, (int)job->length);
	}
	EVP_CIPHER_CTX_free(ctx);
}

static int run_on_packet(struct thread *t, const struct bpf_program *program, int *result)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = t->in, .data_size_in = t->room, .data_out = t->out,
		    .data_size_out = sizeof(t->out), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	*result = (int)options.retval;
	return err;
}

static int run_on_map(struct thread *t, const struct bpf_program *program, int *result)
{
	uint8_t frame[FRAME] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
	int map = bpf_map__fd(bpf->maps.array), err;

	memcpy(frame + BULK_JOB_OFFSET, &t->job, sizeof(t->job));
	err = bpf_map_update_elem(map, &t->number, t->in, BPF_ANY) ? -errno : 0;
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	if (!err)
		err = bpf_map_lookup_elem(map, &t->number, t->out) ? -errno : 0;
	*result = (int)options.retval;
	return err;
}

static int run(struct thread *t, int *result)
{
	switch (t->kind) {
	case SKB:
		return run_on_packet(t, bpf->progs.bulk_skb, result);
	case XDP:
		return run_on_packet(t, bpf->progs.bulk_xdp, result);
	case ARRAY:
		return run_on_map(t, bpf->progs.bulk_array, result);
	default:
		return run_on_map(t, bpf->progs.bulk_per_cpu, result);
	}
}

/* The kernel's own type writes the full blocks before it refuses the rest. */
static void check_refused(const struct thread *t, int result)
{
	if (result != -EINVAL)
		failed(t, "part of a block is not refused", result);
	else if (strcmp(type, CRYPTO_TYPE_BULK) == 0 && memcmp(t->out, t->in, t->room) != 0)
		failed(t, "was refused, and wrote", result);
}

static void check(struct thread *t)
{
	int result = 0, err = run(t, &result);

	if (err)
		failed(t, "cannot be run", err);
	else if (t->job.length % BLOCK)
		check_refused(t, result);
	else if (result)
		failed(t, "failed", result);
	else if (memcmp(t->out, t->expected, t->room) != 0)
		failed(t, "has another result than libcrypto", 0);
	atomic_fetch_add(&calls[t->kind], 1);
}

static void *work(void *arg)
{
	struct thread *t = arg;

	while (!stop && failures < 10) {
		choose(t);
		compute_expected(t);
		check(t);
	}
	return NULL;
}

static void *replace(void *arg)
{
	int err;

	for (unsigned int slot = 0; !stop; slot = (slot + 1) % BULK_SLOTS) {
		err = install(slot, key_length(slot));
		if (err) {
			print_message("# slot %u: not replaced: %d\n", slot, err);
			atomic_fetch_add(&failures, 1);
		}
		atomic_fetch_add(&replaced, 1);
		usleep(2000);
	}
	return arg;
}

static unsigned int from_environment(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);

	return value ? (unsigned int)strtoul(value, NULL, 10) : otherwise;
}

static void stress(unsigned int seed)
{
	struct thread *threads = calloc(BULK_THREADS, sizeof(*threads));
	struct timespec time = { .tv_sec = from_environment("BULK_SECONDS", 0), .tv_nsec = 500000000 };
	pthread_t replacer;

	assert_non_null(threads);
	stop = false;
	failures = 0;
	for (unsigned int i = 0; i < BULK_THREADS; i++) {
		threads[i].number = i;
		threads[i].seed = seed + i;
		assert_int_equal(pthread_create(&threads[i].thread, NULL, work, &threads[i]), 0);
	}
	assert_int_equal(pthread_create(&replacer, NULL, replace, NULL), 0);
	nanosleep(&time, NULL);
	stop = true;
	for (unsigned int i = 0; i < BULK_THREADS; i++)
		pthread_join(threads[i].thread, NULL);
	pthread_join(replacer, NULL);
	free(threads);
	for (int i = 0; i < KINDS; i++)
		print_message("# %s: %s: %ld calls\n", type, kinds[i], atomic_exchange(&calls[i], 0));
	print_message("# %s: contexts replaced: %ld, SEED=%u\n", type, atomic_exchange(&replaced, 0), seed);
	assert_int_equal(failures, 0);
}

static int install_all(void)
{
	int err = 0;

	for (unsigned int slot = 0; !err && slot < BULK_SLOTS; slot++) {
		int tries = SA_TRIES;

		do {
			err = install(slot, key_length(slot));
		} while (sa_error_passes(err) && --tries);
	}
	return err;
}

static void test_type(void **state)
{
	unsigned int seed = from_environment("SEED", 1), key_seed = seed;
	int err;

	type = *state;
	for (size_t i = 0; i < sizeof(keys); i++)
		((uint8_t *)keys)[i] = (uint8_t)rand_r(&key_seed);
	err = install_all();
	if (err == -ENOENT && strcmp(type, CRYPTO_TYPE_BULK) == 0 && bulk_state(NULL) != BULK_USABLE) {
		print_message("# SKIP the module " BULK_MODULE " is not loaded\n");
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(install(0, 15), -EINVAL);
	assert_int_equal(install(0, 17), -EINVAL);
	stress(seed);
}

static int set_up(void **state)
{
	(void)state;
	bpf = bulk_bpf__open_and_load();
	return bpf ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	bulk_bpf__destroy(bpf);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_row("the kernel's own type", test_type, CRYPTO_TYPE),
		unit_test_row("the module's type", test_type, CRYPTO_TYPE_BULK),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
