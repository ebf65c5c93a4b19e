/* SPDX-License-Identifier: GPL-2.0-only */
/* The underlay's route to an endpoint: asked for each packet, so that the routing table decides, and a change
 * of it is followed at once. */
#ifndef XDPSEC_ROUTE_BPF_H
#define XDPSEC_ROUTE_BPF_H

#include "xdpsec/kernel.bpf.h"
#include "xdpsec/endpoint.bpf.h"

#define ROUTE_AF_INET 2
#define ROUTE_AF_INET6 10

/* BPF_FIB_LOOKUP_MARK of linux/bpf.h, which has it since 6.10: the mark lies where the kernel puts the MAC
 * address of the sender. */
#define ROUTE_LOOKUP_MARK (1U << 5)

enum route_found {
	ROUTE_FOUND,
	ROUTE_NONE,
	ROUTE_TOO_NARROW, /* route->mtu is what it takes */
	ROUTE_NOT_ASKED,  /* the kernel does not say: the far end does not forward (any more) */
};

struct route {
	u64 now;    /* when it is asked for */
	u32 device; /* ifindex */
	u32 mtu;
	bool is_old; /* it was not asked for: the neighbour is found by the kernel as the packet leaves */
	struct bpf_redir_neigh next;
};

/*
 * For the outer packet: destination, ports and udp_length are as they will be without header and tag. Its
 * source is filled in unless it has one (has_source), which rules of routing see then. The source port
 * decides between routes of equal cost. The device that the packet is on, the far end, is the one whose
 * `forwarding` the kernel asks (net/core/filter.c, bpf_ipv4_fib_lookup). A call of its own, for its stack.
 */
