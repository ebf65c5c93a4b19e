// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of a configuration: each file can be read, no two manual keys are the same, no peer has our own key. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config.h"

/* All manual keys in a row: each peer has PEER_KEYS. */
static const struct sa_config *sa_of(const struct config *config, size_t index)
{
	return peer_sa(&config->peers[index / PEER_KEYS], index % PEER_KEYS);
}

static int key_line(const struct config *config, size_t index)
{
	return sa_of(config, index)->key_file_line;
}

static const char *key_setting(size_t index)
{
	return index % PEER_KEYS ? "RxKeyFile" : "TxKeyFile";
}

static int read_fingerprint(const struct config *config, size_t index, char fingerprint[FINGERPRINT_HEX])
{
	const struct peer_config *peer = &config->peers[index / PEER_KEYS];
	const struct sa_config *sa = sa_of(config, index);
	_cleanup_key_ struct key key = {};
	char what[PATH_MAX + 64];
	int err;

	snprintf(what, sizeof(what), "%s:%d: %s", peer_path(config, peer), key_line(config, index),
		 key_setting(index));
	err = key_read(&key, sa->key_file, peer->key_length, what);
	if (err)
		return err;
	return key_fingerprint(&key, fingerprint);
}

static int refuse_shared(const struct config *config, char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX],
			 size_t index)
{
	const char *path = peer_path(config, &config->peers[index / PEER_KEYS]);
	char line[LINE_TEXT];
	size_t i;

	for (i = 0; i < index; i++)
		if (!strcmp(fingerprints[i / PEER_KEYS][i % PEER_KEYS],
			    fingerprints[index / PEER_KEYS][index % PEER_KEYS]))
			break;
	if (i == index || !fingerprints[index / PEER_KEYS][index % PEER_KEYS][0])
		return 0;
	fail(EINVAL,
	     "%s:%d: %s: the same key as %s of peer %s in %s: each direction of each peer needs its own key",
	     path, key_line(config, index), key_setting(index), key_setting(i),
	     peer_text(&config->peers[i / PEER_KEYS]),
	     line_text(config, path, &config->peers[i / PEER_KEYS], key_line(config, i), line));
	hint("make another key: xdpsec genkey --manual");
	return -EINVAL;
}

static int check_own_key(struct config *config)
{
	const struct peer_config *peer;
	int err = config_read_private_key(config);

	if (!err)
		err = key32_public(config->private_key, config->own_public_key);
	/* The agent reads it again. */
	if (config->private_key_file[0])
		config_forget_private_key(config);
	if (err)
		return err;
	for (peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		if (!peer->agreed || memcmp(peer->public_key, config->own_public_key, KEY32_BYTES) != 0)
			continue;
		fail(EINVAL,
		     "%s:%d: PublicKey: that of this site: it belongs to the private key of line %d%s%s",
		     peer_path(config, peer), peer->public_key_line, config->private_key_line,
		     peer->file ? " of " : "", peer->file ? config->path : "");
		hint("what `xdpsec pubkey` prints at the site %s", peer_text(peer));
		return -EINVAL;
	}
	return 0;
}

static int check_psk(const struct config *config, const struct peer_config *peer)
{
	_cleanup_key32_ unsigned char psk[KEY32_BYTES];
	int err = config_read_psk(config, peer, psk);

	return err < 0 ? err : 0;
}

/* The keys of the key agreement: all mistakes. Lines that were refused are not read. */
static int check_agreement_keys(struct config *config)
{
	int err = 0, step;

	if (config->has_private_key || config->private_key_file[0])
		err = check_own_key(config);
	if (err && config_mistake(config))
		return err;
	for (size_t i = 0; i < config->n_peers; i++) {
		const struct peer_config *peer = &config->peers[i];

		if (!peer->agreed || (!peer->has_psk && !peer->psk_file[0]))
			continue;
		step = check_psk(config, peer);
		err = err ?: step;
		if (step && config_mistake(config))
			break;
	}
	return err;
}

int config_check_keys(struct config *config, char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX])
{
	_cleanup_free_ char(*own)[PEER_KEYS][FINGERPRINT_HEX] = NULL;
	int err, step;
	size_t i;

	if (!fingerprints) {
		own = calloc(config->n_peers ?: 1, sizeof(*own));
		if (!own)
			return fail(ENOMEM, "%s: out of memory", config->path);
		fingerprints = own;
	}
	err = config->agreed ? check_agreement_keys(config) : 0;
	for (i = 0; i < PEER_KEYS * config->n_peers; i++) {
		fingerprints[i / PEER_KEYS][i % PEER_KEYS][0] = '\0';
		/* The line of the file was refused, or is missing. */
		if (!config->peers[i / PEER_KEYS].key_length || !key_line(config, i))
			continue;
		step = read_fingerprint(config, i, fingerprints[i / PEER_KEYS][i % PEER_KEYS]);
		if (!step)
			step = refuse_shared(config, fingerprints, i);
		err = err ?: step;
		if (step && config_mistake(config))
			break;
	}
	return err;
}
