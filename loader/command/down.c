// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec down: take an instance down. Only what `up` has made for it is removed. */
#include <errno.h>

#include "base/interrupt.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/hook.h"
#include "command/lost.h"
#include "command/teardown.h"
#include "device/foreign.h"

static int take_instance_down(const struct options *options, bool has_hooks)
{
	_cleanup_plane_ struct plane plane;
	_cleanup_plane_lock_ int lock = -1;
	bool leftover;
	int err;

	plane_init(&plane);
	bpf_log_start();
	err = kernel_check_privileges();
	if (!err)
		err = bpffs_check(options);
	if (!err)
		err = bpffs_prepare();
	if (!err)
		err = plane_lock(&lock);
	if (err)
		return err;
	interrupt_block();
	leftover = plane_exists(options->argument, true);
	err = teardown_leftover(options->argument);
	if (!err && !plane_exists(options->argument, false) && lost_exists(options->argument))
		return lost_teardown(options->argument);
	if (err || ((leftover || has_hooks) && !plane_exists(options->argument, false)))
		return err;
	err = plane_open_any(&plane, options->argument, false);
	if (err == -EPROTO)
		return foreign_teardown(options->argument, false);
	return err ?: teardown(&plane);
}

/* A `down` that was killed, and an instance that somebody else has removed, have left their PostDown. */
int command_down(const struct options *options)
{
	bool has_hooks = hook_recorded(options->argument);
	int err = take_instance_down(options, has_hooks);

	return err || !has_hooks ? err : hook_run_down(options->argument);
}
