/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instances of this machine one by one, with the faults of those that cannot be read: for `status` and `metrics`. */
#ifndef XDPSEC_SURVEY_H
#define XDPSEC_SURVEY_H

#include <stdbool.h>

#include "command/report.h"

/* An instance for which there is no report. */
struct fault {
	const char *name, *error, *hint;
	struct instance_head head;
	bool has_head;
};

/* The functions for each instance: one of the two. What they are given ends with the call; who wants to keep a report
 * copies it and sets it to zeros. */
struct survey {
	void (*report)(struct report *report, void *data);
	void (*fault)(const struct fault *fault, void *data);
	void *data;
	bool incomplete; /* set: not all could be listed, after a message */
};

/* Surveys of all instances, and of one. Failures are printed. */
void survey_all(struct survey *survey);
void survey_one(struct survey *survey, const char *name);

/* The last fail() message as a fault, without the name in front. */
void fault_describe(struct fault *fault, const char *name);

#endif
