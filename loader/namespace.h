/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which network namespace this is, and which one an instance was made in. */
#ifndef XDPSEC_NAMESPACE_H
#define XDPSEC_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct namespace
{
	__u64 cookie; /* unique since boot */
	__u64 inode;  /* what /proc/PID/ns/net and /run/netns/NAME show; reused */
};

/* The one that this process is in. 0, or -errno after a message. */
int namespace_here(struct namespace *namespace);

/*
 * Look for it among the named ones (/run/netns) and those of processes. path gets where it was found, name
 * the name if it has one (else ""). The inode may belong to a younger namespace: enter it and compare the
 * cookie.
 */
bool namespace_find(__u64 inode, char *path, size_t path_size, char *name, size_t name_size);

/* Enter the namespace with this inode and cookie; *back is a descriptor of the one that was left, for
 * namespace_leave(). -ENOENT without a message where it is gone. */
int namespace_enter(__u64 inode, __u64 cookie, int *back);
void namespace_leave(int *back);

/*
 * Enter every other namespace that has a name or a process, and call each there, until it says that this was
 * the one; path leads to it. Was there such a one? The process is back afterwards.
 */
bool namespace_each_other(bool (*each)(const char *path, void *data), void *data);

#endif
