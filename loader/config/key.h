/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manual keys: from a file to the kernel, and nowhere else. */
#ifndef XDPSEC_KEY_H
#define XDPSEC_KEY_H

#include <stddef.h>

#define KEY_MAX 32
#define FINGERPRINT_HEX 33 /* 128 bits of SHA-256 in hex, and the NUL */

struct key {
	unsigned char bytes[KEY_MAX];
	size_t length; /* bytes */
};

/*
 * Read a key as hexadecimal digits (one line, white space at the end allowed) from a file that only its owner
 * may read: regular, owned by the caller or root, no permission for group and others. what names the
 * configuration line for messages ("site-a.conf:12: TxKeyFile"). length is the number of bytes that the
 * cipher needs. 0, or -errno after a message; *key is unchanged then.
 */
int key_read(struct key *key, const char *path, size_t length, const char *what);

/* Overwrite the key. Call it as soon as the kernel has the key. */
void key_wipe(struct key *key);
#define _cleanup_key_ __attribute__((cleanup(key_wipe)))

/*
 * The name of a key in state files and in `status`: the first 128 bits of SHA-256("xdpsec key fingerprint 1"
 * || key), in hex. It reveals nothing about the key.
 */
int key_fingerprint(const struct key *key, char fingerprint[FINGERPRINT_HEX]);

#endif
