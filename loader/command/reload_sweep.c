// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a reload: removing everything from the maps that is not in the configuration. The maps are
 * searched, not the records, as a killed reload leaves entries that no record knows.
 */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/kernel.h"
#include "base/message.h"
#include "command/reload.h"
#include "plane/agree.h"
#include "plane/policy.h"

static bool opens(const struct reload *reload, __u32 spi, __u32 slot)
{
	for (size_t i = 0; i < PEER_RX * reload->config.n_peers; i++) {
		const struct sa_record *rx = &reload->changes[i / PEER_RX].after.rx[i % PEER_RX];

		if (rx->spi == spi)
			return rx->slot == slot;
	}
	return false;
}

static bool has_slot(const struct reload *reload, __u32 slot)
{
	for (size_t i = 0; i < reload->config.n_peers; i++)
		if (reload->changes[i].after.tx.slot == slot ||
		    peer_record_opens(&reload->changes[i].after, slot))
			return true;
	return false;
}

/* Removed peers stop sealing. Packets for prefixes that are still protected are dropped. */
static int sweep_peers(const struct reload *reload)
{
	_cleanup_free_ struct xdpsec_peer *peers = calloc(XDPSEC_MAX_PEERS, sizeof(*peers));
	int err;

	if (!peers)
		return fail(ENOMEM, "out of memory");
	err = plane_read_all(&reload->plane, MAP_PEERS, peers);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (peers[i].tx_sa != XDPSEC_NO_SA && !sa_is_agreed(&reload->plane, peers[i].tx_sa) &&
		    !reload_change_of(reload, i))
			err = peer_use_tx(&reload->plane, i, XDPSEC_NO_SA);
	return err;
}

static int sweep_spis(const struct reload *reload)
{
	_cleanup_free_ __u32 *spis = calloc(XDPSEC_MAX_SAS, sizeof(*spis));
	__u32 spi, slot;
	size_t n = 0;
	int err = 0;

	if (!spis)
		return fail(ENOMEM, "out of memory");
	/* A walk over a hash that changes meanwhile may start again. */
	for (bool first = true; n < XDPSEC_MAX_SAS && plane_next(&reload->plane, MAP_SPIS, first, &spi);
	     first = false)
		spis[n++] = spi;
	for (size_t i = 0; !err && i < n; i++) {
		/* An agent may have deleted it. */
		if (bpf_map_lookup_elem(reload->plane.maps[MAP_SPIS], &spis[i], &slot) ||
		    sa_is_agreed(&reload->plane, slot) || opens(reload, spis[i], slot))
			continue;
		err = peer_forget_rx(&reload->plane, spis[i]);
	}
	return err;
}

static int sweep_policies(const struct reload *reload)
{
	int err = 0;

	for (size_t i = 0; !err && i < reload->n_stale; i++)
		err = policy_remove(&reload->plane, &reload->stale[i]);
	return err ?: policy_renew(&reload->plane);
}

/* Wait until no program has a former index, slot or policy any more: neither kept, nor because it still runs. */
static int sweep_programs(const struct reload *reload)
{
	int err = kernel_wait_for_programs();

	if (!err)
		err = policy_renew(&reload->plane);
	return err ?: kernel_wait_for_programs();
}

static int erase(const struct reload *reload, __u32 slot)
{
	struct sa_record record;
	int err = plane_read(&reload->plane, MAP_SLOTS, &slot, &record);

	if (err)
		return err;
	peer_save_tx(&reload->plane, reload->instance.state_dir, &record);
	peer_save_rx(&reload->plane, reload->instance.state_dir, &record);
	return sa_erase(&reload->plane, slot);
}

static int sweep_slots(const struct reload *reload)
{
	_cleanup_free_ struct sa_slots *slots = calloc(1, sizeof(*slots));
	__u32 slot;
	int err = 0;

	if (!slots)
		return fail(ENOMEM, "out of memory");
	for (bool first = true; plane_next(&reload->plane, MAP_SLOTS, first, &slot); first = false)
		if (slot < XDPSEC_MAX_SAS)
			slots->used[slot] = true;
	for (slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++)
		if (slots->used[slot] && !has_slot(reload, slot))
			err = erase(reload, slot);
	return err;
}

/* Removed peers lose the SAs that were agreed on, and their indexes are free afterwards. */
static int sweep_agreed(const struct reload *reload)
{
	__u64 key_hash = 0;
	int err = 0;

	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		if (!reload->before[i].in_use || reload_change_of(reload, i))
			continue;
		err = agree_get_peer(&reload->plane, i, &key_hash);
		if (!err && key_hash)
			err = agree_forget_peer(&reload->plane, i);
		if (!err && key_hash)
			err = agree_set_peer(&reload->plane, i, 0);
	}
	return err;
}

/* New agreed peers. Last: the slots of an index may have been those of manual keys. */
static int admit_agreed(const struct reload *reload)
{
	int err = 0;

	for (size_t i = 0; !err && i < reload->config.n_peers; i++) {
		const struct change *change = &reload->changes[i];

		if (change->key_after && change->key_after != change->key_before)
			err = agree_set_peer(&reload->plane, change->index, change->key_after);
	}
	return err;
}

static int sweep_records(const struct reload *reload)
{
	const struct peer_record none = {};
	int err = 0;

	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use && !reload_change_of(reload, i))
			err = plane_write_peer(&reload->plane, i, &none);
	return err;
}

int reload_sweep(const struct reload *reload)
{
	int err = sweep_peers(reload);

	if (!err)
		err = sweep_spis(reload);
	if (!err)
		err = reload_sweep_routes(reload);
	if (!err)
		err = sweep_policies(reload);
	if (!err)
		err = reload_sweep_endpoints(reload);
	if (!err)
		err = sweep_programs(reload);
	if (!err)
		err = sweep_slots(reload);
	if (!err)
		err = sweep_agreed(reload);
	if (!err)
		err = admit_agreed(reload);
	/* Last: a record keeps its index from being given to another peer. */
	return err ?: sweep_records(reload);
}
