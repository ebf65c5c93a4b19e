/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listener of `metrics --listen`. */
#ifndef XDPSEC_METRICS_LISTEN_H
#define XDPSEC_METRICS_LISTEN_H

#include "command/metrics_http.h"

/* Serve at ADDRESS:PORT until SIGINT, SIGTERM or SIGHUP. 0, or -errno after a message, or EXIT_USAGE. */
int metrics_listen(const char *where, struct metrics_source *source);

#endif
