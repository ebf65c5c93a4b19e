/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostUp and PostDown. What is still to be run is on record in /run/xdpsec/NAME.hooks, so that it does not depend on the
 * configuration, which may change, nor on the command that begins it, which may be killed: the next one goes on.
 */
#ifndef XDPSEC_HOOK_H
#define XDPSEC_HOOK_H

#include <stdbool.h>

struct config;

/* Record the commands for `up` and `down`, if there are any, before the instance is published. 0, or -errno after a
 * message. */
int hook_record(const struct config *config);
/* Remove the record: `up` has undone everything. */
void hook_forget(const char *name);
/* Replace PostDown by that of the configuration, for a reload. 0, or -errno after a message. */
int hook_renew(const struct config *config);

/* Is there a record, and is some PostUp of it still to be run? */
bool hook_recorded(const char *name);
bool hook_unfinished(const char *name);

/* Run what is left of PostUp. The first that fails ends it. 0, or -errno after a message. */
int hook_run_up(const char *name);
/* Run all of PostDown, also if some fail, and remove the record. 0, or the first -errno after a message. */
int hook_run_down(const char *name);

#endif
