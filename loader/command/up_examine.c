// SPDX-License-Identifier: GPL-2.0-or-later
/* Examining everything that `up` depends on, before anything is changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/program_version.h"
#include "command/agent_port.h"
#include "command/lost.h"
#include "command/up.h"
#include "device/device.h"
#include "device/endpoint.h"
#include "device/fast_check.h"
#include "device/hop.h"
#include "device/present_name.h"
#include "device/route_taken.h"
#include "device/sharing.h"
#include "device/tunnel.h"
#include "device/uplink.h"
#include "net/namespace.h"
#include "plane/attach.h"
#include "plane/key_use.h"
#include "plane/place.h"
#include "plane/self.h"
#include "plane/state.h"

/* The state directory may not exist yet, so realpath() cannot be used. */
static int absolute(const char *path, char *result, size_t size)
{
	char directory[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(directory, sizeof(directory)))
		return fail(errno, "cannot find the working directory: %s", strerror(errno));
	if ((size_t)snprintf(result, size, "%s%s%s", directory, path[0] == '/' ? "" : "/", path) >= size)
		return fail(ENAMETOOLONG, "state directory %s: %s", path, strerror(ENAMETOOLONG));
	return 0;
}

/* Is the instance of that file up here? Then plane is open, and *instance is its record. */
static bool is_up_here(const struct config *config, struct plane *plane, struct instance *instance)
{
	struct namespace here;
	__u32 key = 0;

	plane_init(plane);
	return plane_exists(config->name, false) && plane_open_any(plane, config->name, false) == 0 &&
	       plane->maps[MAP_INSTANCE] >= 0 &&
	       bpf_map_lookup_elem(plane->maps[MAP_INSTANCE], &key, instance) == 0 &&
	       strcmp(instance->path, config->path) == 0 && namespace_here(&here) == 0 &&
	       here.cookie == instance->netns_cookie;
}

/* Devices that were renamed while the instance is up. Others may have their names by now. */
static int check_present_names(struct up *up)
{
	_cleanup_plane_ struct plane plane;
	struct instance recorded, present;

	if (!is_up_here(&up->config, &plane, &recorded))
		return 0;
	present = recorded;
	present_names(&plane, &present);
	return present_names_check(&up->config, &recorded, &present);
}

static int find_underlay(struct up *up)
{
	if (!up->config.device_line)
		return 0;
	up->renamed = check_present_names(up);
	return up->renamed ?: device_find(&up->config, &up->device);
}

/* Even if the device is missing or wrong, the rest is filled in. */
static int describe_instance(struct up *up)
{
	struct instance *instance = &up->instance;
	int found = find_underlay(up), err;
	struct namespace here;

	err = namespace_here(&here);
	if (err)
		return err;
	err = absolute(up->options->state_dir, instance->state_dir, sizeof(instance->state_dir));
	if (err)
		return err;
	instance->abi_version = XDPSEC_ABI_VERSION;
	instance->device_index = up->device.index;
	instance->netns_cookie = here.cookie;
	instance->netns_inode = here.inode;
	instance->started = (__u64)time(NULL);
	snprintf(instance->version, sizeof(instance->version), "%s", program_version());
	instance->xdp_asked = (__u8)up->config.xdp;
	instance->no_attach = up->options->no_attach;
	instance->no_agent = up->options->no_agent;
	memcpy(instance->public_key, up->config.own_public_key, sizeof(instance->public_key));
	instance->mode = (__u8)up->config.mode;
	snprintf(instance->name, sizeof(instance->name), "%s", up->config.name);
	snprintf(instance->device, sizeof(instance->device), "%s", up->device.name);
	snprintf(instance->path, sizeof(instance->path), "%s", up->config.path);
	memcpy(instance->public_key, up->config.own_public_key, sizeof(instance->public_key));
	if (up->config.mode == MODE_TUNNEL)
		tunnel_describe(instance, &up->config);
	return found;
}

static int check_keys(struct up *up)
{
	up->fingerprints = calloc(up->config.n_peers ?: 1, sizeof(*up->fingerprints));
	if (!up->fingerprints)
		return fail(ENOMEM, "out of memory");
	return config_check_keys(&up->config, up->fingerprints);
}

/* Examine the file, the keys and the device, and report all mistakes. */
int up_examine(struct up *up)
{
	int err = config_read(&up->config, up->options->argument), step;

	if (!up->config.path[0] || err == -ENOMEM)
		return err;
	if (!err && up->config.mode == MODE_TUNNEL && up->options->no_attach)
		err = fail(
			EINVAL,
			"%s: --no-attach: not for tunnels, whose programs are attached to their own device",
			up->config.path);
	up->plane.mode = up->config.mode;
	step = check_keys(up);
	err = err ?: step;
	step = describe_instance(up);
	return err ?: step;
}

static int examine_tunnel(struct up *up)
{
	int err = tunnel_check_name(&up->config), step = endpoints_check_routes(&up->config, 0);

	err = err ?: step;
	step = tunnel_find_table(&up->config, &up->instance);
	err = err ?: step;
	step = routes_check_taken(&up->config, 0);
	err = err ?: step;
	step = up->renamed ? 0 : fast_check(&up->config, &up->device, &up->instance);
	routes_check_own(&up->config);
	uplink_check(&up->config, up->device.index);
	if (!up->config.agreed)
		tunnel_check_port(&up->config);
	return err ?: step;
}

