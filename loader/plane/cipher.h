/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drivers of a cipher in /proc/crypto. */
#ifndef XDPSEC_CIPHER_H
#define XDPSEC_CIPHER_H

#include <stdbool.h>
#include <stddef.h>

struct cipher {
	char name[128];	  /* "aes", "ecb(aes)" */
	char driver[128]; /* "aes-generic", "ecb(aes-generic)" */
	char type[32];	  /* "cipher", "lskcipher" */
	int priority;
	bool async;
};

/* Call each for every entry until it returns other than 0, which is then the result. 0 also if there is no
 * /proc/crypto. */
int cipher_each(int (*each)(const struct cipher *cipher, void *data), void *data);

/* The driver with the highest priority among those of this type whose name or driver is name. */
bool cipher_best(const char *name, const char *type, char *driver, size_t size);

/* Does the kernel now prefer another driver than the one that a context of ecb(aes) was bound to? bound is
 * as sa_install() returns it; preferred gets the other one in the same form. */
bool cipher_outdated(const char *bound, char *preferred, size_t size);

/* Is it C, or assembly without the processor's instructions for AES? bound as above. false for names that are not known. */
bool cipher_is_slow(const char *bound);
bool cipher_cpu_has_aes(void);

#endif
