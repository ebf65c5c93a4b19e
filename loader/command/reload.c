// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec reload: apply the differences between the configuration and the running instance, and nothing else.
 *
 * Everything that can fail comes first: the configuration is checked, and new SAs are created in slots that
 * nothing refers to. Then the data plane is switched, peer by peer, each with one write; at no time is a
 * protected flow without policy. Last, everything else is removed from the maps. A reload that ends with 0
 * leaves exactly the state of the file, even if reloads before it were killed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_control.h"
#include "agent/instance_lock.h"
#include "base/interrupt.h"
#include "base/message.h"
#include "command/agent_port.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/hook.h"
#include "command/reload.h"
#include "command/requirements.h"
#include "device/device.h"
#include "device/endpoint.h"
#include "device/present_name.h"
#include "device/route_taken.h"
#include "device/sharing.h"
#include "device/tunnel.h"
#include "device/uplink.h"
#include "plane/key_use.h"
#include "plane/place.h"
#include "plane/self.h"

static int reload_check_sharing(const struct reload *reload, const struct config *config)
{
	_cleanup_sharers_ struct sharers sharers = {};
	int err = sharers_find(&sharers, reload->instance.device_index);

	return err ?: sharing_check(config, &sharers);
}

/* A running agent has its port. Before any other starts, nothing was changed yet. */
static int check_agent_port(const struct reload *reload, const struct config *config)
{
	return instance_lock_held(&reload->plane, NULL) ? 0 : agent_port_check(config, &reload->instance);
}

static int check_interface(struct reload *reload)
{
	int err = reload_check_settings(reload);

	if (!err)
		err = present_names_check(&reload->config, &reload->recorded, &reload->instance);
	if (!err)
		err = device_find(&reload->config, &reload->device);
	if (!err)
		err = reload_check_device(reload, &reload->device);
	if (!err)
		err = reload_check_sharing(reload, &reload->config);
	return err ?: check_agent_port(reload, &reload->config);
}

int reload_open(struct reload *reload, const char *name)
{
	int err;

	err = plane_open(&reload->plane, name, false);
	if (!err)
		err = plane_read_instance(&reload->plane, &reload->instance);
	if (!err)
		err = place_check(&reload->plane, &reload->instance, "reload", "");
	if (err)
		return err;
	reload->recorded = reload->instance;
	present_names(&reload->plane, &reload->instance);
	return plane_read_all(&reload->plane, MAP_PEER_RECORDS, reload->before);
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
	if (!err)
		err = key_use_check(&reload->config, reload->fingerprints, reload->instance.netns_cookie);
	return err ?: check_interface(reload);
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
		removed += reload->before[i].in_use && !reload_change_of(reload, i);
	printf("%s: peers added: %u, changed: %u, removed: %u\n", reload->instance.name, added, changed,
	       removed);
}

static int apply(struct reload *reload)
{
	int err;

	reload_mend(reload);
	err = reload_prepare(reload);
	if (err)
		return err;
	if (interrupt_pending()) {
		reload_undo_prepare(reload);
		return fail(EINTR, "%s: interrupted: nothing was changed", reload->instance.name);
	}
	err = reload_switch(reload);
	if (!err)
		err = reload_sweep(reload);
	if (err)
		hint("%s reload %s again; until then, packets without an SA are dropped", self(),
		     reload->instance.name);
	else
		summarize(reload);
	return err ?: reload->unmended;
}

/* Between the two, no agent may install a key: an index may become that of another peer. It loses nothing by that. */
static int end_agent(struct reload *reload)
{
	int err;

	if (!reload->config.agreed && !instance_lock_held(&reload->plane, NULL))
		return 0;
	err = instance_lock_from_agent(&reload->plane, INSTANCE_RELOADS, &reload->agent_lock);
	reload->agent_ended = !err;
	return err;
}

static int release_agent(struct reload *reload)
{
	int err;

	if (!reload->agent_ended)
		return 0;
	reload->instance.ending = INSTANCE_STAYS;
	memcpy(reload->instance.public_key, reload->config.own_public_key,
	       sizeof(reload->instance.public_key));
	err = plane_write_instance(&reload->plane, &reload->instance);
	close(reload->agent_lock);
	return err;
}

/* Earlier packets show nothing about AllowedIPs that were changed. */
static int note_spoofed(struct reload *reload)
{
	__u64 drops[XDPSEC_DROP_COUNT];
	int err = plane_read_drops(&reload->plane, drops);

	for (size_t i = 0; !err && i < reload->config.n_peers; i++) {
		struct change *change = &reload->changes[i];

		if (!change->flows || change->is_new)
			continue;
		change->after.spoofed_before = (__u32)drops[XDPSEC_DROP_SPOOFED];
		err = plane_write(&reload->plane, MAP_PEER_RECORDS, &change->index, &change->after);
	}
	return err;
}

