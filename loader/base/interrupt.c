// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocking SIGINT, SIGTERM and SIGHUP, and asking for them between steps. */
#include <signal.h>

#include "base/interrupt.h"

void interrupt_set(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
}

void interrupt_block(void)
{
	sigset_t signals;

	interrupt_set(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

bool interrupt_pending(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) ||
					     sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP));
}
