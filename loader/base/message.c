// SPDX-License-Identifier: GPL-2.0-or-later
/* Printing errors, hints and warnings. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"

/* Texts of the last fail() and of the hint() after it. */
static char last_failure[512], last_hint[512];

/* held: messages are not printed. kept: the text of the last one was kept, so its hint is too. */
static bool held, kept;

static struct message *messages;
static size_t n_messages;
static bool keeps_all;

void messages_keep(void)
{
	keeps_all = true;
}

const struct message *messages_kept(size_t *n)
{
	*n = n_messages;
	return messages;
}

/* Keep a message for JSON. Without memory it is on standard error only. */
static void keep_message(bool is_warning, const char *format, va_list arguments)
{
	struct message *more = keeps_all ? reallocarray(messages, n_messages + 1, sizeof(*messages)) : NULL;
	char *text;

	if (!more)
		return;
	messages = more;
	if (vasprintf(&text, format, arguments) >= 0)
		messages[n_messages++] = (struct message){ .is_warning = is_warning, .text = text };
}

static void print(const char *prefix, const char *format, va_list arguments)
{
	if (held)
		return;
	fputs(prefix, stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int fail(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print("xdpsec: ", format, arguments);
	va_end(arguments);
	kept = !held || !last_failure[0];
	if (!kept)
		return -code;
	va_start(arguments, format);
	vsnprintf(last_failure, sizeof(last_failure), format, arguments);
	va_end(arguments);
	va_start(arguments, format);
	keep_message(false, format, arguments);
	va_end(arguments);
	last_hint[0] = '\0';
	return -code;
}

void hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print("hint: ", format, arguments);
	va_end(arguments);
	if (held && !kept)
		return;
	va_start(arguments, format);
	vsnprintf(last_hint, sizeof(last_hint), format, arguments);
	va_end(arguments);
	if (n_messages && !messages[n_messages - 1].hint)
		messages[n_messages - 1].hint = strdup(last_hint);
}

void warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print("xdpsec: warning: ", format, arguments);
	va_end(arguments);
	va_start(arguments, format);
	keep_message(true, format, arguments);
	va_end(arguments);
	kept = false;
}

void message_hold(void)
{
	held = true;
	last_failure[0] = last_hint[0] = '\0';
}

void message_release(void)
{
	held = false;
}

const char *message_failure(void)
{
	return last_failure;
}

const char *message_hint(void)
{
	return last_hint;
}
