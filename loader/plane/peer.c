// SPDX-License-Identifier: GPL-2.0-or-later
/* Creating, using and removing the SAs and policies of a peer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>

#include "agreement/agreement.h"
#include "base/message.h"
#include "plane/peer.h"
#include "plane/policy.h"

static int read_key(const struct peer_context *context, const struct peer_config *peer,
		    const struct sa_config *sa, const char *keyword, struct key *key,
		    struct sa_record *record)
{
	char what[PATH_MAX + 64];
	int err;

	snprintf(what, sizeof(what), "%s:%d: %s", peer_path(context->config, peer), sa->key_file_line,
		 keyword);
	err = key_read(key, sa->key_file, peer->key_length, what);
	if (!err)
		err = key_fingerprint(key, record->fingerprint);
	return err;
}

/* Install context and tables. The key is wiped as soon as the kernel has it. */
static int install_sa_of_peer(const struct plane *plane, const struct peer_config *peer, struct key *key,
			      struct sa_record *record)
{
	char whose[XDPSEC_NAME_LEN + 16];
	int err;

	snprintf(whose, sizeof(whose), "peer %s", peer->name);
	err = sa_install(plane, record->slot, key, peer->driver, whose, record->driver);
	key_wipe(key);
	if (!err)
		err = sa_derive(plane, record->slot);
	return err ?: sa_claim(plane, record);
}

static int share(const struct plane *plane, const struct sa_record *same, struct sa_record *record)
{
	int err = sa_share(plane, same->slot, record->slot);

	memcpy(record->driver, same->driver, sizeof(record->driver));
	if (!err)
		err = sa_derive(plane, record->slot);
	return err ?: sa_claim(plane, record);
}

static int create_tx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		     const struct sa_record *same, struct sa_record *record)
{
	_cleanup_key_ struct key key = {};
	__u64 first;
	int err;

	err = read_key(context, peer, &peer->tx, "TxKeyFile", &key, record);
	if (!err)
		err = sa_claim(context->plane, record);
	if (!err)
		err = sa_reset(context->plane, record->slot, record->spi, index, peer->binding);
	if (!err)
		err = state_reserve(context->state_dir, record->fingerprint, &context->claims, peer->name,
				    &first, &record->limit);
	if (!err)
		err = sa_set_range(context->plane, record->slot, first, record->limit);
	if (!err && same)
		return share(context->plane, same, record);
	return err ?: install_sa_of_peer(context->plane, peer, &key, record);
}

static int create_rx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		     const struct sa_config *sa, struct sa_record *record)
{
	_cleanup_key_ struct key key = {};
	__u64 next;
	int err;

	err = read_key(context, peer, sa, "RxKeyFile", &key, record);
	if (!err)
		err = sa_claim(context->plane, record);
	if (!err)
		err = sa_reset(context->plane, record->slot, record->spi, index, peer->binding);
	if (!err)
		err = state_receive(context->state_dir, record->fingerprint, &context->claims, peer->name,
				    &next);
	if (!err)
		err = sa_set_window(context->plane, record->slot, next);
	return err ?: install_sa_of_peer(context->plane, peer, &key, record);
}

int peer_create_tx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		   const struct sa_record *same, struct sa_record *record)
{
	struct sa_record created = { .spi = peer->tx.spi };
	int err = sa_slots_take(&context->slots, index, true, &created.slot);

	if (err)
		return err;
	err = create_tx(context, peer, index, same, &created);
	if (!err) {
		*record = created;
		return 0;
	}
	peer_save_tx(context->plane, context->state_dir, &created);
	sa_erase(context->plane, created.slot);
	return err;
}

int peer_create_rx(struct peer_context *context, const struct peer_config *peer, __u32 index,
		   const struct sa_config *sa, struct sa_record *record)
{
	struct sa_record created = { .spi = sa->spi };
	int err = sa_slots_take(&context->slots, index, false, &created.slot);

	if (err)
		return err;
	err = create_rx(context, peer, index, sa, &created);
	if (!err) {
		*record = created;
		return 0;
	}
	sa_erase(context->plane, created.slot);
	return err;
}

int peer_create_context(struct peer_context *context, const struct peer_config *peer, __u32 index,
			const struct sa_config *sa, struct sa_record *record)
{
	_cleanup_key_ struct key key = {};
	struct sa_record created = {};
	bool sends = sa == &peer->tx;
	int err = sa_slots_take(&context->slots, index, sends, &created.slot);

	if (err)
		return err;
	err = read_key(context, peer, sa, sends ? "TxKeyFile" : "RxKeyFile", &key, &created);
	if (!err)
		err = sa_claim(context->plane, &created);
	if (!err)
		err = install_sa_of_peer(context->plane, peer, &key, &created);
	if (!err) {
		*record = created;
		return 0;
	}
	sa_erase(context->plane, created.slot);
	return err;
}

