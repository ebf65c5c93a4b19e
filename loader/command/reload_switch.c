// SPDX-License-Identifier: GPL-2.0-or-later
/* The second half of a reload: the data plane switches to the prepared state, with one write for each
 * peer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/message.h"
#include "command/reload.h"
#include "plane/agree.h"
#include "plane/policy.h"

/* Stop opening with the SA in the slot, whatever its SPI. */
static int stop_receiving(const struct reload *reload, __u32 slot)
{
	int err = 0;

	for (size_t i = 0; !err && i < reload->held.n_opened; i++) {
		const struct sa_record rx = { .slot = slot, .spi = reload->held.opened[i].spi };

		/* A peer that was switched has another SA now. */
		if (reload->held.opened[i].slot == slot && reload_receives(&reload->plane, &rx))
			err = peer_forget_rx(&reload->plane, rx.spi);
	}
	return err;
}

/*
 * The key moved here from another peer (a peer was renamed, or two have changed places). Stop the old SA,
 * then start this window at its highest number, or old packets could be replayed.
 */
static int inherit_window(const struct reload *reload, const struct sa_record *rx)
{
	__u64 next, found;
	int err = 0;

	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++) {
		const struct sa_record *donor = &reload->held.slots[slot];

		if (donor->slot != slot || strcmp(donor->fingerprint, rx->fingerprint) != 0)
			continue;
		err = stop_receiving(reload, slot);
		if (!err)
			err = kernel_wait_for_programs();
		if (!err)
			err = sa_get_window(&reload->plane, slot, &found);
		if (!err)
			err = sa_get_window(&reload->plane, rx->slot, &next);
		if (!err && found > next)
			err = sa_set_window(&reload->plane, rx->slot, found);
	}
	return err;
}

static int switch_rx(const struct reload *reload, const struct sa_record *rx, const struct rx_change *change)
{
	int err = 0;

	if (change->created)
		err = inherit_window(reload, rx);
	if (!err && change->spi)
		err = sa_claim(&reload->plane, rx);
	if (!err && (change->created || change->spi))
		err = peer_use_rx(&reload->plane, rx->spi, rx->slot);
	return err;
}

/* Replace the context: the same key in the same slot. Packets being processed finish with the old context. */
static int switch_driver(const struct reload *reload, struct spare *spare, struct sa_record *record)
{
	int err;

	if (!spare->created)
		return 0;
	err = sa_share(&reload->plane, spare->record.slot, record->slot);
	if (err)
		return err;
	memcpy(record->driver, spare->record.driver, sizeof(record->driver));
	err = sa_claim(&reload->plane, record);
	return err ?: sa_erase(&reload->plane, spare->record.slot);
}

/*
 * Write the record first, so that everything that refers to the index belongs to a peer. Until the peer is
 * switched, the record has neither endpoint nor driver: if we are killed in between, the next reload assumes
 * neither.
 */
static int begin_record(const struct reload *reload, const struct change *change)
{
	struct peer_record begun = change->after;

	if (change->is_new || memcmp(&begun.endpoint, &change->before.endpoint, sizeof(begun.endpoint)) != 0)
		memset(&begun.endpoint, 0, sizeof(begun.endpoint));
	if (change->is_new || strcmp(begun.driver, change->before.driver) != 0)
		memset(begun.driver, 0, sizeof(begun.driver));
	return plane_write_peer(&reload->plane, change->index, &begun);
}

/* SAs that stay, in use or not, bind what the configuration says. A new SA does so from the start. Both ends have to
 * agree: in between packets are dropped as auth_failed. */
static int switch_binding(const struct reload *reload, const struct change *change)
{
	int err = 0;

	if (!change->tx && change->after.tx.fingerprint[0])
		err = sa_bind(&reload->plane, change->after.tx.slot, change->peer->binding);
	for (size_t k = 0; !err && k < PEER_RX; k++)
		if (!change->rx[k].created && change->after.rx[k].fingerprint[0])
			err = sa_bind(&reload->plane, change->after.rx[k].slot, change->peer->binding);
	return err;
}

/* The public key of the peer changes, or the kind of its keys: nothing is sealed for it until it has new ones. */
static int leave_old_keys(const struct reload *reload, const struct change *change)
{
	int err;

	if (change->is_new || change->key_before == change->key_after)
		return 0;
	if (!change->key_before)
		return peer_use_tx(&reload->plane, change->index, XDPSEC_NO_SA);
	err = agree_forget_peer(&reload->plane, change->index);
	return err ?: agree_set_peer(&reload->plane, change->index, 0);
}

static int switch_peer(const struct reload *reload, struct change *change)
{
	bool differs = memcmp(&change->before, &change->after, sizeof(change->after)) != 0 ||
		       change->tx_spare.created || change->rx[0].spare.created || change->rx[1].spare.created;
	int err = differs ? begin_record(reload, change) : 0;

	if (!err)
		err = leave_old_keys(reload, change);
	if (!err)
		err = reload_switch_endpoint(reload, change);
	if (!err)
		err = switch_driver(reload, &change->tx_spare, &change->after.tx);
	for (size_t k = 0; !err && k < PEER_RX; k++)
		err = switch_driver(reload, &change->rx[k].spare, &change->after.rx[k]);
	if (!err)
		err = switch_binding(reload, change);
	for (size_t k = 0; !err && k < PEER_RX; k++)
		err = switch_rx(reload, &change->after.rx[k], &change->rx[k]);
	if (!err && change->tx)
		err = peer_use_tx(&reload->plane, change->index, change->after.tx.slot);
	if (!err)
		err = peer_add_policies(&reload->plane, change->peer, change->index);
	if (!err)
		err = policy_renew(&reload->plane);
	return err || !differs ? err : plane_write_peer(&reload->plane, change->index, &change->after);
}

const struct change *reload_change_of(const struct reload *reload, __u32 index)
{
	for (size_t i = 0; i < reload->config.n_peers; i++)
		if (reload->changes[i].index == index)
			return &reload->changes[i];
	return NULL;
}

/* The longest match may be a wider prefix with the same policy. This is good enough for the summary, and
 * used for nothing else. */
static bool has_policies(const struct reload *reload, const struct change *change)
{
	const struct peer_config *peer = change->peer;
	struct xdpsec_policy policy;

	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (bpf_map_lookup_elem(reload->plane.maps[MAP_POLICIES], &peer->prefixes[i], &policy) ||
		    policy.peer != change->index || policy.ranges != peer->n_ports ||
		    memcmp(policy.ports, peer->ports, peer->n_ports * sizeof(policy.ports[0])) != 0)
			return false;
	return true;
}

static void note_flows(struct reload *reload)
{
	struct xdpsec_policy policy;

	for (size_t i = 0; i < reload->config.n_peers; i++) {
		struct change *change = &reload->changes[i];

		change->flows = !has_policies(reload, change);
		for (size_t j = 0; j < reload->n_stale && !change->flows; j++)
			change->flows = bpf_map_lookup_elem(reload->plane.maps[MAP_POLICIES],
							    &reload->stale[j], &policy) == 0 &&
					policy.peer == change->index;
	}
}

int reload_switch(struct reload *reload)
{
	int err;

	note_flows(reload);
	err = reload_switch_tunnel(reload);
	for (size_t i = 0; !err && i < reload->config.n_peers; i++)
		err = switch_peer(reload, &reload->changes[i]);
	return err;
}