static int reload_locked(struct reload *reload, const struct options *options)
{
	_cleanup_plane_lock_ int lock = -1;
	int err = bpffs_check(options), step;

	if (!err)
		err = requirements_check();
	if (!err)
		err = plane_lock(&lock);
	interrupt_block();
	if (!err)
		err = reload_open(reload, options->argument);
	if (!err)
		err = read_config(reload);
	if (err)
		return err;
	reload->instance.no_agent |= options->no_agent;
	reload->context.plane = &reload->plane;
	reload->context.config = &reload->config;
	reload->context.state_dir = reload->instance.state_dir;
	err = end_agent(reload);
	if (!err)
		err = apply(reload);
	step = release_agent(reload);
	err = err ?: step;
	if (!err)
		err = note_spoofed(reload);
	return err ?: hook_renew(&reload->config);
}

static int reload_run(struct reload *reload, const struct options *options)
{
	int err = reload_locked(reload, options), step;

	/* A new agent, also after an error: without one the keys in use would expire. */
	if (!reload->agent_ended || reload->instance.no_agent || !reload->config.agreed)
		return err;
	step = agent_spawn(reload->instance.name);
	return err ?: step;
}

struct reload *reload_new(const struct options *options)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	struct peer_record *before = calloc(XDPSEC_MAX_PEERS, sizeof(*before));

	if (!reload || !before) {
		free(reload);
		free(before);
		fail(ENOMEM, "out of memory");
		return NULL;
	}
	reload->before = before;
	reload->context.claims = options->claims;
	plane_init(&reload->plane);
	bpf_log_start();
	return reload;
}

void reload_free(struct reload *reload)
{
	plane_close(&reload->plane);
	config_free(&reload->config);
	held_free(&reload->held);
	free(reload->fingerprints);
	free(reload->changes);
	free(reload->before);
	free(reload->stale);
	free(reload->routes);
	free(reload);
}

/* The `up` of the instance was killed before it had run all of its PostUp. */
static int finish_up(const char *name)
{
	if (!hook_recorded(name) || !hook_unfinished(name))
		return 0;
	warning("%s: its up was killed: the rest of its PostUp is run", name);
	return hook_run_up(name);
}

int command_reload(const struct options *options)
{
	struct reload *reload = reload_new(options);
	int err;

	if (!reload)
		return -ENOMEM;
	err = reload_run(reload, options);
	reload_free(reload);
	return err ?: finish_up(options->argument);
}

/* A key that some peer already has in this direction keeps its sequence numbers, or its window. */
static bool in_use(const struct reload *reload, const char *fingerprint, enum state_use use)
{
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++) {
		const struct peer_record *peer = &reload->before[i];

		if (!peer->in_use)
			continue;
		if (use == STATE_TX && strcmp(peer->tx.fingerprint, fingerprint) == 0)
			return true;
		for (size_t k = 0; use == STATE_RX && k < PEER_RX; k++)
			if (strcmp(peer->rx[k].fingerprint, fingerprint) == 0)
				return true;
	}
	return false;
}

static int reload_check_state(const struct reload *reload, struct config *config,
			      char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX])
{
	int err = 0, step;

	for (size_t i = 0; i < PEER_KEYS * config->n_peers; i++) {
		const char *fingerprint = fingerprints[i / PEER_KEYS][i % PEER_KEYS];
		enum state_use use = i % PEER_KEYS ? STATE_RX : STATE_TX;

		if (!fingerprint[0] || in_use(reload, fingerprint, use))
			continue;
		step = state_check(reload->instance.state_dir, fingerprint, use, &reload->context.claims,
				   config->peers[i / PEER_KEYS].name);
		err = err ?: step;
		/* The directory is the same for all keys. */
		if (step == -EPERM || step == -ENOTDIR)
			break;
		if (step && config_mistake(config))
			break;
	}
	return err;
}

/* A VRF has its own table of routes. */
static bool in_vrf(unsigned int tunnel)
{
	struct netdev near;

	return netdev_find_index(tunnel, &near) == 0 && near.master;
}

static int check_routes(const struct config *config, unsigned int tunnel, const struct netdev *device)
{
	int err = endpoints_check_routes(config, tunnel), step;

	step = in_vrf(tunnel) ? 0 : routes_check_taken(config, tunnel);
	routes_check_own(config);
	if (device->index)
		uplink_check(config, device->index);
	return err ?: step;
}

int reload_check(struct reload *reload, struct config *config,
		 char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX], const struct netdev *device)
{
	int err, step;

	reload->config = *config;
	err = reload_check_settings(reload);
	/* The peers belong to the caller. */
	reload->config = (struct config){};
	if (device->index && strcmp(device->name, reload->instance.device) == 0) {
		step = reload_check_device(reload, device);
		err = err ?: step;
	}
	step = reload_check_sharing(reload, config);
	err = err ?: step;
	step = check_agent_port(reload, config);
	err = err ?: step;
	step = key_use_check(config, fingerprints, reload->instance.netns_cookie);
	err = err ?: step;
	if (config->mode == MODE_TUNNEL) {
		step = check_routes(config, reload->instance.near_index, device);
		err = err ?: step;
	}
	step = reload_check_state(reload, config, fingerprints);
	return err ?: step;
}
