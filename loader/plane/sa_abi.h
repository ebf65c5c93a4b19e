/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of the programs in sa.bpf.c (their ctx_in), shared by the loader and these programs.
 */
#ifndef XDPSEC_SA_ABI_H
#define XDPSEC_SA_ABI_H

#include <linux/types.h>

#include "xdpsec/abi.h"

#define SA_ALGORITHM_MAX 128
#define SA_KEY_MAX 256

/*
 * sa_install: create a context and exchange it into contexts[slot]; the previous one is released. parameters
 * has the layout of the kernel's struct bpf_crypto_params (kernel/bpf/crypto.c). The key is zero when the
 * program returns; the caller wipes its own copy. The return value, and error, are 0 or -errno.
 */
struct sa_crypto_parameters {
	char type[14];
	__u8 reserved[2];
	char algo[SA_ALGORITHM_MAX];
	__u8 key[SA_KEY_MAX];
	__u32 key_len;
	__u32 authsize;
};

struct sa_install_args {
	struct sa_crypto_parameters parameters;
	__u32 slot;
	__s32 error;
};

/* sa_share: one more reference to the context of slot from, in slot to. */
struct sa_share_args {
	__u32 from, to;
};

/* sa_remove: take the context out of slot and release it. */
struct sa_remove_args {
	__u32 slot;
};

/* sa_bind: set what the SA in slot binds, and nothing else: it may be in use. */
struct sa_bind_args {
	__u32 slot;
	__u32 binding; /* enum xdpsec_binding */
};

/*
 * sa_derive: computes the values that RFC 7253 section 4.1 derives from the key, in sas[slot], and gives the SA
 * its id. It runs over a dummy frame that has the slot here (host order). Returns 0, or 1 if there is no context or the kernel's
 * crypto failed.
 */
#define SA_DERIVE_FRAME_LEN 64
#define SA_DERIVE_SLOT_OFFSET 14

/*
 * seal_vector and open_vector (selftest.bpf.c): seal or open a frame of Ethernet header, struct
 * xdpsec_header, tag and payload in place. The SPI field is the slot of the SA in host order; the nonce is
 * used unchanged.
 */
#define VECTOR_ETHERNET_LEN 14

/* cost_encrypt (cipher_cost.bpf.c): the blocks of a payload of 1380 bytes. */
#define CIPHER_COST_BYTES 1392

enum vector_result {
	VECTOR_DONE,
	VECTOR_TAG_FAILED,
	VECTOR_ERROR,
};

_Static_assert(sizeof(struct sa_crypto_parameters) == 408, "struct bpf_crypto_params");
_Static_assert(sizeof(struct sa_install_args) == 416, "ABI");

#endif
