/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks that commands wait for. */
#ifndef XDPSEC_LOCK_H
#define XDPSEC_LOCK_H

/* Lock what path names and fd is. Where that takes long, say who has it. 0, or -errno after a message. */
int lock_wait(int fd, const char *path);

#endif
