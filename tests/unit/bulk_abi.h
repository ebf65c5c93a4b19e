/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jobs that bulk_test.c gives to the programs in bulk.bpf.c. */
#ifndef XDPSEC_TEST_BULK_ABI_H
#define XDPSEC_TEST_BULK_ABI_H

#include "plane/sa_abi.h"

#define BULK_SLOTS 8
#define BULK_THREADS 4
#define BULK_ARRAY 40000
#define BULK_PER_CPU 20000
#define BULK_JOB_OFFSET 14
/* The result of a program that could not call the cipher. */
#define BULK_BROKEN 100

/* One call: in the memory, length bytes at from are written to to. */
struct bulk_job {
	__u32 slot, thread, from, to, length, decrypt;
};

struct bulk_install_args {
	struct sa_crypto_parameters parameters;
	__u32 slot;
	__u32 pad;
};

#endif
