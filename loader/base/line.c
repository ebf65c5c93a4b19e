// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of a file that somebody else has written. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"

static bool enlarge(char **buffer, size_t *size)
{
	size_t larger = *size ? 2 * *size : 256;
	char *bytes = malloc(larger);

	if (!bytes)
		return false;
	if (*buffer) {
		memcpy(bytes, *buffer, *size);
		explicit_bzero(*buffer, *size);
		free(*buffer);
	}
	*buffer = bytes;
	*size = larger;
	return true;
}

ssize_t line_read(char **buffer, size_t *size, FILE *file)
{
	ssize_t n = 0;
	int c;

	errno = 0;
	do {
		c = getc_unlocked(file);
		if (c == EOF)
			break;
		if (n == LINE_BYTES) {
			errno = EFBIG;
			return -1;
		}
		/* The NUL has room as well. */
		if ((size_t)n + 1 >= *size && !enlarge(buffer, size))
			return -1;
		(*buffer)[n++] = (char)c;
	} while (c != '\n');
	if (ferror(file))
		return -1;
	if (!n) {
		errno = 0;
		return -1;
	}
	(*buffer)[n] = '\0';
	return n;
}
