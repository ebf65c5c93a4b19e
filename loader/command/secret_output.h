/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output that holds a key. */
#ifndef XDPSEC_SECRET_OUTPUT_H
#define XDPSEC_SECRET_OUTPUT_H

#include <stddef.h>

/* Warn if standard output is a file that others can read. */
void secret_output_warn(void);

/* Write without stdio, whose buffers would keep a copy. what names the file for the message. 0 or -errno. */
int secret_output_write(int fd, const char *what, const char *text, size_t n);

#endif
