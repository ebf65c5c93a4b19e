/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file with metrics that others read at any time. */
#ifndef XDPSEC_METRICS_OUTPUT_H
#define XDPSEC_METRICS_OUTPUT_H

#include <stddef.h>

/* Replace the file by one with this text: a reader sees the old one or the new one. 0, or -errno after a message. */
int metrics_write(const char *path, const char *text, size_t length);

#endif
