/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owners of directories. A user who may write to a directory can replace its contents. A user who may
 * read it can lock it, and make every command wait.
 */
#ifndef XDPSEC_OWNER_H
#define XDPSEC_OWNER_H

#include <stdbool.h>
#include <sys/stat.h>

/* Does it belong to neither root nor the caller? */
bool owner_is_foreign(const struct stat *status);

/* May users other than root and the caller write to it, sticky or not? */
bool owner_others_write(const struct stat *status);

/* May users other than root and the caller change the directory's contents? In a sticky one, like /tmp,
 * they may add to it, but not change files of others. */
bool owner_exposed(const struct stat *directory);

/*
 * Check that path is a directory, not a link, and that nobody else may have made it or may change its
 * contents. 0, -ENOENT without a message, or -EPERM after one.
 */
int owner_check_pins(const char *path);

/*
 * The same for the directory of libxdp, which may also be root's link to such a directory: iproute2 creates
 * /sys/fs/bpf/xdp as a link to its own directory "tc" (lib/bpf_legacy.c, bpf_gen_hierarchy).
 */
int owner_check_libxdp(const char *path);

/* The same for the file system itself. Also, nobody else may be able to create it. */
int owner_check_bpffs(void);

#endif
