// SPDX-License-Identifier: GPL-2.0-or-later
/* Timing the kernel's cipher with a key of zeros. */
#include <errno.h>
#include <stdio.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cipher_cost.skel.h"
#include "plane/bulk.h"
#include "plane/cipher_cost.h"
#include "plane/sa_abi.h"

/* The least of some rounds: others may run meanwhile. */
#define ROUNDS 4
#define CALLS 8

static int prepare(const struct cipher_cost_bpf *bpf, const char *driver)
{
	struct sa_crypto_parameters parameters = { .type = CRYPTO_TYPE, .key_len = 16 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &parameters, .ctx_size_in = sizeof(parameters));
	int err;

	snprintf(parameters.algo, sizeof(parameters.algo), "ecb(%s)", driver);
	err = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.cost_prepare), &options);
	return err ?: (int)options.retval;
}

static int measure(const struct cipher_cost_bpf *bpf)
{
	unsigned char frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = CALLS);
	__u32 least = ~0U;
	int err;

	for (int i = 0; i < ROUNDS; i++) {
		err = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.cost_encrypt), &options);
		if (err || options.retval)
			return err ?: -EIO;
		if (options.duration < least)
			least = options.duration;
	}
	return (int)least;
}

int cipher_cost(const char *driver)
{
	struct cipher_cost_bpf *bpf = cipher_cost_bpf__open_and_load();
	int cost;

	if (!bpf)
		return -errno;
	cost = prepare(bpf, driver);
	if (!cost)
		cost = measure(bpf);
	cipher_cost_bpf__destroy(bpf);
	return cost;
}
