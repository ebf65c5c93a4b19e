/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks that commands wait for. */
#ifndef XDPSEC_LOCK_H
#define XDPSEC_LOCK_H

/* Lock fd, which is the file path. If that takes long, print who holds the lock. 0, or -errno after a
 * message. */
int lock_wait(int fd, const char *path);

#endif
