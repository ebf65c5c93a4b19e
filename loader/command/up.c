// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec up: check, finish what a killed command has left, build the instance (up_build.c), start its agent, and run
 * PostUp. What fails is undone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "agent/agent_control.h"
#include "base/interrupt.h"
#include "base/message.h"
#include "command/advice.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/hook.h"
#include "command/lost.h"
#include "command/requirements.h"
#include "command/teardown.h"
#include "command/up.h"
#include "device/fast_check.h"
#include "plane/attach.h"
#include "plane/bulk.h"

/* A first word of zero means that there is no secret. */
static int make_secret(struct up *up)
{
	do {
		if (getrandom(up->hop_secret, sizeof(up->hop_secret), 0) != sizeof(up->hop_secret))
			return fail(errno, "getrandom: %s", strerror(errno));
	} while (!up->hop_secret[0]);
	return 0;
}

static int up_locked(struct up *up)
{
	_cleanup_plane_lock_ int lock = -1;
	int err = plane_lock(&lock);

	/* Signals wait from here on. Before, Ctrl-C could end the wait for another command. */
	interrupt_block();
	if (!err)
		err = teardown_leftover(up->config.name);
	if (!err && plane_exists(up->config.name, false))
		err = up_refuse_existing(&up->config);
	else if (!err)
		err = lost_teardown(up->config.name);
	if (!err)
		err = up_check_conflicts(up);
	if (!err)
		err = hook_record(&up->config);
	return err ?: up_build(up);
}

/* Attach it again by a reload. With down and up, flows would leave in clear in between. */
static int up_attach_again(const struct up *up)
{
	struct options options = *up->options;

	options.argument = up->config.name;
	warning("%s: is up already, but was detached: reloading it", up->config.name);
	return command_reload(&options);
}

/* An instance whose agent does not start would seal nothing: it is taken down again. */
static int start_agent(struct up *up)
{
	struct options options = *up->options;
	int err;

	if (!up->config.agreed || up->options->no_agent)
		return 0;
	plane_unload(&up->plane);
	err = agent_spawn(up->config.name);
	if (!err)
		return 0;
	options.argument = up->config.name;
	fail(-err, "%s: its agent has not started: undone", up->config.name);
	command_down(&options);
	return err;
}

/* If a PostUp fails, PostDown undoes what the others have done. */
static int post_up(struct up *up)
{
	struct options options = *up->options;
	int err;

	plane_unload(&up->plane);
	err = hook_run_up(up->config.name);
	if (!err)
		return 0;
	hint("all is undone, and PostDown is run");
	options.argument = up->config.name;
	command_down(&options);
	return err;
}

/* The `up` of this instance was killed before it had run all of its PostUp. */
static bool is_unfinished(const struct config *config)
{
	return plane_exists(config->name, false) && hook_recorded(config->name) &&
	       hook_unfinished(config->name);
}

/* Complete a `down` that was killed before its last command, or undo an `up` that was killed. No lock is held, as the
 * commands may be ours. Errors have their messages. */
static void finish_down(const struct up *up)
{
	struct options options = *up->options;

	if (!hook_recorded(up->config.name) || plane_exists(up->config.name, false))
		return;
	warning("%s: a command was killed: first down is completed", up->config.name);
	options.argument = up->config.name;
	command_down(&options);
}

static int up_run(struct up *up)
{
	int err = requirements_check();

	if (!err)
		err = up_examine(up);
	if (!err && is_unfinished(&up->config)) {
		warning("%s: is up, but its up was killed: the rest of its PostUp is run", up->config.name);
		return post_up(up);
	}
	if (!err && up_is_detached(&up->config))
		return up_attach_again(up);
	if (!err)
		finish_down(up);
	if (!err)
		err = make_secret(up);
	if (!err)
		err = up_locked(up);
	if (!err)
		err = start_agent(up);
	return err ?: post_up(up);
}

/* Is there a peer without a Driver of its own? */
static bool chooses_driver(const struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++)
		if (strcmp(config->peers[i].driver, "aes") == 0)
			return true;
	return false;
}

/* Without the module nothing is said: the kernel's own cipher is the usual one. With --no-attach the output is commands. */
static void say_module(const struct up *up)
{
	char bound[DRIVER_LEN];

	if (chooses_driver(&up->config) && bulk_state(NULL) == BULK_USABLE &&
	    bulk_bound(bound, sizeof(bound)))
		printf("%s: cipher: %s, by the module " BULK_MODULE "\n", up->config.name, bound);
}

/* The ciphers of a running instance are in /proc/crypto. */
static void give_advice(const struct up *up)
{
	struct advice advice[ADVICE_MAX];
	size_t n = chooses_driver(&up->config) ? advice_find(up->config.name, advice) : 0;

	for (size_t i = 0; i < n; i++) {
		warning("%s: %s", up->config.name, advice[i].text);
		hint("%s", advice[i].hint);
	}
}

int command_up(const struct options *options)
{
	struct up *up = up_new(options);
	int err;

	if (!up)
		return -ENOMEM;
	err = up_run(up);
	if (!err) {
		if (!options->no_attach)
			say_module(up);
		give_advice(up);
		fast_warn_of_flowtable(&up->config, &up->instance);
	}
	if (!err && options->no_attach)
		attach_print(&up->plane, &up->instance);
	up_free(up);
	if (err)
		bpffs_undo();
	return err;
}