static __noinline enum route_found route_ask(struct __sk_buff *skb, struct packet *packet, u32 mark,
					     bool has_source, struct route *route)
{
	struct bpf_fib_lookup lookup = {
		.family = packet->ipv6 ? ROUTE_AF_INET6 : ROUTE_AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.sport = bpf_htons(packet->source_port),
		.dport = bpf_htons(packet->destination_port),
		.tot_len = (packet->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
			   packet->udp_length + XDPSEC_OVERHEAD,
		.ifindex = skb->ifindex,
	};
	u32 flags = BPF_FIB_LOOKUP_SKIP_NEIGH | ROUTE_LOOKUP_MARK;
	long found;

	*(u32 *)lookup.smac = mark;
	if (packet->ipv6)
		__builtin_memcpy(lookup.ipv6_dst, packet->destination, 16);
	else
		lookup.ipv4_dst = packet->destination[3];
	if (!has_source)
		flags |= BPF_FIB_LOOKUP_SRC;
	else if (packet->ipv6)
		__builtin_memcpy(lookup.ipv6_src, packet->source, 16);
	else
		lookup.ipv4_src = packet->source[3];
	found = bpf_fib_lookup(skb, &lookup, sizeof(lookup), flags);
	route->mtu = lookup.mtu_result;
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return ROUTE_TOO_NARROW;
	if (found == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return ROUTE_NOT_ASKED;
	if (found != BPF_FIB_LKUP_RET_SUCCESS)
		return ROUTE_NONE;
	route->device = lookup.ifindex;
	if (packet->ipv6)
		__builtin_memcpy(packet->source, lookup.ipv6_src, 16);
	else
		packet_map_ipv4(packet->source, &lookup.ipv4_src);
	/* The gateway's, which need not be of the same family (RFC 8950). */
	route->next.nh_family = lookup.family;
	if (lookup.family == ROUTE_AF_INET6)
		__builtin_memcpy(route->next.ipv6_nh, lookup.ipv6_dst, 16);
	else
		route->next.ipv4_nh = lookup.ipv4_dst;
	return ROUTE_FOUND;
}

/* An address of this host? Where the kernel does not say, it is taken to be one still. A call of its own. */
static __noinline int route_is_local(struct __sk_buff *skb, const struct xdpsec_source *source)
{
	const u32 *words = (const u32 *)source->address;
	struct bpf_fib_lookup lookup = { .family = ROUTE_AF_INET, .ifindex = skb->ifindex };
	long found;

	if (words[0] || words[1] || words[2] != bpf_htonl(0xffff)) {
		lookup.family = ROUTE_AF_INET6;
		__builtin_memcpy(lookup.ipv6_dst, words, 16);
	} else {
		lookup.ipv4_dst = words[3];
	}
	found = bpf_fib_lookup(skb, &lookup, sizeof(lookup), BPF_FIB_LOOKUP_SKIP_NEIGH);
	return found == BPF_FIB_LKUP_RET_NOT_FWDED || found == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

/* For so long, in ns, an address that was of this host is taken to be. */
#define ROUTE_LOCAL_NS (ENDPOINT_SECOND / 50)

/* Can the packet come from the address that belongs to the endpoint? It is not asked for each, as that costs
 * as much as a route. */
static __always_inline bool route_may_use(struct __sk_buff *skb, struct xdpsec_endpoint *endpoint,
					  const struct xdpsec_source *source, u64 now)
{
	if (source->local == XDPSEC_LOCAL_NONE)
		return false;
	if (now - endpoint->checked >= ROUTE_LOCAL_NS) {
		endpoint->usable = route_is_local(skb, source);
		endpoint->checked = now;
	}
	return endpoint->usable;
}

/*
 * The address that a peer has sent to is right for the device by which its packets come: when the route has
 * moved to another uplink, that one's address is. Behind a VLAN tag, which the stack takes off, the device is
 * one on top.
 */
static __always_inline bool route_suits(const struct xdpsec_config *config,
					const struct xdpsec_source *source, u32 device)
{
	if (source->local == XDPSEC_LOCAL_DEVICE)
		return device == config->device || device == config->upper;
	return source->local == XDPSEC_LOCAL_FIXED || device != config->device;
}

/*
 * The far end was forbidden to forward, together with the whole host (net.ipv4.ip_forward = 0 resets it on
 * every device), so that no route can be asked for. What does not move goes on by the device that it went by,
 * where the kernel itself looks for the next hop (net/core/filter.c, __bpf_redirect_neigh_v4 without nh).
 */
static __always_inline enum route_found route_as_before(struct __sk_buff *skb, struct packet *packet,
							const struct xdpsec_endpoint *endpoint,
							bool has_source, struct route *route)
{
	const u32 *source = (const u32 *)endpoint->source;
	bool ipv6 = source[0] || source[1] || source[2] != bpf_htonl(0xffff);
	u32 length = (packet->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + packet->udp_length +
		     XDPSEC_OVERHEAD;
	long fits;

	if (!endpoint->device || (!has_source && ipv6 != packet->ipv6))
		return ROUTE_NONE;
	if (!has_source)
		__builtin_memcpy(packet->source, source, 16);
	route->device = endpoint->device;
	route->is_old = true;
	fits = bpf_check_mtu(skb, route->device, &length, 0, 0);
	route->mtu = length;
	if (fits < 0)
		return ROUTE_NONE;
	return fits ? ROUTE_TOO_NARROW : ROUTE_FOUND;
}

/* By which device, to which neighbour and from which address the packet goes. A call of its own, for its
 * stack. */
static __noinline enum route_found route_find(struct __sk_buff *skb, struct packet *packet,
					      const struct xdpsec_config *config,
					      struct xdpsec_endpoint *endpoint, struct route *route)
{
	const struct xdpsec_source *source = endpoint_from(endpoint);
	bool has_source = route_may_use(skb, endpoint, source, route->now);
	enum route_found found;

	if (has_source)
		__builtin_memcpy(packet->source, source->address, 16);
	else if (source->local == XDPSEC_LOCAL_FIXED)
		return ROUTE_NONE;
	found = route_ask(skb, packet, config->mark, has_source, route);
	if (has_source && source->local != XDPSEC_LOCAL_FIXED &&
	    (found == ROUTE_NONE || (found == ROUTE_FOUND && !route_suits(config, source, route->device)))) {
		endpoint->usable = 0;
		has_source = false;
		found = route_ask(skb, packet, config->mark, false, route);
	}
	if (found == ROUTE_NOT_ASKED)
		return route_as_before(skb, packet, endpoint, has_source, route);
	return found;
}

#endif
