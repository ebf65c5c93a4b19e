// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec status: show the instances and their counters.
 *
 * The exit code is for monitoring, like that of LSB init scripts: 0 all is well; 1 an instance has a fault,
 * or cannot be read; 4 it is not up, or none is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/lost.h"
#include "command/status.h"
#include "plane/plane.h"
#include "plane/self.h"

enum {
	STATUS_WRONG = 1,
	STATUS_NOT_UP = 4,
};

struct status_listing {
	struct json_object *array; /* NULL: text */
	size_t count;
	bool wrong;
};

/* Print one object for one instance on standard output. */
static void show(struct status_listing *listing, const struct report *report)
{
	if (listing->array)
		json_object_array_add(listing->array, report_json(report));
	else
		report_print(report, listing->count);
	listing->count++;
	listing->wrong |= report->n_warnings > 0;
}

static void show_fault(struct status_listing *listing, const struct fault *fault)
{
	if (listing->array)
		json_object_array_add(listing->array, fault_json(fault));
	else
		fault_print(fault, listing->count);
	listing->count++;
	listing->wrong = true;
}

/* Store the last fail() message, without the name in front. */
static void describe_failure(struct fault *fault, const char *name)
{
	size_t length = strlen(name);

	fault->name = name;
	fault->error = message_failure();
	fault->hint = message_hint();
	if (strncmp(fault->error, name, length) == 0 && strncmp(fault->error + length, ": ", 2) == 0)
		fault->error += length + 2;
}

static int list(const char *name, void *data)
{
	_cleanup_report_ struct report report;
	struct fault fault = {};
	int err = report_read(&report, name);

	/* The instance was taken down meanwhile. */
	if (err == -ENOENT)
		return 0;
	if (!err) {
		show(data, &report);
		return 0;
	}
	describe_failure(&fault, name);
	fault.has_head = plane_head(name, false, &fault.head) == 0;
	show_fault(data, &fault);
	return 0;
}

static int list_leftover(const char *name, void *data)
{
	struct fault fault = { .name = name, .error = "left incomplete by a command that was killed" };

	warning("%s: %s", name, fault.error);
	hint("%s down %s", self(), name);
	fault.hint = message_hint();
	fault.has_head = plane_head(name, true, &fault.head) == 0;
	show_fault(data, &fault);
	return 0;
}

/* List the lost instances of this network namespace; with NAME only that one. */
static void list_lost(struct status_listing *listing, const char *name)
{
	_cleanup_free_ struct lost *lost = NULL;
	struct fault fault = {};
	size_t n = 0;

	if (lost_list(&lost, &n)) {
		listing->wrong = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (name && strcmp(lost[i].name, name) != 0)
			continue;
		if (lost[i].held) {
			fail(ENOENT,
			     "%s: is up, but its pins are in a BPF file system that is not visible here",
			     lost[i].name);
			hint("run it in the mount namespace or container where `xdpsec up` was run");
		} else {
			fail(ENOENT, "%s: its pins are gone, and nothing is sealed", lost[i].name);
			hint("%s down %s, or up again", self(), lost[i].name);
		}
		describe_failure(&fault, lost[i].name);
		show_fault(listing, &fault);
	}
}

static void print_status_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object,
					    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int exit_code(const struct status_listing *listing)
{
	if (!listing->count)
		return STATUS_NOT_UP;
	return listing->wrong ? STATUS_WRONG : 0;
}

static int list_one(struct status_listing *listing, const char *name)
{
	struct fault fault = {};

	if (plane_exists(name, false))
		list(name, listing);
	else if (plane_exists(name, true) && !plane_busy())
		list_leftover(name, listing);
	else
		list_lost(listing, name);
	if (listing->count)
		return exit_code(listing);
	fail(ENOENT, "%s: is not up", name);
	hint("`xdpsec status` lists the instances that are up; NAME is the file name without .conf");
	describe_failure(&fault, name);
	if (listing->array)
		show_fault(listing, &fault);
	return STATUS_NOT_UP;
}

static int list_all(struct status_listing *listing)
{
	plane_each(false, list, listing);
	if (!plane_busy())
		plane_each(true, list_leftover, listing);
	list_lost(listing, NULL);
	if (!listing->count && !listing->array)
		fail(ENOENT, "no instance is up");
	return exit_code(listing);
}

int command_status(const struct options *options)
{
	struct status_listing listing = {};
	int err = kernel_check_privileges(), result;

	if (!err)
		err = bpffs_check(options);
	if (err)
		return err;
	bpf_log_start();
	if (options->json)
		listing.array = json_object_new_array();
	result = options->argument ? list_one(&listing, options->argument) : list_all(&listing);
	if (options->json)
		print_status_json(options->argument ? json_object_array_get_idx(listing.array, 0)
						    : listing.array);
	json_object_put(listing.array);
	return result;
}
