// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec reload: the differences between the configuration and what is up, and nothing else.
 *
 * Everything that can fail comes first: the configuration is checked, and new SAs are created in slots that
 * nothing refers to. Then the data plane is switched, peer by peer, each with one write; at no time is a
 * protected flow without policy. What is no longer referred to is erased after a grace period.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "cleanup.h"
#include "commands.h"
#include "config.h"
#include "device.h"
#include "interrupt.h"
#include "message.h"
#include "objects.h"
#include "peer.h"
#include "place.h"
#include "state.h"

/* A peer of the configuration, and what it takes to get there. */
struct change {
	const struct peer_config *peer;
	__u32 index;
	bool is_new;
	bool tx, rx;		   /* an SA was created that is not used yet */
	bool driver;		   /* rx: only its context is to be exchanged, key and window stay */
	bool spi;		   /* rx: another SPI for the same SA */
	bool flows;		   /* for the summary: other prefixes or ports */
	struct peer_record before; /* blank when new */
	struct peer_record after;
};

struct reload {
	const struct options *options;
	struct config config;
	struct instance instance;
	struct plane plane;
	struct peer_context context;
	struct peer_record *before; /* all of XDPSEC_MAX_PEERS */
	struct change *changes;	    /* one for each peer of the configuration */
	char (*fingerprints)[2][FINGERPRINT_HEX];
};

static int cannot_change(const struct reload *reload, const char *keyword, const char *from)
{
	fail(EINVAL, "%s: %s cannot be changed by reload (it is %s)", reload->config.path, keyword, from);
	hint("xdpsec down %s; xdpsec up %s", reload->instance.name, reload->config.path);
	return -EINVAL;
}

static int check_interface(const struct reload *reload)
{
	static const char *const modes[] = { "auto", "native", "generic" };
	const struct instance *instance = &reload->instance;
	struct link device;
	int err;

	if (strcmp(reload->config.device, instance->device) != 0)
		return cannot_change(reload, "Device", instance->device);
	if (reload->config.xdp != (enum xdp_mode)instance->xdp_asked)
		return cannot_change(reload, "Xdp", modes[instance->xdp_asked % 3]);
	err = device_find(&reload->config, &device);
	if (!err && device.index != instance->device_index) {
		fail(ENODEV, "%s: the device %s is another one than when it was brought up", instance->name,
		     instance->device);
		hint("xdpsec down %s; xdpsec up %s", instance->name, instance->path);
		return -ENODEV;
	}
	return err;
}

static int read_instance(struct reload *reload)
{
	enum place place;
	int err;

	err = plane_open(&reload->plane, reload->options->argument, false);
	if (!err)
		err = plane_read_instance(&reload->plane, &reload->instance);
	if (!err)
		err = place_find(&reload->plane, &reload->instance, &place);
	if (!err && place == PLACE_ELSEWHERE)
		err = place_refuse(&reload->instance, "reload");
	return err ?: plane_read_all(&reload->plane, MAP_PEER_NAMES, reload->before);
}

static int read_config(struct reload *reload)
{
	size_t peers;
	int err = config_read(&reload->config, reload->instance.path);

	if (err)
		return err;
	peers = reload->config.n_peers ?: 1;
	reload->fingerprints = calloc(peers, sizeof(*reload->fingerprints));
	reload->changes = calloc(peers, sizeof(*reload->changes));
	if (!reload->fingerprints || !reload->changes)
		return fail(ENOMEM, "out of memory");
	err = config_check_keys(&reload->config, reload->fingerprints);
	return err ?: check_interface(reload);
}

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
		used[i] = reload->before[i].in_use;
	for (size_t i = 0; i < n_changes; i++)
		used[reload->changes[i].index] = true;
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (!used[i]) {
			*index = i;
			return 0;
		}
	fail(ENOSPC, "%s: no room for new peers beside the old ones", reload->config.path);
	hint("xdpsec down %s; xdpsec up %s", reload->instance.name, reload->config.path);
	return -ENOSPC;
}

