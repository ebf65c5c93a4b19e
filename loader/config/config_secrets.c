// SPDX-License-Identifier: GPL-2.0-or-later
/* The secrets of the key agreement: in files of their own, or in the configuration itself. */
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "config/config.h"

int config_read_private_key(struct config *config)
{
	char what[PATH_MAX + 64];
	int err;

	if (config->has_private_key)
		return 0;
	snprintf(what, sizeof(what), "%s:%d: PrivateKeyFile", config->path, config->private_key_line);
	err = key32_read(config->private_key_file, false, config->private_key, what);
	config->has_private_key = !err;
	return err;
}

void config_forget_private_key(struct config *config)
{
	explicit_bzero(config->private_key, sizeof(config->private_key));
	config->has_private_key = false;
}

void config_forget_psks(struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++) {
		explicit_bzero(config->peers[i].psk, sizeof(config->peers[i].psk));
		config->peers[i].has_psk = false;
	}
}

int config_read_psk(const struct config *config, const struct peer_config *peer,
		    unsigned char psk[KEY32_BYTES])
{
	char what[PATH_MAX + 64];

	if (!peer->psk_line)
		return 1;
	if (peer->has_psk) {
		memcpy(psk, peer->psk, KEY32_BYTES);
		return 0;
	}
	snprintf(what, sizeof(what), "%s:%d: PresharedKeyFile", peer_path(config, peer), peer->psk_line);
	return key32_read(peer->psk_file, true, psk, what);
}
