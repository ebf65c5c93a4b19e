// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>

#include "message.h"

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
	return -code;
}

void hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print("hint: ", format, arguments);
	va_end(arguments);
}

void warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print("xdpsec: warning: ", format, arguments);
	va_end(arguments);
}
