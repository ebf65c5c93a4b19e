// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing ports, SPIs, prefixes and endpoints with those of the other instances. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "device/hop.h"
#include "device/sharing.h"
#include "device/tunnel.h"
#include "net/namespace.h"
#include "plane/plane.h"
#include "plane/self.h"

static bool has_device(const struct instance *other, const struct instance *instance)
{
	return strcmp(other->near, instance->near) == 0 || strcmp(other->far, instance->far) == 0;
}

unsigned int sharing_number(const struct instance *instance, const struct sharers *sharers)
{
	const struct sharer *sharer;
	struct instance named = *instance;
	unsigned int number;

	for (number = 0; number < SHARERS_MAX; number++) {
		if (instance->mode == MODE_TUNNEL)
			tunnel_name_far(&named, number);
		else
			hop_name(&named, number);
		sharer = NULL;
		while ((sharer = sharers_next(sharers, instance->name, sharer)))
			if (has_device(&sharer->instance, &named))
				break;
		if (!sharer)
			break;
	}
	return number;
}

/* Open the other instance's maps that are compared. */
static int open_other(const struct sharer *other, struct plane *plane, struct xdpsec_config *config)
{
	__u32 key = 0;
	int err;

	err = plane_open(plane, other->instance.name, other->staged);
	if (!err && (plane->maps[MAP_CONFIG] < 0 || plane->maps[MAP_POLICIES] < 0 ||
		     plane->maps[MAP_PEER_RECORDS] < 0 || plane->maps[MAP_SPIS] < 0))
		err = -ENOENT;
	return err ?: plane_read(plane, MAP_CONFIG, &key, config);
}

static void hint_other(const struct instance *other, const char *what)
{
	hint("%s, or `%s down %s`", what, self(), other->name);
}

static int check_ports(const struct config *config, const struct instance *other,
		       const struct xdpsec_config *theirs)
{
	char what[64];

	if (config->tunnel.listen_port != theirs->listen_port)
		return 0;
	fail(EADDRINUSE, "%s: ListenPort: %u: already used by the tunnel %s (%s), on the same device %s",
	     config->path, config->tunnel.listen_port, other->near, other->name, config->device);
	snprintf(what, sizeof(what), "set ListenPort = %u, and the same port in the peers' Endpoint",
		 config->tunnel.listen_port == 65535 ? 65534 : config->tunnel.listen_port + 1);
	hint_other(other, what);
	return -EADDRINUSE;
}

/* A peer's answer to a port chosen by flow is recognized by its SPI (xdp/decapsulate.bpf.h), so tunnels
 * may not share SPIs. */
static int check_shared_spis(const struct config *config, const struct instance *other,
			     const struct plane *plane, const struct xdpsec_config *theirs)
{
	__u32 slot;

	if (config->tunnel.listen_only && !theirs->flow_ports)
		return 0;
	for (size_t i = 0; i < PEER_RX * config->n_peers; i++) {
		const struct sa_config *rx = &config->peers[i / PEER_RX].rx[i % PEER_RX];

		if (bpf_map_lookup_elem(plane->maps[MAP_SPIS], &rx->spi, &slot))
			continue;
		fail(EBUSY, "%s:%d: RxSpi: 0x%08x: already used by the tunnel %s (%s), on the same device %s",
		     peer_path(config, &config->peers[i / PEER_RX]), rx->spi_line, rx->spi, other->near,
		     other->name, config->device);
		hint("choose another number, also as the other site's TxSpi; or set SourcePort = listen in "
		     "both tunnels");
		return -EBUSY;
	}
	return 0;
}

static bool overlap(const struct xdpsec_prefix *one, const struct xdpsec_prefix *other)
{
	/* ::/0 and similar prefixes contain mapped addresses as numbers, but not as IPv4. */
	return prefix_is_ipv4(one) == prefix_is_ipv4(other) &&
	       (prefix_contains(one, other) || prefix_contains(other, one));
}

