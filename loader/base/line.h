/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a file that somebody else has written. */
#ifndef XDPSEC_LINE_H
#define XDPSEC_LINE_H

#include <stdio.h>
#include <sys/types.h>

#define LINE_BYTES (1U << 20)

/*
 * Like getline(), for lines of at most LINE_BYTES: -1 with errno EFBIG where one is longer, as /dev/zero is and a file
 * of holes. -1 with errno 0 at the end of the file. A buffer that was too small is wiped before it is freed: there may be a key in it.
 */
ssize_t line_read(char **buffer, size_t *size, FILE *file);

#endif
