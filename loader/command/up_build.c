// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Build the data plane of a configuration, and only then attach it.
 *
 * The order is an invariant. Numbers are reserved on disk before they are in a map. A slot is complete before
 * anything refers to it. Every action is recorded in the map `instance` before it is taken. Ingress is
 * attached before egress, so that no sealed answer arrives before it can be opened. The rename comes last.
 * After a failure or an interrupt, the same code cleans up that takes down the rest of a killed `up`.
 *
 * In tunnel mode the routes send packets into the device: they are added when everything else works.
 */
#include <errno.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/hook.h"
#include "command/teardown.h"
#include "command/up.h"
#include "config/group.h"
#include "device/endpoint.h"
#include "device/hop.h"
#include "device/tunnel.h"
#include "plane/agree.h"
#include "plane/attach.h"
#include "plane/devices.h"
#include "plane/fast.h"
#include "plane/fork.h"
#include "plane/objects.h"
#include "plane/peer.h"
#include "plane/policy.h"
#include "plane/self.h"
#include "plane/vectors.h"

static int write_config(const struct up *up)
{
	struct xdpsec_config config = {
		.abi_version = XDPSEC_ABI_VERSION,
		.device = up->instance.device_index,
		.netns_cookie = up->instance.netns_cookie,
		.hosts = policy_prefers_hosts(&up->config),
	};
	__u32 key = 0;

	memcpy(config.hop_secret, up->hop_secret, sizeof(config.hop_secret));
	if (up->config.mode == MODE_TUNNEL)
		tunnel_write_config(&config, &up->config, &up->device);
	else
		group_write_config(&config, &up->config);
	if (up->config.mode == MODE_INLINE && up->config.agreed)
		config.listen_port = (__u16)up->config.listen_port;
	memcpy(config.near_mac, up->near.address, sizeof(config.near_mac));
	memcpy(config.far_mac, up->far.address, sizeof(config.far_mac));
	return plane_write(&up->plane, MAP_CONFIG, &key, &config);
}

static int up_create(struct up *up)
{
	int err = plane_create(&up->plane, up->config.name);

	return err ?: plane_write_instance(&up->plane, &up->instance);
}

static int up_load(struct up *up)
{
	int err = objects_load_sa(&up->plane);

	up->plane.fast = up->instance.n_fast;
	up->plane.fast_no_firewall = up->instance.fast_no_firewall;
	if (!err)
		err = objects_load_data(&up->plane);
	if (!err)
		err = devices_prepare(&up->plane);
	if (!err)
		err = devices_set(&up->plane, XDPSEC_DEVICE_PROTECTED, up->instance.device_index);
	return err ?: write_config(up);
}

/* Use the ends of the hop or tunnel device. */
static int use_pair(const struct up *up)
{
	int err = devices_set(&up->plane, XDPSEC_DEVICE_FAR, up->instance.far_index);

	return err ?: devices_set(&up->plane, XDPSEC_DEVICE_NEAR, up->instance.near_index);
}

/* A zeroed element of peers would refer to slot 0. */
static int forget_peers(struct up *up)
{
	struct xdpsec_peer peers[XDPSEC_MAX_PEERS];

	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		peers[i] = (struct xdpsec_peer){ .tx_sa = XDPSEC_NO_SA };
	return plane_write_all(&up->plane, MAP_PEERS, peers);
}

/* Test every driver that some peer uses. Slot 0 is free until the first peer is added. */
static int up_self_test(struct up *up)
{
	char bound[DRIVER_LEN];
	int err = 0;

	for (size_t i = 0; !err && i < up->config.n_peers; i++)
		if (!config_has_driver_before(&up->config, i))
			err = vectors_check(&up->plane, 0, up->config.peers[i].driver, bound);
	return err;
}

