// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec down: take an instance down. Only what `up` has made for it is removed. */
#include <errno.h>

#include "base/interrupt.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/lost.h"
#include "command/teardown.h"
#include "device/foreign.h"

int command_down(const struct options *options)
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
	if (err || (leftover && !plane_exists(options->argument, false)))
		return err;
	err = plane_open_any(&plane, options->argument, false);
	if (err == -EPROTO)
		return foreign_teardown(options->argument, false);
	return err ?: teardown(&plane);
}
