// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec status --watch: the same again every second, until it is interrupted. */
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "command/status.h"

#define TURN_SECONDS 1
/* ECMA-48: the cursor to the top left, and everything from there is erased. */
#define CLEAR "\033[H\033[J"

static void print_time(void)
{
	time_t now = time(NULL);
	struct tm local;
	char text[64];

	if (localtime_r(&now, &local) && strftime(text, sizeof(text), "%F %T", &local))
		printf("%s\n", text);
}

/* Did a signal end the wait? */
static bool wait_turn(void)
{
	const struct timespec turn = { .tv_sec = TURN_SECONDS };
	sigset_t signals;

	interrupt_set(&signals);
	return sigtimedwait(&signals, NULL, &turn) >= 0;
}

int status_watch(const struct options *options, int (*show)(const struct options *options))
{
	bool clear = isatty(STDOUT_FILENO) && !options->json;
	int result;

	interrupt_block();
	do {
		if (clear)
			fputs(CLEAR, stdout);
		if (!options->json)
			print_time();
		/* Before the messages on standard error. */
		fflush(stdout);
		result = show(options);
		if (result < 0)
			return result;
		/* Nobody may read it any more. What is longer than the buffer has failed before, and left the buffer empty. */
		if (fflush(stdout) || ferror(stdout))
			return 1;
		if (!options->json && !clear)
			putchar('\n');
	} while (!wait_turn());
	return 0;
}
