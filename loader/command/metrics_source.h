/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways of `metrics --listen` to its text: from a file, and from a process that reads the instances. */
#ifndef XDPSEC_METRICS_SOURCE_H
#define XDPSEC_METRICS_SOURCE_H

/* Seconds. A file that is older is not served: its writer has ended. */
#define METRICS_FILE_AGE_MAX 300

/* Serve until a signal ends it. 0, or -errno after a message. */
int metrics_serve_file(const char *where, const char *path);
int metrics_serve_instances(const char *where, const char *name);

#endif
