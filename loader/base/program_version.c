// SPDX-License-Identifier: GPL-2.0-or-later
/* The version of this program, which the build passes in. */
#include "base/program_version.h"

#ifndef XDPSEC_VERSION
#define XDPSEC_VERSION "unknown"
#endif

const char *program_version(void)
{
	return XDPSEC_VERSION;
}
