/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the user. Every failure is one sentence of the form "what: on which object: why". If the user
 * can do something about it, one line "hint: ..." follows.
 */
#ifndef XDPSEC_MESSAGE_H
#define XDPSEC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Print "xdpsec: " and the message to standard error, and return -code, so that a failure is one line:
 * return fail(EINVAL, "site-a.conf:7: Ports: %s: not a port", text). code is a positive errno.
 */
int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print "hint: " and the message. Call it right after fail(). */
void hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print "xdpsec: warning: " and the message. */
void warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From hold to release nothing is printed, and the texts of the first fail() are kept. For a command that judges by the
 * checks of others.
 */
void message_hold(void);
void message_release(void);

/* The texts of the last fail() and of the hint() after it; empty if there was none. For `status -j`. */
const char *message_failure(void);
const char *message_hint(void);

/* A message, as it was printed, without "xdpsec: " in front. */
struct message {
	bool is_warning;
	char *text, *hint; /* hint NULL: there is none */
};

/* From now on keep all of them, for the JSON output of a command that reports more than one. */
void messages_keep(void);
const struct message *messages_kept(size_t *n);

#endif
