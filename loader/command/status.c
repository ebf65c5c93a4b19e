// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec status: show the instances and their counters.
 *
 * The exit code is for monitoring, like that of LSB init scripts: 0 all is well; 1 an instance has a fault,
 * or cannot be read; 4 it is not up, or none is.
 */
#include <errno.h>
#include <stdio.h>
#include <json-c/json.h>

#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/json_output.h"
#include "command/status.h"
#include "plane/self.h"

enum {
	STATUS_WRONG = 1,
	STATUS_NOT_UP = 4,
};

struct status_listing {
	const struct options *options;
	struct json_object *array; /* NULL: text */
	size_t count;
	bool wrong;
};

static void show_fault(const struct fault *fault, void *data)
{
	struct status_listing *listing = data;

	if (listing->array)
		json_object_array_add(listing->array, fault_json(fault));
	else
		fault_print(fault, listing->count);
	listing->count++;
	listing->wrong = true;
}

/* JSON says it on standard output as well. */
static void show_no_peer(struct status_listing *listing, const struct report *report)
{
	struct fault fault = {};

	fault_describe(&fault, report->instance.name);
	if (listing->array) {
		show_fault(&fault, listing);
		return;
	}
	listing->count++;
	listing->wrong = true;
}

/* Print one object for one instance, or for the peer, on standard output. */
static void show(struct report *report, void *data)
{
	struct status_listing *listing = data;
	const struct peer_report *peer = NULL;
	const char *name = listing->options->peer;
	enum view view = name ? VIEW_PEER : listing->options->whole ? VIEW_WHOLE : VIEW_DEFAULT;

	if (name && report_find_peer(report, name, &peer)) {
		show_no_peer(listing, report);
		return;
	}
	if (listing->array)
		json_object_array_add(listing->array, peer ? peer_json(report, peer) : report_json(report));
	else
		report_print(report, listing->count, view, peer);
	listing->count++;
	listing->wrong |= report->n_warnings > 0;
}

static int exit_code(const struct status_listing *listing)
{
	if (!listing->count)
		return STATUS_NOT_UP;
	return listing->wrong ? STATUS_WRONG : 0;
}

static int list_one(struct status_listing *listing, const char *name)
{
	struct survey survey = { .report = show, .fault = show_fault, .data = listing };
	struct fault fault = {};

	survey_one(&survey, name);
	listing->wrong |= survey.incomplete;
	if (listing->count)
		return exit_code(listing);
	fail(ENOENT, "%s: is not up", name);
	hint("`%s status` lists the instances that are up; `%s up %s` starts this one", self(), self(), name);
	fault_describe(&fault, name);
	if (listing->array)
		show_fault(&fault, listing);
	return STATUS_NOT_UP;
}

static int list_all(struct status_listing *listing)
{
	struct survey survey = { .report = show, .fault = show_fault, .data = listing };

	survey_all(&survey);
	listing->wrong |= survey.incomplete;
	if (!listing->count && !listing->array)
		fail(ENOENT, "no instance is up");
	return exit_code(listing);
}

static int list_once(const struct options *options)
{
	struct status_listing listing = { .options = options };
	int result;

	if (options->json)
		listing.array = json_object_new_array();
	result = options->argument ? list_one(&listing, options->argument) : list_all(&listing);
	if (options->json)
		json_output(json_object_get(options->argument ? json_object_array_get_idx(listing.array, 0)
							      : listing.array));
	json_object_put(listing.array);
	return result;
}

int command_status(const struct options *options)
{
	int err = kernel_check_privileges();

	if (!err)
		err = bpffs_check(options);
	if (err)
		return err;
	bpf_log_start();
	return options->watch ? status_watch(options, list_once) : list_once(options);
}
