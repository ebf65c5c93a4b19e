// SPDX-License-Identifier: GPL-2.0-or-later
/* Self-test of the key agreement's cryptography. */
#include <stddef.h>

#include "agreement/agreement_selftest.h"
#include "agreement/primitive.h"

int agreement_selftest(const char **what)
{
	int err = primitive_setup();

	if (err && what)
		*what = "the algorithms";
	return err;
}
