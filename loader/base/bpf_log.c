// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of libbpf and libxdp: kept, and shown only if something fails. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include "base/kernel.h"

/* The end of the output: a verifier log has its complaint there. */
static char text[4096];
static size_t used;

static void keep(const char *format, va_list arguments)
{
	char *line = NULL;
	size_t length, skip, drop;

	if (vasprintf(&line, format, arguments) < 0)
		return;
	length = strlen(line);
	skip = length > sizeof(text) ? length - sizeof(text) : 0;
	length -= skip;
	drop = used + length > sizeof(text) ? used + length - sizeof(text) : 0;
	memmove(text, text + drop, used - drop);
	used -= drop;
	memcpy(text + used, line + skip, length);
	used += length;
	free(line);
}

static int keep_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		keep(format, arguments);
	return 0;
}

static int keep_libxdp(enum libxdp_print_level level, const char *format, va_list arguments)
{
	if (level == LIBXDP_WARN)
		keep(format, arguments);
	return 0;
}

void bpf_log_start(void)
{
	libbpf_set_print(keep_libbpf);
	libxdp_set_print(keep_libxdp);
	used = 0;
}

void bpf_log_show(void)
{
	if (!used)
		return;
	fprintf(stderr, "%.*s%s", (int)used, text, text[used - 1] == '\n' ? "" : "\n");
	used = 0;
}
