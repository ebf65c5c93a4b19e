/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Landlock: which files the agent may still open, where the kernel has it. */
#ifndef XDPSEC_AGENT_LANDLOCK_H
#define XDPSEC_AGENT_LANDLOCK_H

#include <stddef.h>

/* Files can be read below these directories, and below no other. Nothing can be written, made or run. A kernel without
 * Landlock is no error. 0, or -errno after a message. */
int landlock_enter(const int *directories, size_t n);

#endif
