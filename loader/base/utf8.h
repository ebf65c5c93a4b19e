/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 in texts of others: the names of files and devices, and lines of a configuration, may have any bytes. */
#ifndef XDPSEC_UTF8_H
#define XDPSEC_UTF8_H

#include <stddef.h>

/* The bytes of the sequence that text begins with; 0: it is none (RFC 3629, section 4). */
size_t utf8_length(const char *text);

#endif
