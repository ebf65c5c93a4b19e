/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C and `kill` end a command between two steps, not within one. The signals are blocked, so that they
 * interrupt no system call, and are checked where nothing is half done.
 */
#ifndef XDPSEC_INTERRUPT_H
#define XDPSEC_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* These three. */
void interrupt_set(sigset_t *signals);
/* Block SIGINT, SIGTERM and SIGHUP until the process ends. */
void interrupt_block(void);
/* Has one of them arrived? */
bool interrupt_pending(void);

#endif