/* Overlapping prefixes are refused. With longest match alone, a packet of both would be sealed twice. */
static int check_prefix(const struct config *config, const struct peer_config *peer, size_t index,
			const struct instance *other, const struct plane *plane)
{
	struct xdpsec_prefix prefix, *previous = NULL, last;
	char text[64], theirs[64];

	while (bpf_map_get_next_key(plane->maps[MAP_POLICIES], previous, &prefix) == 0) {
		last = prefix;
		previous = &last;
		if (!overlap(&peer->prefixes[index], &prefix))
			continue;
		fail(EBUSY, "%s:%d: Address: %s: overlaps with %s of %s, on the same device %s",
		     peer_path(config, peer), peer->prefix_lines[index],
		     prefix_text(&peer->prefixes[index], text, sizeof(text)),
		     prefix_text(&prefix, theirs, sizeof(theirs)), other->name, config->device);
		hint("remove it from one of them, or put all peers into %s and `%s reload %s`", other->path,
		     self(), other->name);
		return -EBUSY;
	}
	return 0;
}

static int check_shared_prefixes(const struct config *config, const struct instance *other,
				 const struct plane *plane)
{
	int err = 0;

	for (size_t i = 0; !err && i < config->n_peers; i++)
		for (size_t j = 0; !err && j < config->peers[i].n_prefixes; j++)
			err = check_prefix(config, &config->peers[i], j, other, plane);
	return err;
}

/* The outer packets of a tunnel to a peer. */
struct outer {
	const struct xdpsec_location *endpoint;
	__u32 listen_port;
	bool flow_ports;
};

static bool has_ports(const struct xdpsec_ports *ports, size_t n, __u32 first, __u32 last)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i].first <= last && first <= ports[i].last)
			return true;
	return false;
}

/* The UDP ports of the tunnel that are among these, as text; "": none. */
static const char *ports_of_tunnel(const struct outer *outer, const struct xdpsec_ports *ports, size_t n,
				   char *text, size_t size)
{
	const __u32 flows = XDPSEC_FLOW_PORT_FIRST;
	size_t used = 0;

	text[0] = '\0';
	if (has_ports(ports, n, outer->listen_port, outer->listen_port))
		used += (size_t)snprintf(text, size, "%u", outer->listen_port);
	if (outer->endpoint->port != outer->listen_port &&
	    has_ports(ports, n, outer->endpoint->port, outer->endpoint->port))
		used += (size_t)snprintf(text + used, size - used, "%s%u", used ? ", " : "",
					 outer->endpoint->port);
	if (outer->flow_ports && has_ports(ports, n, flows, flows + XDPSEC_FLOW_PORTS - 1))
		snprintf(text + used, size - used, "%s%u-%u", used ? ", " : "", flows,
			 flows + XDPSEC_FLOW_PORTS - 1);
	return text;
}

static void hint_outer(const struct outer *outer, const char *ports, const char *owner)
{
	hint("remove %s from Ports of %s%s", ports, owner,
	     outer->flow_ports ? " (with SourcePort = listen, a tunnel uses only its own port)" : "");
}

/* Check a new tunnel against instances of inline mode. */
static int check_outer(const struct config *config, const struct peer_config *peer,
		       const struct instance *other, const struct plane *plane)
{
	const struct outer outer = { &peer->endpoint, config->tunnel.listen_port,
				     !config->tunnel.listen_only };
	struct xdpsec_prefix address = prefix_of(&peer->endpoint);
	struct xdpsec_policy policy;
	char text[64], ports[64];

	if (!peer->endpoint.known || bpf_map_lookup_elem(plane->maps[MAP_POLICIES], &address, &policy) ||
	    policy.ranges > XDPSEC_MAX_PORT_RANGES || policy.ipv4 != prefix_is_ipv4(&address) ||
	    !ports_of_tunnel(&outer, policy.ports, policy.ranges, ports, sizeof(ports))[0])
		return 0;
	fail(EBUSY,
	     "%s:%d: Endpoint: %s: %s protects UDP port %s there, and would seal the tunnel's packets twice",
	     peer_path(config, peer), peer->endpoint_line, location_text(&peer->endpoint, text, sizeof(text)),
	     other->name, ports);
	hint_outer(&outer, ports, other->path);
	return -EBUSY;
}

