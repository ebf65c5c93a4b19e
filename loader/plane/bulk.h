/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The optional kernel module bpf_crypto_bulk (module/): a type of BPF crypto that takes many blocks at a time. A context
 * of it is recorded as bound to "bulk(DRIVER)", one of the kernel's own type as bound to "ecb(DRIVER)".
 */
#ifndef XDPSEC_BULK_H
#define XDPSEC_BULK_H

#include <stdbool.h>
#include <stddef.h>

#define BULK_MODULE "bpf_crypto_bulk"
#define BULK_RELEASE_LEN 65 /* as utsname has it */

/* Types of BPF crypto: the kernel's own, and that of the module. */
#define CRYPTO_TYPE "skcipher"
#define CRYPTO_TYPE_BULK "skcipher-bulk"

enum bulk_state {
	BULK_USABLE,
	BULK_NO_CIPHER,	   /* it is loaded, and the kernel has no cipher for it */
	BULK_NOT_LOADED,   /* it is installed */
	BULK_OTHER_KERNEL, /* it is installed for another one */
	BULK_NOT_INSTALLED,
};

/* kernel gets the release that it is installed for, with BULK_OTHER_KERNEL. May be NULL. */
enum bulk_state bulk_state(char kernel[BULK_RELEASE_LEN]);
/* For people, and for `selftest -j`. */
const char *bulk_state_text(enum bulk_state state);

/* The cipher that a new context of the module is bound to, by /proc/crypto. false: the module offers none. */
bool bulk_bound(char *bound, size_t size);
/* Is it a context of the module? */
bool bulk_is(const char *bound);
/* Is there something better than what a context of ecb(aes) was bound to: the module, or another driver? bound is as
 * sa_install() returns it; preferred gets the better one in the same form. */
bool bulk_outdated(const char *bound, char *preferred, size_t size);

#endif
