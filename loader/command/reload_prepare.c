// SPDX-License-Identifier: GPL-2.0-or-later
/* The first half of a reload: every step that can fail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/message.h"
#include "command/reload.h"
#include "plane/agree.h"
#include "plane/bulk.h"
#include "plane/objects.h"
#include "plane/self.h"
#include "plane/state.h"
#include "plane/vectors.h"

static int find_index(struct reload *reload, const char *name, __u32 *index)
{
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use && strcmp(reload->before[i].name, name) == 0) {
			*index = i;
			return 0;
		}
	return -ENOENT;
}

static int free_index(struct reload *reload, size_t n_changes, __u32 *index)
{
	bool used[XDPSEC_MAX_PEERS] = {};

	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		used[i] = reload->before[i].in_use || held_peer(&reload->held, i);
	for (size_t i = 0; i < n_changes; i++)
		used[reload->changes[i].index] = true;
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (!used[i]) {
			*index = i;
			return 0;
		}
	fail(ENOSPC, "%s: no room for new peers beside the old ones", reload->config.path);
	hint_restart(&reload->instance);
	return -ENOSPC;
}

bool reload_receives(const struct plane *plane, const struct sa_record *rx)
{
	__u32 slot;

	return bpf_map_lookup_elem(plane->maps[MAP_SPIS], &rx->spi, &slot) == 0 && slot == rx->slot;
}

/* Is half of the range used? Then the SA gets a new range, in a new slot. */
static bool range_runs_out(const struct plane *plane, const struct sa_record *tx)
{
	__u64 next, limit;

	return sa_get_range(plane, tx->slot, &next, &limit) == 0 && limit - next < STATE_RANGE / 2 &&
	       limit < XDPSEC_SEQUENCE_LIMIT;
}

/* Another driver is configured, or the kernel now has a better one. */
static bool other_driver(const struct change *change, const struct sa_record *before)
{
	char preferred[DRIVER_LEN + 8];

	return strcmp(change->before.driver, change->peer->driver) != 0 ||
	       (strcmp(change->peer->driver, "aes") == 0 &&
		bulk_outdated(before->driver, preferred, sizeof(preferred)));
}

static int create_spare(struct reload *reload, const struct change *change, const struct sa_config *sa,
			struct spare *spare)
{
	int err = peer_create_context(&reload->context, change->peer, change->index, sa, &spare->record);

	spare->created = !err;
	return err;
}

static int reload_create_tx(struct reload *reload, struct change *change, const char *fingerprint)
{
	const struct peer_record *before = &change->before;
	bool same_key = !change->is_new && strcmp(before->tx.fingerprint, fingerprint) == 0;
	bool same_context = same_key && !other_driver(change, &before->tx);
	int err;

	if (same_key && before->tx.spi == change->peer->tx.spi &&
	    !range_runs_out(&reload->plane, &before->tx))
		return same_context ? 0 : create_spare(reload, change, &change->peer->tx, &change->tx_spare);
	err = peer_create_tx(&reload->context, change->peer, change->index, same_context ? &before->tx : NULL,
			     &change->after.tx);
	change->tx = !err;
	return err;
}

static int reload_create_rx(struct reload *reload, struct change *change, size_t k, const char *fingerprint)
{
	const struct opened *same_key = held_receives(&reload->held, change->index, fingerprint);
	const struct sa_config *sa = &change->peer->rx[k];
	struct sa_record *rx = &change->after.rx[k];
	struct rx_change *made = &change->rx[k];
	int err;

	if (!sa->spi) {
		*rx = SA_RECORD_NONE;
		return 0;
	}
	if (same_key) {
		*rx = reload->held.slots[same_key->slot];
		rx->spi = sa->spi;
		made->spi = !reload_receives(&reload->plane, rx);
		return other_driver(change, rx) ? create_spare(reload, change, sa, &made->spare) : 0;
	}
	err = peer_create_rx(&reload->context, change->peer, change->index, sa, rx);
	made->created = !err;
	return err;
}

/* The SAs of an agreed peer are its agent's, and in no record. */
static int find_keys(const struct reload *reload, struct change *change)
{
	int err = peer_key_hash(change->peer, &change->key_after);

	if (!err && !change->is_new)
		err = agree_get_peer(&reload->plane, change->index, &change->key_before);
	if (change->key_after) {
		change->after.tx = change->after.rx[0] = change->after.rx[1] = SA_RECORD_NONE;
	}
	return err;
}

