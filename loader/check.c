// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec check: what `up` would refuse, without changing anything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "commands.h"
#include "config.h"
#include "device.h"
#include "endpoint.h"
#include "key_use.h"
#include "message.h"
#include "namespace.h"
#include "uplink.h"

static int check_keys(const struct config *config)
{
	_cleanup_free_ char(*fingerprints)[2][FINGERPRINT_HEX] = calloc(config->n_peers ?: 1,
									sizeof(*fingerprints));
	struct namespace here;
	int err;

	if (!fingerprints)
		return fail(ENOMEM, "out of memory");
	err = config_check_keys(config, fingerprints);
	if (!err)
		err = namespace_here(&here);
	return err ?: key_use_check(config, fingerprints, here.cookie);
}

int command_check(const struct options *options)
{
	_cleanup_config_ struct config config = {};
	struct link device;
	size_t i, prefixes = 0;
	int err;

	err = config_read(&config, options->argument);
	if (err)
		return err;
	err = check_keys(&config);
	if (err)
		return err;
	err = device_find(&config, &device);
	if (err)
		return err;
	if (config.mode == MODE_TUNNEL) {
		err = endpoints_check_routes(&config, 0);
		if (err)
			return err;
		uplink_check(&config, device.index);
	}
	for (i = 0; i < config.n_peers; i++)
		prefixes += config.peers[i].n_prefixes;
	printf("%s: valid: device %s, %zu peer%s, %zu prefix%s\n", config.path, config.device, config.n_peers,
	       config.n_peers == 1 ? "" : "s", prefixes, prefixes == 1 ? "" : "es");
	return 0;
}