/* After a reload that was killed, the records may say what the data plane does not do. */
static bool tx_in_use(const struct plane *plane, const struct change *change)
{
	struct xdpsec_peer peer;

	return bpf_map_lookup_elem(plane->maps[MAP_PEERS], &change->index, &peer) == 0 &&
	       peer.tx_sa == change->before.tx.slot;
}

static bool rx_in_use(const struct plane *plane, const struct sa_record *rx)
{
	__u32 slot;

	return bpf_map_lookup_elem(plane->maps[MAP_SPIS], &rx->spi, &slot) == 0 && slot == rx->slot;
}

/* Half of it is gone: time for a new range, which takes a new slot. */
static bool range_runs_out(const struct plane *plane, const struct sa_record *tx)
{
	__u64 next, limit;

	return sa_get_range(plane, tx->slot, &next, &limit) == 0 && limit - next < STATE_RANGE / 2 &&
	       limit < XDPSEC_SEQUENCE_LIMIT;
}

static int create_tx(struct reload *reload, struct change *change, const char *fingerprint)
{
	const struct peer_record *before = &change->before;
	bool same_context = !change->is_new && strcmp(before->driver, change->peer->driver) == 0 &&
			    strcmp(before->tx.fingerprint, fingerprint) == 0 &&
			    tx_in_use(&reload->plane, change);
	int err;

	if (same_context && before->tx.spi == change->peer->tx.spi &&
	    !range_runs_out(&reload->plane, &before->tx))
		return 0;
	err = peer_create_tx(&reload->context, change->peer, change->index, same_context ? &before->tx : NULL,
			     &change->after.tx);
	change->tx = !err;
	return err;
}

static int create_rx(struct reload *reload, struct change *change, const char *fingerprint)
{
	const struct peer_record *before = &change->before;
	bool same_key = !change->is_new && strcmp(before->rx.fingerprint, fingerprint) == 0 &&
			rx_in_use(&reload->plane, &before->rx);
	int err;

	if (same_key) {
		change->driver = strcmp(before->driver, change->peer->driver) != 0;
		change->spi = before->rx.spi != change->peer->rx.spi;
		if (!change->driver) {
			change->after.rx.spi = change->peer->rx.spi;
			return 0;
		}
	}
	err = peer_create_rx(&reload->context, change->peer, change->index, &change->after.rx);
	change->rx = !err;
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
		if (err)
			return err;
	} else {
		change->before = reload->before[change->index];
	}
	change->after = change->before;
	change->after.in_use = 1;
	snprintf(change->after.name, sizeof(change->after.name), "%s", peer->name);
	snprintf(change->after.cipher, sizeof(change->after.cipher), "%s", peer->cipher);
	snprintf(change->after.driver, sizeof(change->after.driver), "%s", peer->driver);
	err = create_tx(reload, change, reload->fingerprints[i][0]);
	return err ?: create_rx(reload, change, reload->fingerprints[i][1]);
}

/* Nothing refers to them. */
static void undo_prepare(struct reload *reload)
{
	for (size_t i = 0; i < reload->config.n_peers; i++) {
		struct change *change = &reload->changes[i];

		if (change->tx) {
			peer_save_tx(&reload->plane, reload->instance.state_dir, &change->after.tx);
			sa_erase(&reload->plane, change->after.tx.slot);
		}
		if (change->rx)
			sa_erase(&reload->plane, change->after.rx.slot);
	}
}

static bool prefix_in_config(const struct config *config, const struct xdpsec_prefix *prefix)
{
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			if (memcmp(&config->peers[i].prefixes[j], prefix, sizeof(*prefix)) == 0)
				return true;
	return false;
}

/* The prefixes that are to go; *stale is to be freed. */
static int find_stale(const struct reload *reload, struct xdpsec_prefix **stale, size_t *n_stale)
{
	struct xdpsec_prefix prefix, last, *previous = NULL;
	int fd = reload->plane.maps[MAP_POLICIES];

	*n_stale = 0;
	*stale = calloc(XDPSEC_MAX_PREFIXES, sizeof(**stale));
	if (!*stale)
		return fail(ENOMEM, "out of memory");
	while (*n_stale < XDPSEC_MAX_PREFIXES && bpf_map_get_next_key(fd, previous, &prefix) == 0) {
		last = prefix;
		previous = &last;
		if (!prefix_in_config(&reload->config, &prefix))
			(*stale)[(*n_stale)++] = prefix;
	}
	return 0;
}

