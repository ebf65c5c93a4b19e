/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose directories are. Whoever may write to one can put others in the place of what is in it; whoever may
 * read it can lock it, and make every command wait.
 */
#ifndef XDPSEC_OWNER_H
#define XDPSEC_OWNER_H

#include <stdbool.h>
#include <sys/stat.h>

/* May users other than root and the caller change what is in the directory? In a sticky one, like /tmp, they
 * may add to it, and leave alone what is not theirs. */
bool owner_exposed(const struct stat *directory);

/*
 * Nobody else may have made what is at path, or change what is in it: a directory, no link. 0, -ENOENT
 * without a message, or -EPERM after one.
 */
int owner_check_pins(const char *path);

/* The same, and nobody else may make it in our place: the file system itself. */
int owner_check_bpffs(void);

#endif
