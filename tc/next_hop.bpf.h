/* SPDX-License-Identifier: GPL-2.0-only */
/* The underlay's route to an endpoint. The routing table decides for each packet, and changes take effect at once; a
 * result is kept as long as nothing changes (next_hop_kept.bpf.h). */
#ifndef XDPSEC_NEXT_HOP_BPF_H
#define XDPSEC_NEXT_HOP_BPF_H

#include "xdpsec/kernel.bpf.h"
#include "xdpsec/endpoint.bpf.h"
#include "context.bpf.h"
#include "next_hop_kept.bpf.h"

#define NEXT_HOP_AF_INET 2
#define NEXT_HOP_AF_INET6 10

/* BPF_FIB_LOOKUP_MARK of linux/bpf.h (6.10 and later). The mark is stored in the field of the source MAC
 * address. */
#define NEXT_HOP_LOOKUP_MARK (1U << 5)

/* TC leaves the neighbour to the kernel. XDP needs its address. */
#ifdef SEAL_FROM_XDP
#define NEXT_HOP_NEIGHBOUR 0U
#else
#define NEXT_HOP_NEIGHBOUR BPF_FIB_LOOKUP_SKIP_NEIGH
#endif

enum next_hop_found {
	NEXT_HOP_FOUND,
	NEXT_HOP_NONE,
	NEXT_HOP_NOT_ASKED, /* the kernel does not answer: forwarding of the far end is off */
};

