/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that hold a key or a preshared key: who may read them, and what they contain. */
#ifndef XDPSEC_KEY_FILE_H
#define XDPSEC_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* The longest contents of a key file. A manual key has 64 digits, one in base64 has 44 characters. */
#define KEY_FILE_MAX 128

/* The group that may read preshared keys: the agent is in it. */
#define KEY_FILE_GROUP "xdpsec"

/*
 * Read a file that only its owner may read: regular, owned by the caller or root, no permission for group and
 * others, in a directory in which nobody else could replace it. is_preshared allows another owner, and reading
 * by the group xdpsec. what names the configuration line for messages ("site-a.conf:12: TxKeyFile"). *n gets
 * the number of bytes without white space at the end. 0, or -errno after a message; after -ENOENT the
 * caller adds the hint. Wipe text in both cases.
 */
int key_file_read(const char *path, const char *what, bool is_preshared, char text[KEY_FILE_MAX], size_t *n);

/* The same from standard input. */
int key_file_read_input(char text[KEY_FILE_MAX], size_t *n);

void key_file_wipe(char (*text)[KEY_FILE_MAX]);

/* Could others than root and the caller read or replace this file, in which a key stands? 0, or -EPERM after a
 * message. */
int key_file_check_private(const char *path, const char *what);

#endif
