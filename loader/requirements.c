// SPDX-License-Identifier: GPL-2.0-or-later
/* The checks that come before a command changes an instance. */
#include "bpffs.h"
#include "kernel.h"
#include "requirements.h"

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
