// SPDX-License-Identifier: GPL-2.0-or-later
/* The checks that come before a command changes an instance. */
#include "base/kernel.h"
#include "command/bpffs.h"
#include "command/requirements.h"

int requirements_check(void)
{
	int err = kernel_check_privileges();

	if (!err)
		err = bpffs_prepare();
	if (!err)
		err = kernel_check_preemption();
	if (!err)
		err = kernel_check_kfuncs();
	return err;
}
