// SPDX-License-Identifier: GPL-2.0-or-later
/* The key files that a configuration names: each can be read, and no two hold the same key. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config.h"

/* Key 2i is the Tx key of peer i, key 2i + 1 its Rx key. */
static int key_line(const struct config *config, size_t index)
{
	const struct peer_config *peer = &config->peers[index / 2];

	return index % 2 ? peer->rx.key_file_line : peer->tx.key_file_line;
}

static const char *key_setting(size_t index)
{
	return index % 2 ? "RxKeyFile" : "TxKeyFile";
}

static int read_fingerprint(const struct config *config, size_t index, char fingerprint[FINGERPRINT_HEX])
{
	const struct peer_config *peer = &config->peers[index / 2];
	const struct sa_config *sa = index % 2 ? &peer->rx : &peer->tx;
	_cleanup_key_ struct key key = {};
	char what[PATH_MAX + 64];
	int err;

	snprintf(what, sizeof(what), "%s:%d: %s", config->path, key_line(config, index), key_setting(index));
	err = key_read(&key, sa->key_file, peer->key_length, what);
	if (err)
		return err;
	return key_fingerprint(&key, fingerprint);
}

static int refuse_shared(const struct config *config, char (*fingerprints)[2][FINGERPRINT_HEX], size_t index)
{
	size_t i;

	for (i = 0; i < index; i++)
		if (!strcmp(fingerprints[i / 2][i % 2], fingerprints[index / 2][index % 2]))
			break;
	if (i == index || !fingerprints[index / 2][index % 2][0])
		return 0;
	fail(EINVAL,
	     "%s:%d: %s: the same key as %s of peer %s in line %d: each direction of each peer needs its own "
	     "key",
	     config->path, key_line(config, index), key_setting(index), key_setting(i),
	     config->peers[i / 2].name, key_line(config, i));
	hint("make another key: xdpsec genkey --manual");
	return -EINVAL;
}

int config_check_keys(struct config *config, char (*fingerprints)[2][FINGERPRINT_HEX])
{
	_cleanup_free_ char(*own)[2][FINGERPRINT_HEX] = NULL;
	int err = 0, step;
	size_t i;

	if (!fingerprints) {
		own = calloc(config->n_peers ?: 1, sizeof(*own));
		if (!own)
			return fail(ENOMEM, "%s: out of memory", config->path);
		fingerprints = own;
	}
	for (i = 0; i < 2 * config->n_peers; i++) {
		fingerprints[i / 2][i % 2][0] = '\0';
		/* The line of the file was refused, or is missing. */
		if (!config->peers[i / 2].key_length || !key_line(config, i))
			continue;
		step = read_fingerprint(config, i, fingerprints[i / 2][i % 2]);
		if (!step)
			step = refuse_shared(config, fingerprints, i);
		err = err ?: step;
		if (step && config_mistake(config))
			break;
	}
	return err;
}