bool up_is_detached(const struct config *config)
{
	_cleanup_plane_ struct plane plane;
	struct instance instance;

	return is_up_here(config, &plane, &instance) && !instance.no_attach &&
	       attached_xdp(&plane, instance.device_index).mode == XDP_IN_USE_NONE;
}

/* `reload` reads the file with which the instance was started. */
static void hint_existing(const struct config *config, const struct instance *instance)
{
	if (strcmp(config->path, instance->path) == 0)
		hint("%s reload %s", self(), config->name);
	else
		hint("it has another file, %s: %s down %s first, or give this file another name",
		     instance->path, self(), config->name);
}

int up_refuse_existing(const struct config *config)
{
	_cleanup_plane_ struct plane plane;
	struct instance instance;
	int err;

	plane_init(&plane);
	err = plane_open(&plane, config->name, false);
	/* An instance of another version cannot be reloaded. */
	if (!err)
		err = plane_read_instance(&plane, &instance);
	if (!err)
		err = place_check(&plane, &instance, "reload", "");
	if (err)
		return err;
	fail(EEXIST, "%s: is up already", config->name);
	hint_existing(config, &instance);
	return -EEXIST;
}

/* Check for lost instances: without pins, they are not found otherwise. */
static int check_lost(const struct instance *mine)
{
	_cleanup_free_ struct lost *lost = NULL;
	size_t n = 0;
	int err;

	/* Only root can see which programs these are. */
	if (geteuid())
		return 0;
	err = lost_list(&lost, &n);
	for (size_t i = 0; !err && i < n; i++) {
		/* `up` itself takes down a lost instance of its own name. */
		if (lost[i].device != mine->device_index || strcmp(lost[i].name, mine->name) == 0)
			continue;
		fail(EBUSY, "%s: the device %s is protected by %s already, whose pins are gone", mine->name,
		     mine->device, lost[i].name);
		hint("%s down %s", self(), lost[i].name);
		err = -EBUSY;
	}
	return err;
}

static void name_devices(struct instance *instance, const struct sharers *sharers)
{
	unsigned int number = sharing_number(instance, sharers);

	if (instance->mode == MODE_TUNNEL)
		tunnel_name_far(instance, number);
	else
		hop_name(instance, number);
}

/* The program of another instance's fast path is the only one on its device. */
static int check_no_fast_path(const struct config *config, const struct sharers *sharers)
{
	const struct sharer *other = sharers_fast(sharers, config->name);

	if (!other)
		return 0;
	fail(EBUSY, "%s:%d: Device: %s: is in FastPath of %s, whose XDP program is the only one there",
	     config->path, config->device_line, config->device, other->instance.name);
	hint("leave it out of that FastPath, or `%s down %s`", self(), other->instance.name);
	return -EBUSY;
}

/* Check against other instances on the device, and other programs. */
static int examine_sharing(struct up *up)
{
	_cleanup_sharers_ struct sharers sharers = {};
	int err = sharers_find(&sharers, up->device.index), step;

	if (!err)
		err = check_no_fast_path(&up->config, &sharers);
	if (err)
		return err;
	name_devices(&up->instance, &sharers);
	err = sharing_check(&up->config, &sharers);
	step = attach_check(&up->config, up->device.index, up->options->no_attach);
	return err ?: step;
}

/* If there is no device, nothing more can be checked. */
static int examine_device(struct up *up)
{
	int err, step;

	if (!up->device.index)
		return 0;
	err = check_lost(&up->instance);
	/* The program of a lost instance conflicts as well. It needs no second error. */
	step = err ? 0 : examine_sharing(up);
	err = err ?: step;
	step = up->config.mode == MODE_TUNNEL ? examine_tunnel(up) : 0;
	err = err ?: step;
	/* Two tunnels on one device share a port neither for data nor for the agent: one message is enough. */
	step = err == -EADDRINUSE ? 0 : agent_port_check(&up->config, &up->instance);
	return err ?: step;
}

static int examine_state(struct up *up)
{
	int err = 0, step;

	for (size_t i = 0; i < PEER_KEYS * up->config.n_peers; i++) {
		const char *fingerprint = up->fingerprints[i / PEER_KEYS][i % PEER_KEYS];

		if (!fingerprint[0])
			continue;
		step = state_check(up->instance.state_dir, fingerprint, i % PEER_KEYS ? STATE_RX : STATE_TX,
				   &up->options->claims, up->config.peers[i / PEER_KEYS].name);
		err = err ?: step;
		/* The directory is the same for all keys. */
		if (step == -EPERM || step == -ENOTDIR)
			break;
		if (step && config_mistake(&up->config))
			break;
	}
	return err;
}

int up_check_keys(struct up *up)
{
	int err = key_use_check(&up->config, up->fingerprints, up->instance.netns_cookie);
	int step = examine_state(up);

	return err ?: step;
}

/* Report all conflicts, not only the first. */
int up_check_conflicts(struct up *up)
{
	int err = examine_device(up), step = up_check_keys(up);

	return err ?: step;
}

struct up *up_new(const struct options *options)
{
	struct up *up = calloc(1, sizeof(*up));

	if (!up) {
		fail(ENOMEM, "out of memory");
		return NULL;
	}
	up->options = options;
	plane_init(&up->plane);
	bpf_log_start();
	return up;
}

void up_free(struct up *up)
{
	plane_close(&up->plane);
	config_free(&up->config);
	free(up->fingerprints);
	free(up);
}
