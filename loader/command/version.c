// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec version */
#include <stdio.h>

#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "base/program_version.h"
#include "command/commands.h"
#include "command/json_output.h"
#include "xdpsec/abi.h"

int command_version(const struct options *options)
{
	struct json_object *object;

	if (options->json) {
		object = json_object_new_object();
		json_add_text(object, "version", program_version());
		json_add_number(object, "wire_format", XDPSEC_WIRE_VERSION);
		json_add_number(object, "map_abi", XDPSEC_ABI_VERSION);
		json_add_text(object, "libbpf", libbpf_version_string());
		json_output(object);
		return 0;
	}
	printf("xdpsec %s, wire format %d, map ABI %d, libbpf %s\n", program_version(), XDPSEC_WIRE_VERSION,
	       XDPSEC_ABI_VERSION, libbpf_version_string());
	return 0;
}
