/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostUp and PostDown. What is still to be run is on record in /run/xdpsec/NAME.hooks, so that it does not depend on the
 * configuration, which may change, nor on the command that begins it, which may be killed: the next one goes on.
 */
#ifndef XDPSEC_HOOK_H
#define XDPSEC_HOOK_H

#include <stdbool.h>

struct config;

/* Record what `up` will run, and `down` after it; nothing if there is nothing. Before the instance is published. 0, or -errno
 * after a message. */
int hook_record(const struct config *config);
/* Forget it: `up` has undone everything. */
void hook_forget(const char *name);
/* A reload: PostDown is that of the configuration now. */
int hook_renew(const struct config *config);

/* Is there a record, and is some PostUp of it still to be run? */
bool hook_recorded(const char *name);
bool hook_unfinished(const char *name);

/* Run what is left of PostUp, or all of PostDown; then the record is gone. 0, or -errno after a message: of the first PostUp
 * that fails, which ends it; of any PostDown, and the others are run all the same. */
int hook_run_up(const char *name);
int hook_run_down(const char *name);

#endif
