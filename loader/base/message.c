// SPDX-License-Identifier: GPL-2.0-or-later
/* Printing errors, hints and warnings. */
#include <stdarg.h>
#include <stdio.h>

#include "base/message.h"

/* Texts of the last fail() and of the hint() after it. */
static char last_failure[512], last_hint[512];

static void print(const char *prefix, const char *format, va_list arguments)
{
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
	va_start(arguments, format);
	vsnprintf(last_failure, sizeof(last_failure), format, arguments);
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
	va_start(arguments, format);
	vsnprintf(last_hint, sizeof(last_hint), format, arguments);
	va_end(arguments);
}

void warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print("xdpsec: warning: ", format, arguments);
	va_end(arguments);
}

const char *message_failure(void)
{
	return last_failure;
}

const char *message_hint(void)
{
	return last_hint;
}
