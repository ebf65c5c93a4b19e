// SPDX-License-Identifier: GPL-2.0-or-later
/* Searching the other instances for the keys of a configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/key_use.h"
#include "plane/plane.h"
#include "plane/self.h"

/* A key of the configuration, for qsort() and bsearch(). */
struct use {
	const char *fingerprint;
	const char *path;
	int line;
	bool is_rx;
};

struct key_search {
	const struct config *config;
	struct use *uses;
	size_t n_uses;
	__u64 cookie;
	bool staged;
	struct instance_head other;
	struct peer_record *records;
};

static int compare_uses(const void *left, const void *right)
{
	return strcmp(((const struct use *)left)->fingerprint, ((const struct use *)right)->fingerprint);
}

static const char *key_setting_name(bool is_rx)
{
	return is_rx ? "RxKeyFile" : "TxKeyFile";
}

static int refuse_key(const struct key_search *search, const struct use *mine, const char *other,
		      const struct peer_record *peer, bool is_rx)
{
	const char *consequence = mine->is_rx != is_rx ? "sequence numbers would be used twice"
				  : is_rx ? "packets that one has accepted could be replayed to the other"
					  : "sequence numbers would be used twice, or be refused as replayed";

	fail(EKEYREJECTED, "%s:%d: %s: the same key as %s of peer %s of the instance %s, which is up: %s",
	     mine->path, mine->line, key_setting_name(mine->is_rx), key_setting_name(is_rx), peer->name,
	     other, consequence);
	hint("make other keys (xdpsec genkey --manual) and SPIs for this instance, or first %s down %s",
	     search->other.netns_cookie == search->cookie ? self() : "xdpsec", other);
	return -EKEYREJECTED;
}

static int check_key(const struct key_search *search, const char *fingerprint, const char *other,
		     const struct peer_record *peer, bool is_rx)
{
	const struct use wanted = { .fingerprint = fingerprint }, *mine;

	if (!fingerprint[0])
		return 0;
	mine = bsearch(&wanted, search->uses, search->n_uses, sizeof(wanted), compare_uses);
	if (!mine || (mine->is_rx != is_rx && search->other.netns_cookie != search->cookie))
		return 0;
	return refuse_key(search, mine, other, peer, is_rx);
}

static int check_instance(const char *name, void *data)
{
	struct key_search *search = data;
	int err = 0, step;

	if (strcmp(name, search->config->name) == 0)
		return 0;
	if (plane_head(name, search->staged, &search->other) ||
	    search->other.abi_version != XDPSEC_ABI_VERSION ||
	    plane_peek_peers(name, search->staged, search->records)) {
		/* The instance is being removed, or was killed before it had keys. */
		if (!search->staged && plane_exists(name, false))
			warning("%s: cannot be read: it may use the same keys", name);
		return 0;
	}
	for (size_t i = 0; i < XDPSEC_MAX_PEERS; i++) {
		const struct peer_record *peer = &search->records[i];

		if (!peer->in_use)
			continue;
		step = check_key(search, peer->tx.fingerprint, name, peer, false);
		err = err ?: step;
		for (size_t k = 0; k < PEER_RX; k++) {
			step = check_key(search, peer->rx[k].fingerprint, name, peer, true);
			err = err ?: step;
		}
	}
	return err;
}

int key_use_check(const struct config *config, char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX], __u64 cookie)
{
	_cleanup_free_ struct peer_record *records = calloc(XDPSEC_MAX_PEERS, sizeof(*records));
	_cleanup_free_ struct use *uses = calloc(PEER_KEYS * config->n_peers, sizeof(*uses));
	struct key_search search = { .config = config, .uses = uses, .cookie = cookie, .records = records };
	int err;

	if (!records || !uses)
		return fail(ENOMEM, "out of memory");
	for (size_t i = 0; i < PEER_KEYS * config->n_peers; i++)
		uses[search.n_uses++] = (struct use){
			.fingerprint = fingerprints[i / PEER_KEYS][i % PEER_KEYS],
			.path = peer_path(config, &config->peers[i / PEER_KEYS]),
			.line = peer_sa(&config->peers[i / PEER_KEYS], i % PEER_KEYS)->key_file_line,
			.is_rx = i % PEER_KEYS,
		};
	qsort(uses, search.n_uses, sizeof(*uses), compare_uses);
	err = plane_each(false, check_instance, &search);
	/* An incomplete instance may still be attached. */
	search.staged = true;
	return err ?: plane_each(true, check_instance, &search);
}
