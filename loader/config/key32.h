/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of 32 bytes in base64, as WireGuard writes them: private, public and preshared keys of the key agreement.
 */
#ifndef XDPSEC_KEY32_H
#define XDPSEC_KEY32_H

#include <stdbool.h>
#include <stddef.h>

#define KEY32_BYTES 32
#define KEY32_TEXT 44 /* characters in base64, without a NUL */

/* Exactly 44 characters, the last one "=", no bit set beyond the 256th. 0, or -EINVAL without a message; *key
 * is unchanged then. */
int key32_decode(const char *text, unsigned char key[KEY32_BYTES]);
/* The same for the first n characters, with white space around the key allowed. */
int key32_parse(const char *text, size_t n, unsigned char key[KEY32_BYTES]);
void key32_encode(const unsigned char key[KEY32_BYTES], char text[KEY32_TEXT + 1]);

/*
 * Read a key from a file that only its owner may read. is_preshared: also the group xdpsec may read it, and
 * another user may own it. what names the configuration line for messages ("site-a.conf:3: PrivateKeyFile").
 * 0, or -errno after a message.
 */
int key32_read(const char *path, bool is_preshared, unsigned char key[KEY32_BYTES], const char *what);

/* The public key of a private one, which X25519 clamps. 0, or -EIO after a message. */
int key32_public(const unsigned char private_key[KEY32_BYTES], unsigned char public_key[KEY32_BYTES]);

/* Clear and set the bits that X25519 ignores (RFC 7748 section 5). */
void key32_clamp(unsigned char private_key[KEY32_BYTES]);

bool key32_is_zero(const unsigned char key[KEY32_BYTES]);
/* Is the result of X25519 with this public key the same for all private keys? */
bool key32_is_low_order(const unsigned char public_key[KEY32_BYTES]);

void key32_wipe(unsigned char (*key)[KEY32_BYTES]);
#define _cleanup_key32_ __attribute__((cleanup(key32_wipe)))

#endif
