/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as text, in one of two forms: OpenMetrics 1.0, or the older text format of Prometheus (0.0.4), which
 * node_exporter reads from files and promtool checks. They differ in the names behind # TYPE, in the type info, and in
 * # UNIT and # EOF; the samples are the same.
 */
#ifndef XDPSEC_EXPOSITION_H
#define XDPSEC_EXPOSITION_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

enum exposition_format { EXPOSITION_OPENMETRICS, EXPOSITION_PROMETHEUS };

#define EXPOSITION_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define EXPOSITION_TYPE_PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

/* The form that the client prefers, by its header "Accept"; NULL: it sent none. */
enum exposition_format exposition_wanted(const char *accept);

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };

/* Name, type and help of samples of one kind. name is without "_total" and "_info", and ends with the unit, if there is
 * one. */
struct family {
	const char *name;
	enum metric_type type;
	const char *unit; /* NULL: none */
	const char *help; /* one line without \ and " */
};

struct exposition {
	FILE *out;
	enum exposition_format format;
	const struct family *family; /* of the samples that follow */
};

/* All samples of a family come in one piece, behind this. */
void exposition_family(struct exposition *exposition, const struct family *family);

struct label {
	const char *name, *value;
};

/* LABELS({ "name", "site-a" }, { "peer", "site-b" }): up to one without a name. */
#define LABELS(...) ((const struct label[]){ __VA_ARGS__, { NULL, NULL } })
#define NO_LABELS ((const struct label[]){ { NULL, NULL } })

void exposition_number(struct exposition *exposition, __u64 value, const struct label *labels);
void exposition_ratio(struct exposition *exposition, double value, const struct label *labels);

void exposition_end(struct exposition *exposition);

#endif