/* The length of the outer packet, from that before header and tag are added. */
static __always_inline u32 next_hop_length(const struct packet *packet)
{
	return (packet->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + packet->udp_length +
	       XDPSEC_OVERHEAD;
}

/*
 * Look up the route of the outer packet. Destination, ports and udp_length are those before header and tag
 * are added. Rules of routing see hop->source if there is one (has_source); otherwise the lookup fills it in.
 * The source port selects between routes of equal cost. The kernel checks `forwarding` of the device that the
 * packet is on, the far end (net/core/filter.c, bpf_ipv4_fib_lookup). A call of its own, for its stack.
 */
static __noinline enum next_hop_found next_hop_ask(seal_context *skb, const struct packet *packet, u32 mark,
						   bool has_source, struct next_hop *hop)
{
	struct bpf_fib_lookup lookup = {
		.family = packet->ipv6 ? NEXT_HOP_AF_INET6 : NEXT_HOP_AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.sport = bpf_htons(packet->source_port),
		.dport = bpf_htons(packet->destination_port),
		.tot_len = next_hop_length(packet),
		.ifindex = context_routes_from(skb),
	};
	u32 flags = NEXT_HOP_NEIGHBOUR | NEXT_HOP_LOOKUP_MARK;
	long found;

	*(u32 *)lookup.smac = mark;
	if (packet->ipv6)
		__builtin_memcpy(lookup.ipv6_dst, packet->destination, 16);
	else
		lookup.ipv4_dst = packet->destination[3];
	if (!has_source)
		flags |= BPF_FIB_LOOKUP_SRC;
	else if (packet->ipv6)
		__builtin_memcpy(lookup.ipv6_src, hop->source, 16);
	else
		lookup.ipv4_src = hop->source[3];
	found = bpf_fib_lookup(skb, &lookup, sizeof(lookup), flags);
	hop->mtu = lookup.mtu_result;
	hop->is_narrow = found == BPF_FIB_LKUP_RET_FRAG_NEEDED;
	if (hop->is_narrow) {
		/* The device is not said. A length that fits any route. */
		lookup.tot_len = sizeof(struct iphdr);
		found = bpf_fib_lookup(skb, &lookup, sizeof(lookup), flags);
	}
	if (found == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return NEXT_HOP_NOT_ASKED;
	if (found != BPF_FIB_LKUP_RET_SUCCESS)
		return NEXT_HOP_NONE;
	hop->device = lookup.ifindex;
	if (packet->ipv6)
		__builtin_memcpy(hop->source, lookup.ipv6_src, 16);
	else
		packet_map_ipv4(hop->source, &lookup.ipv4_src);
#ifdef SEAL_FROM_XDP
	__builtin_memcpy(hop->neighbour.addresses, lookup.dmac, ETH_ALEN);
	__builtin_memcpy(hop->neighbour.addresses + ETH_ALEN / 2, lookup.smac, ETH_ALEN);
#else
	/* The gateway's address, which may be of the other family (RFC 8950). */
	hop->neighbour.nh_family = lookup.family;
	if (lookup.family == NEXT_HOP_AF_INET6)
		__builtin_memcpy(hop->neighbour.ipv6_nh, lookup.ipv6_dst, 16);
	else
		hop->neighbour.ipv4_nh = lookup.ipv4_dst;
#endif
	return NEXT_HOP_FOUND;
}

/* Is it an address of this host? If the kernel does not answer, yes. A call of its own. */
static __noinline int next_hop_is_local(seal_context *skb, const struct xdpsec_source *source)
{
	const u32 *words = (const u32 *)source->address;
	struct bpf_fib_lookup lookup = { .family = NEXT_HOP_AF_INET, .ifindex = context_routes_from(skb) };
	long found;

	if (words[0] || words[1] || words[2] != bpf_htonl(0xffff)) {
		lookup.family = NEXT_HOP_AF_INET6;
		__builtin_memcpy(lookup.ipv6_dst, words, 16);
	} else {
		lookup.ipv4_dst = words[3];
	}
	found = bpf_fib_lookup(skb, &lookup, sizeof(lookup), BPF_FIB_LOOKUP_SKIP_NEIGH);
	return found == BPF_FIB_LKUP_RET_NOT_FWDED || found == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

/* Time in ns for which an address found to be this host's stays valid. */
#define NEXT_HOP_LOCAL_NS (ENDPOINT_SECOND / 50)

/* Can the packet come from the endpoint's source address? The check costs as much as a route lookup, so
 * its result is kept for a while. */
static __always_inline bool next_hop_may_use(seal_context *skb, struct xdpsec_endpoint *endpoint,
					     const struct xdpsec_source *source, u64 now)
{
	if (source->local == XDPSEC_LOCAL_NONE)
		return false;
	if (now - endpoint->checked >= NEXT_HOP_LOCAL_NS) {
		endpoint->usable = next_hop_is_local(skb, source);
		endpoint->checked = now;
	}
	return endpoint->usable;
}

/*
 * An address that a peer has sent to is right only for the device on which its packets arrive. If the route
 * now uses another uplink, the source must be that uplink's address. A packet with a VLAN tag came by a
 * device on top of config.device, as the stack takes the tag off.
 */
static __always_inline bool next_hop_suits(const struct xdpsec_config *config,
					   const struct xdpsec_source *source, u32 device)
{
	if (source->local == XDPSEC_LOCAL_DEVICE)
		return device == config->device || device == config->upper;
	return source->local == XDPSEC_LOCAL_FIXED || device != config->device;
}

/*
 * No route can be looked up: forwarding was switched off for the whole host (net.ipv4.ip_forward = 0 resets
 * it on every device, the far end too). Peers that do not move are still reached by the device used last; the
 * kernel itself looks for the next hop there (net/core/filter.c, __bpf_redirect_neigh_v4 without nh).
 */
static __always_inline enum next_hop_found next_hop_as_before(seal_context *skb, const struct packet *packet,
							      const struct xdpsec_endpoint *endpoint,
							      bool has_source, struct next_hop *hop)
{
	const u32 *source = (const u32 *)endpoint->source;
	bool ipv6 = source[0] || source[1] || source[2] != bpf_htonl(0xffff);
	u32 length = next_hop_length(packet);
	long fits;

	if (!endpoint->device || (!has_source && ipv6 != packet->ipv6))
		return NEXT_HOP_NONE;
	if (!has_source)
		__builtin_memcpy(hop->source, source, 16);
	hop->device = endpoint->device;
	hop->is_old = true;
	fits = bpf_check_mtu(skb, hop->device, &length, 0, 0);
	hop->mtu = length;
	hop->is_narrow = fits;
	return fits < 0 ? NEXT_HOP_NONE : NEXT_HOP_FOUND;
}

/* Look up the next hop of the packet. source: NULL, or what the lookup has to go by. */
static __always_inline bool next_hop_look_up(seal_context *skb, const struct packet *packet,
					     const struct xdpsec_config *config,
					     struct xdpsec_endpoint *endpoint,
					     const struct xdpsec_source *source, bool *has_source,
					     struct next_hop *hop)
{
	enum next_hop_found found;

	hop->until = 0;
	hop->is_old = false;
	if (*has_source)
		__builtin_memcpy(hop->source, source->address, 16);
	found = next_hop_ask(skb, packet, config->mark, *has_source, hop);
	if (*has_source && source->local != XDPSEC_LOCAL_FIXED &&
	    (found == NEXT_HOP_NONE ||
	     (found == NEXT_HOP_FOUND && !next_hop_suits(config, source, hop->device)))) {
		endpoint->usable = 0;
		*has_source = false;
		found = next_hop_ask(skb, packet, config->mark, false, hop);
	}
	if (found == NEXT_HOP_NOT_ASKED)
		found = next_hop_as_before(skb, packet, endpoint, *has_source, hop);
	hop->leads_back = hop->device == context_routes_from(skb) ||
			  hop->device == device_index(XDPSEC_DEVICE_NEAR);
	return found == NEXT_HOP_FOUND;
}

/*
 * Find device, neighbour and source address for the packet, and set the latter. NULL: there is no route. A call of its
 * own, for its stack.
 */
static __noinline const struct next_hop *next_hop_find(seal_context *skb, struct packet *packet,
						       const struct xdpsec_config *config,
						       struct xdpsec_endpoint *endpoint, u64 now)
{
	const struct xdpsec_source *source = endpoint_from(endpoint);
	bool has_source = next_hop_may_use(skb, endpoint, source, now);
	struct next_hop *hop = next_hop_place(packet);
	u64 generation = next_hop_generation(skb);

	if (!hop || (!has_source && source->local == XDPSEC_LOCAL_FIXED))
		return NULL;
	if (!next_hop_is_kept(hop, packet, config->mark, has_source ? (const u32 *)source->address : NULL,
			      now, generation) ||
	    next_hop_length(packet) > hop->mtu) {
		if (!next_hop_look_up(skb, packet, config, endpoint, source, &has_source, hop))
			return NULL;
		next_hop_keep(hop, packet, config->mark, has_source, now, generation);
	}
	__builtin_memcpy(packet->source, hop->source, 16);
	return hop;
}

#endif
