// SPDX-License-Identifier: GPL-2.0-or-later
/* Every peer is one host of 198.18.0.0/15 (RFC 2544), with an SA each way that share a context. */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/message.h"
#include "net/namespace.h"
#include "net/netlink.h"
#include "net/route.h"
#include "net/sysctl.h"
#include "plane/bench.h"
#include "plane/devices.h"
#include "plane/objects.h"
#include "plane/policy.h"
#include "plane/sa.h"
#include "core.skel.h"

enum {
	LOOPBACK = 1,	      /* ifindex in a new namespace; its MTU is beyond every packet here */
	UNDERLAY_MTU = 65535, /* nor does this one stop any */
};

unsigned int bench_slot_tx(unsigned int peer)
{
	return XDPSEC_SLOTS_PER_PEER * peer;
}

unsigned int bench_slot_rx(unsigned int peer)
{
	return XDPSEC_SLOTS_PER_PEER * peer + XDPSEC_SLOTS_TO_SEAL;
}

static int add_peer(struct bench *b, unsigned int peer, const struct key *key, const char *driver)
{
	struct xdpsec_prefix prefix = {
		.length = 128,
		.address = { [10] = 0xff, 0xff, 198, 18, peer >> 8, peer },
	};
	struct xdpsec_policy policy = { .peer = peer, .ranges = 1, .ipv4 = 1, .ports = { { PORT, PORT } } };
	struct xdpsec_endpoint endpoint = { .at[0] = { .port = PORT, .known = 1 } };
	struct xdpsec_peer entry = { .tx_sa = bench_slot_tx(peer) };
	__u32 spi = XDPSEC_SPI_MIN + peer, rx = bench_slot_rx(peer);
	enum xdpsec_binding binding = b->tunnel ? XDPSEC_BIND_NONE : XDPSEC_BIND_ADDRESSES;
	int err;

	memcpy(endpoint.at[0].address, prefix.address, sizeof(prefix.address));
	err = sa_reset(&b->plane, bench_slot_tx(peer), spi, peer, binding);
	if (!err)
		err = sa_reset(&b->plane, bench_slot_rx(peer), spi, peer, binding);
	if (!err)
		err = sa_install(&b->plane, bench_slot_tx(peer), key, driver, "benchmark", b->bound);
	if (!err)
		err = sa_share(&b->plane, bench_slot_tx(peer), bench_slot_rx(peer));
	if (!err)
		err = sa_derive(&b->plane, bench_slot_tx(peer));
	if (!err)
		err = sa_derive(&b->plane, bench_slot_rx(peer));
	if (!err)
		err = sa_set_range(&b->plane, bench_slot_tx(peer), 0, XDPSEC_SEQUENCE_LIMIT);
	if (!err)
		err = sa_set_window(&b->plane, bench_slot_rx(peer), 0);
	if (!err)
		err = plane_write(&b->plane, MAP_SPIS, &spi, &rx);
	if (!err)
		err = plane_write(&b->plane, MAP_PEERS, &peer, &entry);
	if (!err)
		err = policy_write(&b->plane, &prefix, &policy);
	if (!err && b->tunnel)
		err = plane_write(&b->plane, MAP_ENDPOINTS, &peer, &endpoint);
	return err;
}

int bench_set_peers(struct bench *b, unsigned int peers, const char *driver)
{
	struct key key = { .length = 16 };
	struct xdpsec_config config;
	unsigned int peer;
	__u32 zero = 0;
	int err = plane_read(&b->plane, MAP_CONFIG, &zero, &config);

	config.hosts = policy_hosts_pay(peers, peers);
	if (!err)
		err = plane_write(&b->plane, MAP_CONFIG, &zero, &config);
	/* The first is set up anew, for another driver. */
	for (peer = 0; peer < peers && !err; peer++) {
		memcpy(key.bytes, &peer, sizeof(peer));
		err = add_peer(b, peer, &key, driver);
	}
	b->peers = peers;
	return err;
}

/* For tunnels: a device to which a route leads, and a loopback device of which the kernel says that it
 * forwards. */
static int make_underlay(void)
{
	struct xdpsec_prefix us = { .length = 96 + 15, .address = { [10] = 0xff, 0xff, 198, 19, 255, 254 } };
	const struct pair_end underlay = { "underlay", UNDERLAY_MTU }, wire = { "wire", UNDERLAY_MTU };
	struct netdev device;
	int err = netdev_create_veth(&underlay, &wire, 0);

	if (!err)
		err = netdev_find("wire", &device);
	if (!err)
		err = netdev_set_up(device.index);
	if (!err)
		err = netdev_find("underlay", &device);
	if (!err)
		err = netdev_set_up(device.index);
	if (!err)
		err = address_add(&us, device.index);
	if (!err && netdev_find_index(LOOPBACK, &device) == 0)
		err = netdev_set_up(LOOPBACK);
	if (!err)
		err = sysctl_set("ipv4", "lo", "forwarding", 1);
	return err ? fail(-err, "benchmark: an underlay for tunnels: %s", strerror(-err)) : 0;
}

int bench_open(struct bench *b, bool tunnel)
{
	__u32 zero = 0;
	struct xdpsec_config config = {
		.abi_version = XDPSEC_ABI_VERSION,
		.device = LOOPBACK,
		.listen_port = PORT,
		.mtu = UNDERLAY_MTU,
		.mtu_ipv6 = UNDERLAY_MTU,
		.flow_ports = 1,
	};
	struct namespace here = {};
	struct bpf_map *map;
	int err;

	plane_init(&b->plane);
	b->tunnel = tunnel;
	b->plane.mode = tunnel ? MODE_TUNNEL : MODE_INLINE;
	err = tunnel ? make_underlay() : 0;
	if (!err)
		err = objects_load_sa(&b->plane);
	if (!err)
		err = objects_load_data(&b->plane);
	if (!err)
		err = devices_prepare(&b->plane);
	if (!err)
		err = devices_set(&b->plane, XDPSEC_DEVICE_FAR, LOOPBACK);
	if (!err)
		err = namespace_here(&here);
	config.netns_cookie = here.cookie;
	if (!err)
		err = plane_write(&b->plane, MAP_CONFIG, &zero, &config);
	if (err)
		return err;
	b->core = core_bpf__open();
	if (!b->core)
		return fail(errno, "benchmark: its programs cannot be opened: %s", strerror(errno));
	bpf_object__for_each_map (map, b->core->obj) {
		unsigned int i;

		bpf_map__set_pin_path(map, NULL);
		for (i = 0; i < MAP_COUNT; i++)
			if (!strcmp(bpf_map__name(map), plane_map_name(i)) &&
			    bpf_map__reuse_fd(map, b->plane.maps[i]))
				return fail(errno, "benchmark: map %s: %s", plane_map_name(i),
					    strerror(errno));
	}
	err = core_bpf__load(b->core);
	if (err)
		return fail(-err, "benchmark: its programs cannot be loaded: %s", strerror(-err));
	return 0;
}