static int check_room(const struct reload *reload, size_t n_stale)
{
	size_t wanted = n_stale;

	for (size_t i = 0; i < reload->config.n_peers; i++)
		wanted += reload->config.peers[i].n_prefixes;
	if (wanted <= XDPSEC_MAX_PREFIXES)
		return 0;
	fail(ENOSPC, "%s: no room for its prefixes beside those that are to go: %zu, at most %d",
	     reload->config.path, wanted, XDPSEC_MAX_PREFIXES);
	hint("xdpsec down %s; xdpsec up %s", reload->instance.name, reload->config.path);
	return -ENOSPC;
}

static int prepare(struct reload *reload, struct xdpsec_prefix **stale, size_t *n_stale)
{
	int err = find_stale(reload, stale, n_stale);

	if (!err)
		err = check_room(reload, *n_stale);
	if (!err)
		err = objects_load_sa(&reload->plane);
	if (!err)
		err = sa_slots_read(&reload->plane, &reload->context.slots);
	for (size_t i = 0; !err && i < reload->config.n_peers; i++)
		err = prepare_peer(reload, i);
	if (err)
		undo_prepare(reload);
	return err;
}

static int stop_receiving(const struct plane *plane, const struct sa_record *rx)
{
	return rx_in_use(plane, rx) ? peer_forget_rx(plane, rx->spi) : 0;
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

	if (change->driver)
		return 0;
	if (change->rx)
		err = inherit_window(reload, change);
	if (!err && (change->rx || change->spi))
		err = peer_use_rx(&reload->plane, rx->spi, rx->slot);
	return err;
}

/* The same key in the same slot: what was created elsewhere only proves that the driver works. */
static int switch_driver(const struct reload *reload, struct change *change)
{
	struct sa_record created = change->after.rx;
	int err;

	if (!change->driver)
		return 0;
	err = sa_share(&reload->plane, created.slot, change->before.rx.slot);
	if (err)
		return err;
	change->after.rx.slot = change->before.rx.slot;
	err = sa_erase(&reload->plane, created.slot);
	if (!err && change->spi)
		err = peer_use_rx(&reload->plane, created.spi, change->after.rx.slot);
	return err;
}

static int switch_peer(const struct reload *reload, struct change *change)
{
	int err = switch_driver(reload, change);

	if (!err)
		err = switch_rx(reload, change);
	if (!err && memcmp(&change->before, &change->after, sizeof(change->after)) != 0)
		err = plane_write_peer(&reload->plane, change->index, &change->after);
	if (!err && change->tx)
		err = peer_use_tx(&reload->plane, change->index, change->after.tx.slot);
	return err ?: peer_add_policies(&reload->plane, change->peer, change->index);
}

static const struct change *change_of(const struct reload *reload, __u32 index)
{
	for (size_t i = 0; i < reload->config.n_peers; i++)
		if (reload->changes[i].index == index)
			return &reload->changes[i];
	return NULL;
}

static int remove_peer(const struct reload *reload, __u32 index)
{
	int err = peer_use_tx(&reload->plane, index, XDPSEC_NO_SA);

	return err ?: stop_receiving(&reload->plane, &reload->before[index].rx);
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

static void note_flows(struct reload *reload, const struct xdpsec_prefix *stale, size_t n_stale)
{
	struct xdpsec_policy policy;

	for (size_t i = 0; i < reload->config.n_peers; i++) {
		struct change *change = &reload->changes[i];

		change->flows = !has_policies(reload, change);
		for (size_t j = 0; j < n_stale && !change->flows; j++)
			change->flows = bpf_map_lookup_elem(reload->plane.maps[MAP_POLICIES], &stale[j],
							    &policy) == 0 &&
					policy.peer == change->index;
	}
}

static int remove_policies(const struct reload *reload, const struct xdpsec_prefix *stale, size_t n_stale)
{
	char text[64];

	for (size_t i = 0; i < n_stale; i++)
		if (bpf_map_delete_elem(reload->plane.maps[MAP_POLICIES], &stale[i]) && errno != ENOENT)
			return fail(errno, "%s: cannot remove the prefix %s: %s", reload->instance.name,
				    prefix_text(&stale[i], text, sizeof(text)), strerror(errno));
	return 0;
}

static int switch_over(const struct reload *reload, const struct xdpsec_prefix *stale, size_t n_stale)
{
	int err = 0;

	for (size_t i = 0; !err && i < reload->config.n_peers; i++)
		err = switch_peer(reload, &reload->changes[i]);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use && !change_of(reload, i))
			err = remove_peer(reload, i);
	return err ?: remove_policies(reload, stale, n_stale);
}

