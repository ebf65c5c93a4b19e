// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec check: report all errors that `up`, or `reload` if the instance is up, would report. Nothing is
 * changed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/check.h"
#include "command/commands.h"
#include "command/json_output.h"
#include "command/lost.h"
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

static void warn_of_nothing_included(const struct config *config)
{
	for (size_t i = 0; i < config->n_includes; i++) {
		if (config->includes[i].n_files)
			continue;
		warning("%s:%d: Include: %s: no file matches it", config->path, config->includes[i].line,
			config->includes[i].pattern);
		hint("a file with a [Peer] section there, and `%s reload %s`, adds the peer", self(),
		     config->name);
	}
}

/* The files, and the peers that are in each. */
static void print_included(const struct config *config)
{
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

/* The peers that were understood, also if others were not. */
static void print_check_json(const struct config *config, bool valid)
{
	struct json_object *object = json_object_new_object(), *peers = json_object_new_array(), *peer;

	json_add_bool(object, "valid", valid);
	json_add_text(object, "config", config->path);
	json_add_text(object, "name", config->name);
	json_add_text(object, "device", config->device);
	json_add_text(object, "mode", config->path[0] ? mode_text(config->mode) : "");
	for (size_t i = 0; i < config->n_peers; i++) {
		peer = json_object_new_object();
		json_add_text(peer, "name", config->peers[i].name);
		json_add_text(peer, "file", peer_path(config, &config->peers[i]));
		json_add_number(peer, "line", config->peers[i].line);
		json_object_array_add(peers, peer);
	}
	json_object_object_add(object, "peers", peers);
	json_object_object_add(object, "errors", json_messages(false));
	json_object_object_add(object, "warnings", json_messages(true));
	json_output(object);
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

/* The devices that are left would conflict with the configuration. `up` takes them down before it looks for conflicts. */
static int check_left_over(struct up *up)
{
	warning("%s: was left incomplete by a command that was killed, or is being made, or has lost its "
		"pins: its devices are not checked",
		up->config.name);
	hint("%s up %s, which first takes down what is left", self(), up->config.path);
	return up_check_keys(up);
}

static int check_conflicts(struct up *up)
{
	if (plane_exists(up->config.name, false))
		return check_reload(up);
	return left_over_exists(up->config.name) ? check_left_over(up) : up_check_conflicts(up);
}

static int check_all(struct up *up, const struct options *options)
{
	int err = check_kernel(options), step;

	step = up_examine(up);
	err = err ?: step;
	if (up->config.path[0] && step != -ENOMEM) {
		step = check_conflicts(up);
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
	if (options->json)
		messages_keep();
	err = check_all(up, options);
	if (!err)
		warn_of_nothing_included(&up->config);
	if (options->json) {
		print_check_json(&up->config, !err);
	} else if (!err) {
		print_valid(&up->config);
		print_included(&up->config);
	}
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
