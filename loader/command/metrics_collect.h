/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics of the instances, as text. docs/monitoring.md lists them. */
#ifndef XDPSEC_METRICS_COLLECT_H
#define XDPSEC_METRICS_COLLECT_H

#include <stddef.h>

#include "command/exposition.h"
#include "command/survey.h"

/* Reports of the instances, read first, as all samples of one metric have to be together. */
struct metrics {
	struct report *reports;
	size_t n_reports;
	char (*faults)[XDPSEC_NAME_LEN]; /* names of those that cannot be read */
	size_t n_faults;
};

/* The text, with its length, to be freed; name NULL: of all instances. 0, or -errno after a message. */
int metrics_collect(const char *name, enum exposition_format format, char **text, size_t *length);

/* The metrics of instances, and those of peers (metrics_instance.c, metrics_peer.c). */
void metrics_print_instances(struct exposition *exposition, const struct metrics *metrics);
void metrics_print_peers(struct exposition *exposition, const struct metrics *metrics);

#endif
