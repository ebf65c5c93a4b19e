// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec metrics: the values of `status` for a monitoring system, printed, in a file for node_exporter, or over HTTP.
 *
 * Reading needs root, as the maps have what keys are derived to. Who talks to the network has no rights: the listener
 * serves a file that a timer lets root write, or asks a second process (metrics_source.c).
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/interrupt.h"
#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/metrics_collect.h"
#include "command/metrics_output.h"
#include "command/metrics_source.h"

static int refuse(const char *what, const char *with)
{
	fail(EINVAL, "metrics: %s", what);
	hint("%s", with);
	return EXIT_USAGE;
}

static int check_combination(const struct options *options)
{
	if (options->listen && options->output)
		return refuse("--listen and --output: one of the two", "xdpsec metrics --help");
	if (options->from && !options->listen)
		return refuse("--from without --listen: where is the file to be served?",
			      "xdpsec metrics --listen 127.0.0.1:7253 --from FILE");
	if (options->from && options->argument)
		return refuse("--from FILE has what is in it: NAME cannot choose",
			      "xdpsec metrics -o FILE NAME writes a file with that instance only");
	return 0;
}

static int print_metrics(const struct options *options)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err = metrics_collect(options->argument,
				  options->output ? EXPOSITION_PROMETHEUS : EXPOSITION_OPENMETRICS, &text,
				  &length);

	if (err)
		return err;
	if (options->output)
		return metrics_write(options->output, text, length);
	fwrite(text, 1, length, stdout);
	return 0;
}

int command_metrics(const struct options *options)
{
	int err = check_combination(options);

	if (err)
		return err;
	if (options->from)
		return metrics_serve_file(options->listen, options->from);
	err = kernel_check_privileges();
	if (!err)
		err = bpffs_check(options);
	if (err)
		return err;
	bpf_log_start();
	if (options->listen)
		return metrics_serve_instances(options->listen, options->argument);
	/* No part of a file is left when it is ended. */
	interrupt_block();
	return print_metrics(options);
}
