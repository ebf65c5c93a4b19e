/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C and `kill` end a command between two steps, not within one: the signals are blocked, so that no
 * system call is cut short, and looked for where nothing is half done.
 */
#ifndef XDPSEC_INTERRUPT_H
#define XDPSEC_INTERRUPT_H

#include <stdbool.h>

/* SIGINT, SIGTERM and SIGHUP, until the process ends. */
void interrupt_block(void);
/* Has one of them come? */
bool interrupt_pending(void);

#endif
