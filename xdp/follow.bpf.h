/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode: learning the location of a peer, and the address that it uses for this host, from its newest
 * authenticated packet.
 *
 * The endpoint of a peer that roams follows the source address and port of its packets. Answers come from the
 * address that the peer sends to, whether it roams or not: a NAT or firewall on its side would not know
 * another one, and a second uplink would not carry it.
 *
 * A peer that chooses source ports by flow (SourcePort = flow) uses another port for each flow. It opens
 * packets to any of these (decapsulate.bpf.h), so following them is possible. But its configured port is
 * preferred if there is one, and the port changes at most once a second.
 */
#ifndef XDPSEC_FOLLOW_BPF_H
#define XDPSEC_FOLLOW_BPF_H

#include "xdpsec/endpoint.bpf.h"
#include "xdpsec/packet.bpf.h"

static __always_inline bool follow_is_flow_port(u16 port)
{
	return port >= XDPSEC_FLOW_PORT_FIRST;
}

/* May the endpoint move to another port of the same address? */
static __always_inline bool follow_port(struct xdpsec_endpoint *endpoint, u16 before, u16 port)
{
	u64 now;

	if (before == port)
		return false;
	if (!follow_is_flow_port(port))
		return true;
	if (before == endpoint->port)
		return false;
	if (!follow_is_flow_port(before))
		return true;
	now = bpf_ktime_get_coarse_ns();
	if (now - endpoint->hopped < ENDPOINT_SECOND)
		return false;
	endpoint->hopped = now;
	return true;
}

/* Set the source address for answers to the location that the packet came from. */
static __always_inline void follow_source(const struct xdpsec_endpoint *endpoint, const struct packet *packet,
					  bool flow_ports, struct xdpsec_source *from)
{
	u32 family = packet->ipv6;
	const u32 *fixed;

	/* With ports chosen by flow, any of them will do. */
	from->port = flow_ports ? 0 : packet->destination_port;
	barrier_var(family);
	fixed = (const u32 *)endpoint->sources[family & 1];
	from->local = packet->l3 == sizeof(struct ethhdr) ? XDPSEC_LOCAL_DEVICE : XDPSEC_LOCAL_VLAN;
	if (fixed[0] | fixed[1] | fixed[2] | fixed[3]) {
		from->local = XDPSEC_LOCAL_FIXED;
		endpoint_copy_address(from->address, fixed);
	} else {
		endpoint_copy_address(from->address, packet->destination);
	}
}

/* Write the unused element completely, then make it the current one. */
static __always_inline void follow_move(struct xdpsec_endpoint *endpoint, const struct packet *packet,
					const struct xdpsec_source *from, u16 port, bool moves, bool path)
{
	struct xdpsec_location *at;
	struct xdpsec_source *to;

	bpf_spin_lock(&endpoint->lock);
	at = endpoint->current ? &endpoint->at[0] : &endpoint->at[1];
	to = endpoint->current ? &endpoint->from[0] : &endpoint->from[1];
	endpoint_copy_address(at->address, packet->source);
	at->port = port;
	at->known = 1;
	endpoint_copy_address(to->address, (const u32 *)from->address);
	to->local = from->local;
	to->port = from->port;
	endpoint->current = !endpoint->current;
	endpoint->moves += moves;
	/* The learned path MTU belongs to another path. */
	if (path)
		endpoint->path_mtu_until = 0;
	bpf_spin_unlock(&endpoint->lock);
	/* Whether this source can be used has not been checked yet. */
	endpoint->checked = 0;
}

/* The packet differs from the endpoint. A call of its own: it is rare. */
static __noinline int follow_changed(struct xdpsec_endpoint *endpoint, const struct packet *packet,
				     bool flow_ports)
{
	const struct xdpsec_location *at = endpoint_at(endpoint);
	bool same = at->known && endpoint_same_address(at->address, packet->source), moves = false;
	struct xdpsec_source from = {};
	u16 port = packet->source_port;

	if (endpoint->roams)
		moves = !same || follow_port(endpoint, at->port, port);
	if (!moves) {
		/* The peer must not move there: nothing to learn. */
		if (!same)
			return 0;
		port = at->port;
	}
	follow_source(endpoint, packet, flow_ports, &from);
	if (!moves && from.local == endpoint_from(endpoint)->local &&
	    from.port == endpoint_from(endpoint)->port &&
	    endpoint_same_address(endpoint_from(endpoint)->address, (const u32 *)from.address))
		return 0;
	follow_move(endpoint, packet, &from, port, moves, !same);
	return 0;
}

/* Learn from an authenticated packet that is newer than all before. An older one may have come by a path
 * that no longer exists. */
static __always_inline void follow(struct xdpsec_endpoint *endpoint, const struct packet *packet,
				   bool flow_ports)
{
	const struct xdpsec_source *from = endpoint_from(endpoint);
	const struct xdpsec_location *at = endpoint_at(endpoint);

	/* Nothing has changed: almost every packet. */
	if ((!endpoint->roams || at->port == packet->source_port) &&
	    (flow_ports || from->port == packet->destination_port) &&
	    endpoint_same_address(at->address, packet->source) && from->local != XDPSEC_LOCAL_NONE &&
	    (from->local == XDPSEC_LOCAL_FIXED || endpoint_same_address(from->address, packet->destination)))
		return;
	follow_changed(endpoint, packet, flow_ports);
}

#endif