/* A peer without an SA: its packets are dropped until the agent has agreed on one. */
static int add_agreed_peer(struct up *up, __u32 index, const struct peer_record *record)
{
	const struct peer_config *peer = &up->config.peers[index];
	__u64 key_hash;
	int err = peer_key_hash(peer, &key_hash);

	if (!err)
		err = plane_write_peer(&up->plane, index, record);
	if (!err)
		err = agree_set_peer(&up->plane, index, key_hash);
	if (!err && up->config.mode == MODE_TUNNEL)
		err = endpoint_set(&up->plane, index, &up->config, peer);
	return err ?: peer_add_policies(&up->plane, peer, index);
}

static int add_peer(struct up *up, struct peer_context *context, __u32 index)
{
	const struct peer_config *peer = &up->config.peers[index];
	struct peer_record record = {
		.in_use = 1,
		.tx = SA_RECORD_NONE,
		.rx = { SA_RECORD_NONE, SA_RECORD_NONE },
	};
	int err;

	peer_describe(&record, peer);
	if (peer->agreed)
		return add_agreed_peer(up, index, &record);
	err = peer_create_tx(context, peer, index, NULL, &record.tx);
	if (err)
		return err;
	/* The cleanup after a failure gives the range back. */
	err = plane_write_peer(&up->plane, index, &record);
	for (size_t k = 0; !err && k < PEER_RX && peer->rx[k].spi; k++)
		err = peer_create_rx(context, peer, index, &peer->rx[k], &record.rx[k]);
	if (!err)
		err = plane_write_peer(&up->plane, index, &record);
	if (!err)
		err = peer_use_tx(&up->plane, index, record.tx.slot);
	for (size_t k = 0; !err && k < PEER_RX && peer->rx[k].spi; k++)
		err = peer_use_rx(&up->plane, record.rx[k].spi, record.rx[k].slot);
	if (!err && up->config.mode == MODE_TUNNEL)
		err = endpoint_set(&up->plane, index, &up->config, peer);
	return err ?: peer_add_policies(&up->plane, peer, index);
}

static int add_peers(struct up *up)
{
	struct peer_context context = {
		.plane = &up->plane,
		.config = &up->config,
		.state_dir = up->instance.state_dir,
		.claims = up->options->claims,
	};
	int err = 0;

	for (size_t i = 0; !err && i < up->config.n_peers; i++)
		err = interrupt_pending() ? -EINTR : add_peer(up, &context, (__u32)i);
	return err;
}

/* This comes after add_peers(): new keys have their state then, so the command in the hint needs no --new-key. */
static int check_pins_stay(struct up *up)
{
	return bpffs_check_stays(up->options);
}

static int up_pin(struct up *up)
{
	int err = objects_pin(&up->plane);

	if (!err)
		fork_watch(&up->plane);
	return err || !up->options->no_attach ? err : plane_link_for_iproute2(&up->plane);
}

static int attach_ingress(struct up *up)
{
	struct instance *instance = &up->instance;
	int err;

	if (up->options->no_attach)
		return 0;
	err = attach_xdp(&up->plane, instance->device, instance->device_index, up->config.xdp,
			 &instance->xdp);
	return err ?: plane_write_instance(&up->plane, instance);
}

/* Record the pair before it is made. After a crash, only a name that was free then is ours. */
static int record_pair(struct up *up)
{
	struct instance *instance = &up->instance;
	struct netdev netdev;

	if (netdev_find(instance->near, &netdev) == 0 || netdev_find(instance->far, &netdev) == 0)
		return 0;
	instance->pair_recorded = 1;
	return plane_write_instance(&up->plane, instance);
}

static int attach(const struct up *up, enum program program)
{
	const struct instance *instance = &up->instance;
	int fd = objects_program(&up->plane, program);

	if (plane_programs[program].on_far)
		return attach_tcx(&up->plane, program, fd, instance->far, instance->far_index);
	return attach_tcx(&up->plane, program, fd, instance->device, instance->device_index);
}

