// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec version */
#include <stdio.h>

#include <bpf/libbpf.h>

#include "base/program_version.h"
#include "command/commands.h"
#include "xdpsec/abi.h"

int command_version(const struct options *options)
{
	(void)options;
	printf("xdpsec %s, wire format %d, map ABI %d, libbpf %s\n", program_version(), XDPSEC_WIRE_VERSION,
	       XDPSEC_ABI_VERSION, libbpf_version_string());
	return 0;
}
