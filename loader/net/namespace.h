/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces: that of this process, and that of an instance. */
#ifndef XDPSEC_NAMESPACE_H
#define XDPSEC_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct namespace
{
	__u64 cookie; /* unique since boot */
	__u64 inode;  /* as /proc/PID/ns/net and /run/netns/NAME show it; reused */
};

/* The namespace of this process. 0, or -errno after a message. */
int namespace_here(struct namespace *namespace);

/*
 * Search the named namespaces (/run/netns) and those of processes. path gets the path, name the name if there
 * is one (else ""). The inode may belong to a younger namespace: enter it and compare the cookie.
 */
bool namespace_find(__u64 inode, char *path, size_t path_size, char *name, size_t name_size);

/* Enter the namespace with this inode and cookie. *back is a descriptor of the previous one, for
 * namespace_leave(). -ENOENT without a message if it is gone. */
int namespace_enter(__u64 inode, __u64 cookie, int *back);
void namespace_leave(int *back);

/*
 * Enter every other namespace that has a name or a process, and call each there until it returns true; path
 * is the path of the namespace. True if one did. The process is back in its own namespace afterwards.
 */
bool namespace_each_other(bool (*each)(const char *path, void *data), void *data);

#endif