/* Check a new instance of inline mode against a tunnel. */
static int check_inner(const struct config *config, const struct outer *outer, const struct instance *other)
{
	struct xdpsec_prefix address = prefix_of(outer->endpoint);
	const struct peer_config *peer, *found = NULL;
	char text[64], prefix[64], ports[64];
	size_t at = 0;

	for (peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++)
			if (overlap(&peer->prefixes[i], &address) &&
			    (!found || peer->prefixes[i].length > found->prefixes[at].length)) {
				found = peer;
				at = i;
			}
	if (!found || !ports_of_tunnel(outer, found->ports, found->n_ports, ports, sizeof(ports))[0])
		return 0;
	fail(EBUSY,
	     "%s:%d: Address: %s: its Ports include %s, and would seal the packets of the tunnel %s (%s) to "
	     "%s twice",
	     peer_path(config, found), found->prefix_lines[at],
	     prefix_text(&found->prefixes[at], prefix, sizeof(prefix)), ports, other->near, other->name,
	     location_text(outer->endpoint, text, sizeof(text)));
	hint_outer(outer, ports, found->name);
	return -EBUSY;
}

static int check_beside_tunnel(const struct config *config, const struct instance *other,
			       const struct plane *plane, const struct xdpsec_config *theirs)
{
	_cleanup_free_ struct peer_record *records = calloc(XDPSEC_MAX_PEERS, sizeof(*records));
	struct outer outer = { .listen_port = theirs->listen_port, .flow_ports = theirs->flow_ports };
	int err;

	if (!records)
		return fail(ENOMEM, "out of memory");
	err = plane_read_all(plane, MAP_PEER_RECORDS, records);
	for (size_t i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		if (!records[i].in_use || !records[i].endpoint.known)
			continue;
		outer.endpoint = &records[i].endpoint;
		err = check_inner(config, &outer, other);
	}
	return err;
}

static int check_beside_inline(const struct config *config, const struct instance *other,
			       const struct plane *plane)
{
	int err = 0;

	for (size_t i = 0; !err && i < config->n_peers; i++)
		err = check_outer(config, &config->peers[i], other, plane);
	return err;
}

/* A fast path bypasses TC egress, where inline mode seals. */
static int check_fast(const struct config *config, const struct instance *other)
{
	bool mine = config->tunnel.n_fast && other->mode == MODE_INLINE,
	     theirs = other->n_fast && config->mode == MODE_INLINE;

	if (!mine && !theirs)
		return 0;
	fail(EBUSY, "%s: %s has a fast path, which would bypass %s on %s", config->path,
	     mine ? config->name : other->name, mine ? other->name : config->name, config->device);
	hint("leave FastPath out, or use another device");
	return -EBUSY;
}

static int check_other(const struct config *config, const struct sharer *sharer)
{
	const struct instance *other = &sharer->instance;
	_cleanup_plane_ struct plane plane;
	struct xdpsec_config theirs;
	int err;

	plane_init(&plane);
	err = check_fast(config, other);
	if (err)
		return err;
	err = open_other(sharer, &plane, &theirs);
	if (err == -ENOENT && sharer->staged)
		return 0;
	if (err)
		return err;
	if (config->mode == MODE_TUNNEL && other->mode == MODE_TUNNEL) {
		err = check_ports(config, other, &theirs);
		if (!err)
			err = check_shared_spis(config, other, &plane, &theirs);
	} else if (config->mode == MODE_TUNNEL) {
		err = check_beside_inline(config, other, &plane);
	} else {
		err = other->mode == MODE_TUNNEL ? check_beside_tunnel(config, other, &plane, &theirs)
						 : check_shared_prefixes(config, other, &plane);
	}
	return err;
}

int sharing_check(const struct config *config, const struct sharers *sharers)
{
	const struct sharer *sharer = NULL;
	size_t n = 0;
	int err = 0, step;

	if (sharers->unknown[0])
		warning("%s: cannot be read: it may be on %s as well", sharers->unknown, config->device);
	while ((sharer = sharers_next(sharers, config->name, sharer))) {
		step = check_other(config, sharer);
		err = err ?: step;
		n++;
	}
	if (err || n < SHARERS_MAX)
		return err;
	fail(ENOSPC, "%s: Device: %s: has %zu instances already", config->path, config->device, n);
	hint("one instance can have %d peers", XDPSEC_MAX_PEERS);
	return -ENOSPC;
}