static int make_hop(struct up *up)
{
	struct instance *instance = &up->instance;
	int err = record_pair(up);

	if (!err)
		err = hop_create(instance);
	if (!err)
		err = hop_attach(&up->plane, instance, objects_program(&up->plane, PROGRAM_HOP));
	if (!err)
		err = plane_write_instance(&up->plane, instance);
	return err ?: use_pair(up);
}

static int make_tunnel(struct up *up)
{
	struct instance *instance = &up->instance;
	int err = record_pair(up);

	if (!err)
		err = tunnel_create(instance, &up->config, tunnel_mtu(&up->config, &up->device),
				    up->hop_secret, &up->near, &up->far);
	if (!err)
		err = attach(up, PROGRAM_ENCAPSULATE);
	if (!err)
		err = attach(up, PROGRAM_KEEPALIVE);
	if (!err)
		err = plane_write_instance(&up->plane, instance);
	if (!err)
		err = use_pair(up);
	return err ?: write_config(up);
}

/* Generic XDP cannot redirect before there is an skb. */
static int check_native(const struct up *up)
{
	if (up->instance.xdp == XDP_IN_USE_NATIVE)
		return 0;
	fail(EOPNOTSUPP, "FastPath: %s: its XDP is generic: the fast path needs native XDP",
	     up->instance.device);
	hint("leave FastPath out; or `Xdp = native` in all instances on %s, which says why there is none",
	     up->instance.device);
	return -EOPNOTSUPP;
}

static int check_underlay(const struct up *up)
{
	int program = objects_program(&up->plane, PROGRAM_DECAPSULATE);

	if (fast_transmits(&up->plane, program, up->instance.device_index, XDPSEC_FAST_UNDERLAY))
		return 0;
	return fast_refuse_transmits(&up->device);
}

/* The devices of FastPath. The tunnel device is still down. */
static int attach_fast(struct up *up)
{
	const struct instance *instance = &up->instance;
	struct netdev netdev;
	int err;

	if (!instance->n_fast)
		return 0;
	err = check_native(up);
	if (!err)
		err = fast_set_underlay(&up->plane, instance->device_index);
	if (!err)
		err = check_underlay(up);
	for (unsigned int i = 0; !err && i < instance->n_fast; i++) {
		err = netdev_find_index(instance->fast_index[i], &netdev);
		if (err)
			fail(-err, "FastPath: %s: was deleted meanwhile", instance->fast[i]);
		else
			err = fast_attach(&up->plane, i, &netdev);
	}
	return err;
}

static int start_tunnel(struct up *up)
{
	return tunnel_start(&up->instance, &up->config);
}

static int attach_egress(struct up *up)
{
	return up->options->no_attach ? 0 : attach(up, PROGRAM_SEAL);
}

static int publish(struct up *up)
{
	return plane_publish(&up->plane);
}

/* The steps of each mode; NULL ends them. */
static int (*const steps[][16])(struct up *up) = {
	[MODE_INLINE] = { up_create, up_load, forget_peers, up_self_test, add_peers, check_pins_stay, up_pin,
			  attach_ingress, make_hop, attach_egress, publish },
	[MODE_TUNNEL] = { up_create, up_load, forget_peers, up_self_test, add_peers, check_pins_stay, up_pin,
			  make_tunnel, attach_ingress, attach_fast, start_tunnel, publish },
};

int up_build(struct up *up)
{
	int (*const *step)(struct up *up);
	int err = 0, undone;

	for (step = steps[up->config.mode]; !err && *step; step++)
		err = interrupt_pending() ? -EINTR : (*step)(up);
	if (!err)
		return 0;
	if (err == -EINTR)
		fail(EINTR, "%s: interrupted: undone", up->config.name);
	undone = teardown(&up->plane);
	/* No PostUp was run. */
	if (!undone)
		hook_forget(up->config.name);
	if (undone)
		hint("%s down %s tries to undo the rest again", self(), up->config.name);
	return err;
}
