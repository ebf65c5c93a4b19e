// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading all instances, and printing their metrics into memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "command/metrics_collect.h"

static void *grow_array(void *array, size_t n, size_t size)
{
	void *grown = realloc(array, (n + 1) * size);

	if (!grown)
		fail(ENOMEM, "out of memory");
	return grown;
}

/* The report is taken over. */
static void take_report(struct report *report, void *data)
{
	struct metrics *metrics = data;
	struct report *reports = grow_array(metrics->reports, metrics->n_reports, sizeof(*reports));

	if (!reports)
		return;
	metrics->reports = reports;
	reports[metrics->n_reports++] = *report;
	memset(report, 0, sizeof(*report));
}

static bool has_instance(const struct metrics *metrics, const char *name)
{
	for (size_t i = 0; i < metrics->n_reports; i++)
		if (strcmp(metrics->reports[i].instance.name, name) == 0)
			return true;
	for (size_t i = 0; i < metrics->n_faults; i++)
		if (strcmp(metrics->faults[i], name) == 0)
			return true;
	return false;
}

/* An instance and a leftover of its name are one series: node_exporter refuses a second one. */
static void take_name(struct metrics *metrics, const char *name)
{
	char(*names)[XDPSEC_NAME_LEN];

	if (has_instance(metrics, name))
		return;
	names = grow_array(metrics->faults, metrics->n_faults, sizeof(*names));
	if (!names)
		return;
	metrics->faults = names;
	snprintf(names[metrics->n_faults++], sizeof(*names), "%s", name);
}

static void take_fault(const struct fault *fault, void *data)
{
	take_name(data, fault->name);
}

static void metrics_free(struct metrics *metrics)
{
	for (size_t i = 0; i < metrics->n_reports; i++)
		report_free(&metrics->reports[i]);
	free(metrics->reports);
	free(metrics->faults);
}

static int metrics_print(const struct metrics *metrics, enum exposition_format format, char **text,
			 size_t *length)
{
	struct exposition exposition = { .format = format };

	*text = NULL;
	exposition.out = open_memstream(text, length);
	if (!exposition.out)
		return fail(errno, "out of memory");
	metrics_print_instances(&exposition, metrics);
	metrics_print_peers(&exposition, metrics);
	exposition_end(&exposition);
	if (fclose(exposition.out) == 0)
		return 0;
	free(*text);
	return fail(ENOMEM, "out of memory");
}

int metrics_collect(const char *name, enum exposition_format format, char **text, size_t *length)
{
	struct metrics metrics = {};
	struct survey survey = { .report = take_report, .fault = take_fault, .data = &metrics };
	int err;

	if (name)
		survey_one(&survey, name);
	else
		survey_all(&survey);
	/* An instance that is asked for by its name and is not up is one of those that are 0. */
	if (name && !metrics.n_reports && !metrics.n_faults)
		take_name(&metrics, name);
	err = survey.incomplete ? -EIO : metrics_print(&metrics, format, text, length);
	metrics_free(&metrics);
	return err;
}