/* What an old record refers to and its new one does not. */
static int retire(const struct reload *reload, __u32 index)
{
	const struct change *change = change_of(reload, index);
	const struct peer_record *before = &reload->before[index];
	const struct peer_record none = {};
	int err = 0;

	if (before->tx.slot < XDPSEC_MAX_SAS && (!change || change->tx)) {
		peer_save_tx(&reload->plane, reload->instance.state_dir, &before->tx);
		err = sa_erase(&reload->plane, before->tx.slot);
	}
	if (before->rx.slot < XDPSEC_MAX_SAS && (!change || (change->rx && !change->driver))) {
		peer_save_rx(&reload->plane, reload->instance.state_dir, &before->rx);
		err = err ?: sa_erase(&reload->plane, before->rx.slot);
	}
	if (!err && !change)
		err = plane_write_peer(&reload->plane, index, &none);
	return err;
}

static int retire_old(const struct reload *reload)
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

static void summarize(const struct reload *reload)
{
	unsigned int added = 0, changed = 0, removed = 0;

	for (size_t i = 0; i < reload->config.n_peers; i++) {
		const struct change *change = &reload->changes[i];

		added += change->is_new;
		changed += !change->is_new && (change->flows || memcmp(&change->before, &change->after,
								       sizeof(change->after)) != 0);
	}
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		removed += reload->before[i].in_use && !change_of(reload, i);
	printf("%s: peers added: %u, changed: %u, removed: %u\n", reload->instance.name, added, changed,
	       removed);
}

static int apply(struct reload *reload)
{
	_cleanup_free_ struct xdpsec_prefix *stale = NULL;
	size_t n_stale;
	int err = prepare(reload, &stale, &n_stale);

	if (err)
		return err;
	if (interrupt_pending()) {
		undo_prepare(reload);
		return fail(EINTR, "%s: interrupted: nothing was changed", reload->instance.name);
	}
	note_flows(reload, stale, n_stale);
	err = switch_over(reload, stale, n_stale);
	if (!err)
		err = retire_old(reload);
	if (err)
		hint("xdpsec reload %s again; what has no SA is dropped meanwhile", reload->instance.name);
	else
		summarize(reload);
	return err;
}

static int run(struct reload *reload)
{
	_cleanup_plane_lock_ int lock = -1;
	int err = kernel_check();

	if (!err)
		err = plane_lock(&lock);
	interrupt_block();
	if (!err)
		err = read_instance(reload);
	if (!err)
		err = read_config(reload);
	if (err)
		return err;
	reload->context.plane = &reload->plane;
	reload->context.config = &reload->config;
	reload->context.state_dir = reload->instance.state_dir;
	reload->context.new_key = reload->options->new_key;
	return apply(reload);
}

int command_reload(const struct options *options)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	int err = -ENOMEM;

	if (!reload)
		return fail(ENOMEM, "out of memory");
	reload->options = options;
	reload->before = calloc(XDPSEC_MAX_PEERS, sizeof(*reload->before));
	plane_init(&reload->plane);
	bpf_log_start();
	if (reload->before)
		err = run(reload);
	else
		fail(ENOMEM, "out of memory");
	plane_close(&reload->plane);
	config_free(&reload->config);
	free(reload->fingerprints);
	free(reload->changes);
	free(reload->before);
	free(reload);
	return err;
}