int peer_use_tx(const struct plane *plane, __u32 index, __u32 slot)
{
	struct xdpsec_peer peer = { .tx_sa = slot };

	return plane_write(plane, MAP_PEERS, &index, &peer);
}

int peer_use_rx(const struct plane *plane, __u32 spi, __u32 slot)
{
	return plane_write(plane, MAP_SPIS, &spi, &slot);
}

int peer_forget_rx(const struct plane *plane, __u32 spi)
{
	if (bpf_map_delete_elem(plane->maps[MAP_SPIS], &spi) && errno != ENOENT)
		return fail(errno, "%s: cannot remove SPI %u: %s", plane->name, spi, strerror(errno));
	return 0;
}

int peer_add_policies(const struct plane *plane, const struct peer_config *peer, __u32 index)
{
	struct xdpsec_policy policy = { .peer = index, .ranges = (__u16)peer->n_ports };
	int err = 0;

	memcpy(policy.ports, peer->ports, peer->n_ports * sizeof(policy.ports[0]));
	for (size_t i = 0; !err && i < peer->n_prefixes; i++) {
		policy.ipv4 = prefix_is_ipv4(&peer->prefixes[i]);
		err = policy_write(plane, &peer->prefixes[i], &policy);
	}
	return err;
}

bool peer_is_agreed(const struct peer_record *record)
{
	return !key32_is_zero(record->public_key);
}

static void list_suites(struct peer_record *record, const struct peer_config *peer)
{
	size_t used = 0;

	for (size_t i = 0; i < peer->n_suites; i++)
		used += (size_t)snprintf(record->cipher + used, sizeof(record->cipher) - used, "%s%s",
					 i ? ", " : "", suite_name(peer->suites[i]));
}

int peer_key_hash(const struct peer_config *peer, __u64 *key_hash)
{
	uint64_t hash = 0;
	int err = peer->agreed ? agreement_key_hash(peer->public_key, &hash) : 0;

	*key_hash = hash;
	return err ? fail(-err, "peer %s: PublicKey: %s", peer->name, strerror(-err)) : 0;
}

const struct sa_record *peer_record_opens(const struct peer_record *record, __u32 slot)
{
	for (size_t k = 0; k < PEER_RX; k++)
		if (record->rx[k].slot == slot)
			return &record->rx[k];
	return NULL;
}

void peer_describe(struct peer_record *record, const struct peer_config *peer)
{
	snprintf(record->name, sizeof(record->name), "%s", peer->name);
	memset(record->cipher, 0, sizeof(record->cipher));
	if (peer->agreed)
		list_suites(record, peer);
	else
		snprintf(record->cipher, sizeof(record->cipher), "%s", peer->cipher);
	memcpy(record->public_key, peer->public_key, sizeof(record->public_key));
	snprintf(record->driver, sizeof(record->driver), "%s", peer->driver);
	record->endpoint = peer->endpoint;
	record->keepalive = peer->keepalive;
	record->roams = peer->roams;
	record->binding = (__u8)peer->binding;
}

void peer_save_tx(const struct plane *plane, const char *state_dir, const struct sa_record *record)
{
	__u64 next, limit;

	/* No limit: the crash or failure came before the slot got its range. */
	if (!record->fingerprint[0] || sa_get_range(plane, record->slot, &next, &limit) || !limit)
		return;
	/* Return the range once only, even if we are killed in between: later, somebody else may have
	 * reserved and used the numbers after next. */
	if (sa_set_range(plane, record->slot, 0, 0))
		return;
	if (state_return(state_dir, record->fingerprint, next, limit))
		warning("%s: unused sequence numbers are lost", plane->name);
}

int peer_save_rx(const struct plane *plane, const char *state_dir, const struct sa_record *record)
{
	__u64 next;
	int err;

	if (!record->fingerprint[0])
		return 0;
	err = sa_get_window(plane, record->slot, &next);
	if (err || !next)
		return err;
	err = state_save_received(state_dir, record->fingerprint, next);
	if (err)
		warning("%s: packets received until now could be replayed after the next start", plane->name);
	return err;
}

void peer_save(const struct plane *plane, const char *state_dir)
{
	struct sa_record record;
	__u32 slot;

	for (bool first = true; plane_next(plane, MAP_SLOTS, first, &slot); first = false) {
		if (plane_read(plane, MAP_SLOTS, &slot, &record))
			continue;
		peer_save_tx(plane, state_dir, &record);
		peer_save_rx(plane, state_dir, &record);
	}
}
