/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks that commands wait for. */
#ifndef XDPSEC_LOCK_H
#define XDPSEC_LOCK_H

#include <stdbool.h>

/* Lock fd, which is the file path. If that takes long, print who holds the lock. 0, or -errno after a
 * message. */
int lock_wait(int fd, const char *path);

/* The process that holds the lock of this file; 0: unknown, as it is in another PID namespace or has just released it.
 * exactly: also compare the device that the file is on, which some file systems show differently. */
int lock_holder(int fd, bool exactly);

#endif
