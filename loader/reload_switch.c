// SPDX-License-Identifier: GPL-2.0-or-later
/* A reload's second half: the data plane goes over to what was prepared, with one write for each peer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>

#include "message.h"
#include "reload.h"
#include "tunnel.h"

static int stop_receiving(const struct plane *plane, const struct sa_record *rx)
{
	return reload_receives(plane, rx) ? peer_forget_rx(plane, rx->spi) : 0;
}

/*
 * A key that another peer received with until now (a peer was renamed, or two have changed places): what that
 * SA has accepted must not be accepted again. It stops, and the new one starts behind it.
 */
static int inherit_window(const struct reload *reload, const struct change *change)
{
	const struct sa_record *rx = &change->after.rx;
	__u64 next, found;
	int err = 0;

	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		const struct sa_record *donor = &reload->before[i].rx;

		if (!reload->before[i].in_use || donor->slot >= XDPSEC_MAX_SAS || donor->slot == rx->slot ||
		    strcmp(donor->fingerprint, rx->fingerprint) != 0)
			continue;
		err = stop_receiving(&reload->plane, donor);
		if (!err)
			err = kernel_wait_for_programs();
		if (!err)
			err = sa_get_window(&reload->plane, donor->slot, &found);
		if (!err)
			err = sa_get_window(&reload->plane, rx->slot, &next);
		if (!err && found > next)
			err = sa_set_window(&reload->plane, rx->slot, found);
	}
	return err;
}

static int switch_rx(const struct reload *reload, struct change *change)
{
	const struct sa_record *rx = &change->after.rx;
	int err = 0;

	if (change->rx)
		err = inherit_window(reload, change);
	if (!err && (change->rx || change->spi))
		err = peer_use_rx(&reload->plane, rx->spi, rx->slot);
	return err;
}

/* The same key in the same slot: packets on their way finish with the context that they have found. */
static int switch_driver(const struct reload *reload, struct spare *spare, struct sa_record *record)
{
	int err;

	if (!spare->created)
		return 0;
	err = sa_share(&reload->plane, spare->record.slot, record->slot);
	if (err)
		return err;
	memcpy(record->driver, spare->record.driver, sizeof(record->driver));
	return sa_erase(&reload->plane, spare->record.slot);
}

static int switch_peer(const struct reload *reload, struct change *change)
{
	int err = reload_switch_endpoint(reload, change);

	if (!err)
		err = switch_driver(reload, &change->tx_spare, &change->after.tx);
	if (!err)
		err = switch_driver(reload, &change->rx_spare, &change->after.rx);
	if (!err)
		err = switch_rx(reload, change);
	if (!err && memcmp(&change->before, &change->after, sizeof(change->after)) != 0)
		err = plane_write_peer(&reload->plane, change->index, &change->after);
	if (!err && change->tx)
		err = peer_use_tx(&reload->plane, change->index, change->after.tx.slot);
	return err ?: peer_add_policies(&reload->plane, change->peer, change->index);
}

const struct change *reload_change_of(const struct reload *reload, __u32 index)
{
	for (size_t i = 0; i < reload->config.n_peers; i++)
		if (reload->changes[i].index == index)
			return &reload->changes[i];
	return NULL;
}

static int remove_peer(const struct reload *reload, __u32 index)
{
	int err = peer_use_tx(&reload->plane, index, XDPSEC_NO_SA);

	if (!err)
		err = stop_receiving(&reload->plane, &reload->before[index].rx);
	return err ?: reload_remove_endpoint(reload, index);
}

/* A longest match that says the same may be of a wider prefix: good enough for the summary, and for nothing
 * else. */
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

static int remove_policies(const struct reload *reload)
{
	char text[64];
	int err;

	for (size_t i = 0; i < reload->n_stale; i++) {
		/* The route first: as long as there is a policy, the next reload knows of the prefix. */
		err = reload->plane.mode == MODE_TUNNEL
			      ? tunnel_delete_route(&reload->instance, &reload->stale[i])
			      : 0;
		if (err)
			return err;
		if (bpf_map_delete_elem(reload->plane.maps[MAP_POLICIES], &reload->stale[i]) &&
		    errno != ENOENT)
			return fail(errno, "%s: cannot remove the prefix %s: %s", reload->instance.name,
				    prefix_text(&reload->stale[i], text, sizeof(text)), strerror(errno));
	}
	return 0;
}

int reload_switch(struct reload *reload)
{
	int err;

	note_flows(reload);
	err = reload_switch_tunnel(reload);
	for (size_t i = 0; !err && i < reload->config.n_peers; i++)
		err = switch_peer(reload, &reload->changes[i]);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use && !reload_change_of(reload, i))
			err = remove_peer(reload, i);
	return err ?: remove_policies(reload);
}

/* What an old record refers to and its new one does not. */
static int retire(const struct reload *reload, __u32 index)
{
	const struct change *change = reload_change_of(reload, index);
	const struct peer_record *before = &reload->before[index];
	const struct peer_record none = {};
	int err = 0;

	if (before->tx.slot < XDPSEC_MAX_SAS && (!change || change->tx)) {
		peer_save_tx(&reload->plane, reload->instance.state_dir, &before->tx);
		err = sa_erase(&reload->plane, before->tx.slot);
	}
	if (before->rx.slot < XDPSEC_MAX_SAS && (!change || change->rx)) {
		peer_save_rx(&reload->plane, reload->instance.state_dir, &before->rx);
		err = err ?: sa_erase(&reload->plane, before->rx.slot);
	}
	if (!err && !change)
		err = plane_write_peer(&reload->plane, index, &none);
	return err;
}

int reload_retire(const struct reload *reload)
{
	int err = 0;

	/* The SPI that a peer has given up goes when the new one works. */
	for (size_t i = 0; !err && i < reload->config.n_peers; i++) {
		const struct change *change = &reload->changes[i];

		if (!change->is_new && change->before.rx.spi != change->after.rx.spi)
			err = stop_receiving(&reload->plane, &change->before.rx);
	}
	if (!err)
		err = kernel_wait_for_programs();
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use)
			err = retire(reload, i);
	return err;
}
