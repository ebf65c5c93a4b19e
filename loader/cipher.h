/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/crypto says about the drivers of a cipher. */
#ifndef XDPSEC_CIPHER_H
#define XDPSEC_CIPHER_H

#include <stdbool.h>
#include <stddef.h>

struct cipher {
	char name[128];	  /* "aes", "ecb(aes)" */
	char driver[128]; /* "aes-generic", "ecb(aes-generic)" */
	char type[32];	  /* "cipher", "lskcipher" */
	int priority;
};

/* Call each for every entry until it returns other than 0, which is then the result. 0 also where there is
 * no /proc/crypto. */
int cipher_each(int (*each)(const struct cipher *cipher, void *data), void *data);

/* The driver of the highest priority whose type this is and whose name or driver is name. */
bool cipher_best(const char *name, const char *type, char *driver, size_t size);

/* Is there now a driver that the kernel prefers to the one that it bound a context of ecb(aes) to? bound is
 * as sa_install() tells it; preferred gets the other in the same form. */
bool cipher_outdated(const char *bound, char *preferred, size_t size);

#endif
