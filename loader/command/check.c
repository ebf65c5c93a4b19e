// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec check: report all errors that `up`, or `reload` if the instance is up, would report. Nothing is
 * changed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/check.h"
#include "command/commands.h"
#include "command/reload.h"
#include "command/up.h"
#include "plane/self.h"

/* Checks without privileges, which the user of `check` may not have. */
static int check_kernel(const struct options *options)
{
	int err = kernel_check_preemption(), step = kernel_check_kfuncs();

	err = err ?: step;
	step = bpffs_check(options);
	if (!step)
		step = bpffs_check_stays(options);
	return err ?: step;
}

/* Which file each peer is from, and which lines include nothing. */
static void print_included(const struct config *config)
{
	for (size_t i = 0; i < config->n_includes; i++)
		if (!config->includes[i].n_files) {
			warning("%s:%d: Include: %s: no file matches it", config->path,
				config->includes[i].line, config->includes[i].pattern);
			hint("a file with a [Peer] section there, and `%s reload %s`, adds the peer", self(),
			     config->name);
		}
	for (size_t i = 0; i < config->n_files; i++) {
		const char *separator = "";

		printf("%s: included: ", config->files[i].path);
		for (size_t k = 0; k < config->n_peers; k++)
			if (config->peers[k].file == config->files[i].path) {
				printf("%s%s", separator, config->peers[k].name);
				separator = ", ";
			}
		puts(*separator ? "" : "no [Peer]");
	}
}

static void print_valid(const struct config *config)
{
	size_t prefixes = 0;

	for (size_t i = 0; i < config->n_peers; i++)
		prefixes += config->peers[i].n_prefixes;
	printf("%s: valid: device %s, %zu peer%s, %zu prefix%s\n", config->path, config->device,
	       config->n_peers, config->n_peers == 1 ? "" : "s", prefixes, prefixes == 1 ? "" : "es");
}

/* The instance that is up by that name may come from another file. */
static int check_reload(struct up *up)
{
	struct reload *reload = reload_new(up->options);
	int err;

	if (!reload)
		return -ENOMEM;
	err = reload_open(reload, up->config.name);
	if (!err && strcmp(reload->instance.path, up->config.path) != 0)
		err = up_refuse_existing(&up->config);
	else if (!err)
		err = reload_check(reload, &up->config, up->fingerprints, &up->device);
	reload_free(reload);
	return err;
}

static int check_all(struct up *up, const struct options *options)
{
	int err = check_kernel(options), step;

	step = up_examine(up);
	err = err ?: step;
	if (up->config.path[0] && step != -ENOMEM) {
		step = plane_exists(up->config.name, false) ? check_reload(up) : up_check_conflicts(up);
		err = err ?: step;
	}
	return err;
}

int command_check(const struct options *options)
{
	struct up *up = up_new(options);
	int err;

	if (!up)
		return -ENOMEM;
	err = check_all(up, options);
	if (!err)
		print_valid(&up->config);
	if (!err)
		print_included(&up->config);
	up_free(up);
	return err;
}

int check_quietly(const struct options *options)
{
	struct up *up = up_new(options);
	int err;

	if (!up)
		return -ENOMEM;
	message_hold();
	err = check_all(up, options);
	message_release();
	up_free(up);
	return err;
}