static int prepare_peer(struct reload *reload, size_t i)
{
	const struct peer_config *peer = &reload->config.peers[i];
	struct change *change = &reload->changes[i];
	int err;

	change->peer = peer;
	change->is_new = find_index(reload, peer->name, &change->index) != 0;
	if (change->is_new) {
		err = free_index(reload, i, &change->index);
		if (!err)
			err = sa_forget_counters(&reload->plane, change->index);
		if (err)
			return err;
	} else {
		change->before = reload->before[change->index];
	}
	change->after = change->before;
	change->after.in_use = 1;
	peer_describe(&change->after, peer);
	err = find_keys(reload, change);
	if (err || peer->agreed)
		return err;
	err = reload_create_tx(reload, change, reload->fingerprints[i][0]);
	for (size_t k = 0; !err && k < PEER_RX; k++)
		err = reload_create_rx(reload, change, k, reload->fingerprints[i][1 + k]);
	return err;
}

/* Remove the new SAs. Nothing refers to them. */
void reload_undo_prepare(struct reload *reload)
{
	reload_undo_tunnel(reload);
	for (size_t i = 0; i < reload->config.n_peers; i++) {
		struct change *change = &reload->changes[i];

		if (change->tx) {
			peer_save_tx(&reload->plane, reload->instance.state_dir, &change->after.tx);
			sa_erase(&reload->plane, change->after.tx.slot);
		}
		for (size_t k = 0; k < PEER_RX; k++) {
			if (change->rx[k].created)
				sa_erase(&reload->plane, change->after.rx[k].slot);
			if (change->rx[k].spare.created)
				sa_erase(&reload->plane, change->rx[k].spare.record.slot);
		}
		if (change->tx_spare.created)
			sa_erase(&reload->plane, change->tx_spare.record.slot);
	}
}

/* Is the driver in use already? Then its test vectors were checked before. */
static bool driver_in_use(const struct reload *reload, const char *driver)
{
	char preferred[DRIVER_LEN + 8];

	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++) {
		const struct peer_record *peer = &reload->before[i];

		if (peer->in_use && strcmp(peer->driver, driver) == 0 &&
		    (strcmp(driver, "aes") != 0 ||
		     !bulk_outdated(peer->tx.driver, preferred, sizeof(preferred))))
			return true;
	}
	return false;
}

static int reload_self_test(struct reload *reload)
{
	const struct peer_config *peers = reload->config.peers;
	char bound[DRIVER_LEN];
	__u32 slot;
	int err = 0;

	for (size_t i = 0; !err && i < reload->config.n_peers; i++) {
		if (config_has_driver_before(&reload->config, i) || driver_in_use(reload, peers[i].driver))
			continue;
		err = sa_slots_find_spare(&reload->context.slots, &slot);
		if (!err)
			err = vectors_check(&reload->plane, slot, peers[i].driver, bound);
	}
	return err;
}

static bool prefix_in_config(const struct config *config, const struct xdpsec_prefix *prefix)
{
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			if (memcmp(&config->peers[i].prefixes[j], prefix, sizeof(*prefix)) == 0)
				return true;
	return false;
}

static int find_stale(struct reload *reload)
{
	struct xdpsec_prefix prefix, last, *previous = NULL;
	int fd = reload->plane.maps[MAP_POLICIES];

	reload->stale = calloc(XDPSEC_MAX_PREFIXES, sizeof(*reload->stale));
	if (!reload->stale)
		return fail(ENOMEM, "out of memory");
	while (reload->n_stale < XDPSEC_MAX_PREFIXES && bpf_map_get_next_key(fd, previous, &prefix) == 0) {
		last = prefix;
		previous = &last;
		if (!prefix_in_config(&reload->config, &prefix))
			reload->stale[reload->n_stale++] = prefix;
	}
	return 0;
}

static int check_room(const struct reload *reload)
{
	size_t wanted = reload->n_stale;

	for (size_t i = 0; i < reload->config.n_peers; i++)
		wanted += reload->config.peers[i].n_prefixes;
	if (wanted <= XDPSEC_MAX_PREFIXES)
		return 0;
	fail(ENOSPC, "%s: no room for its prefixes beside those to be removed: %zu, at most %d",
	     reload->config.path, wanted, XDPSEC_MAX_PREFIXES);
	hint_restart(&reload->instance);
	return -ENOSPC;
}

int reload_prepare(struct reload *reload)
{
	int err = find_stale(reload);

	if (!err)
		err = check_room(reload);
	if (!err)
		err = objects_load_sa(&reload->plane);
	if (!err)
		err = reload_recover(reload);
	if (!err)
		err = sa_slots_read(&reload->plane, &reload->context.slots);
	if (!err)
		err = reload_self_test(reload);
	for (size_t i = 0; !err && i < reload->config.n_peers; i++)
		err = prepare_peer(reload, i);
	if (!err)
		err = reload_prepare_tunnel(reload);
	if (err)
		reload_undo_prepare(reload);
	return err;
}
