// SPDX-License-Identifier: GPL-2.0-or-later
/* Listing the instances: those that are up, those that a killed command has left, and those whose pins are lost. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "command/lost.h"
#include "command/survey.h"
#include "plane/plane.h"
#include "plane/self.h"

void fault_describe(struct fault *fault, const char *name)
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
	const struct survey *survey = data;
	_cleanup_report_ struct report report;
	struct fault fault = {};
	int err = report_read(&report, name);

	/* The instance was taken down meanwhile. */
	if (err == -ENOENT)
		return 0;
	if (!err) {
		survey->report(&report, survey->data);
		return 0;
	}
	fault_describe(&fault, name);
	fault.has_head = plane_head(name, false, &fault.head) == 0;
	survey->fault(&fault, survey->data);
	return 0;
}

static int list_leftover(const char *name, void *data)
{
	const struct survey *survey = data;
	struct fault fault = { .name = name, .error = "left incomplete by a command that was killed" };

	warning("%s: %s", name, fault.error);
	hint("%s down %s", self(), name);
	fault.hint = message_hint();
	fault.has_head = plane_head(name, true, &fault.head) == 0;
	survey->fault(&fault, survey->data);
	return 0;
}

/* List the lost instances of this network namespace; with NAME only that one. */
static void list_lost(struct survey *survey, const char *name)
{
	_cleanup_free_ struct lost *lost = NULL;
	struct fault fault = {};
	size_t n = 0;

	if (lost_list(&lost, &n)) {
		survey->incomplete = true;
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
		fault_describe(&fault, lost[i].name);
		survey->fault(&fault, survey->data);
	}
}

void survey_one(struct survey *survey, const char *name)
{
	if (plane_exists(name, false))
		list(name, survey);
	else if (plane_exists(name, true) && !plane_busy())
		list_leftover(name, survey);
	else
		list_lost(survey, name);
}

void survey_all(struct survey *survey)
{
	plane_each(false, list, survey);
	if (!plane_busy())
		plane_each(true, list_leftover, survey);
	list_lost(survey, NULL);
}
