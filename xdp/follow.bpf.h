/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode: where a peer is, and what it calls this host, as its newest authenticated packet says.
 *
 * A peer that roams is followed to the address and port that its packets come from. It is answered from the
 * address that it sends to, whether it roams or not: another one a NAT or a firewall on its side would not
 * know, and a second uplink would not carry.
 *
 * A peer whose source ports are by flow (SourcePort = flow) comes from another port with each flow. It opens
 * what comes to any of these (decapsulate.bpf.h), so that it may be followed; but its own port, where the
 * configuration has one, is the better one, and no port is left for the next more than once a second.
 */
#ifndef XDPSEC_FOLLOW_BPF_H
#define XDPSEC_FOLLOW_BPF_H

#include "xdpsec/endpoint.bpf.h"
#include "xdpsec/packet.bpf.h"

static __always_inline bool follow_is_flow_port(u16 port)
{
	return port >= XDPSEC_FLOW_PORT_FIRST;
}

/* To another port of the same address? */
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

/* What the peer is to be answered from, once it is where packet came from. */
static __always_inline void follow_source(const struct xdpsec_endpoint *endpoint, const struct packet *packet,
					  bool flow_ports, struct xdpsec_source *from)
{
	u32 family = packet->ipv6;
	const u32 *fixed;

	/* Any of these is as good as another. */
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

/* What is written is complete before it becomes the current one. */
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
	/* Of another path. */
	if (path)
		endpoint->path_mtu_until = 0;
	bpf_spin_unlock(&endpoint->lock);
	/* Whether this source can be used has not been asked yet. */
	endpoint->checked = 0;
}

/* Something differs. A call of its own: it is rare. */
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
		/* From where it is not to be: nothing to learn. */
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

/* An authenticated packet, newer than all before it: an older one may have come by a path that is no more. */
static __always_inline void follow(struct xdpsec_endpoint *endpoint, const struct packet *packet,
				   bool flow_ports)
{
	const struct xdpsec_source *from = endpoint_from(endpoint);
	const struct xdpsec_location *at = endpoint_at(endpoint);

	/* As the last one: almost every packet. */
	if ((!endpoint->roams || at->port == packet->source_port) &&
	    (flow_ports || from->port == packet->destination_port) &&
	    endpoint_same_address(at->address, packet->source) && from->local != XDPSEC_LOCAL_NONE &&
	    (from->local == XDPSEC_LOCAL_FIXED || endpoint_same_address(from->address, packet->destination)))
		return;
	follow_changed(endpoint, packet, flow_ports);
}

#endif
