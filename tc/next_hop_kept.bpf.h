/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Next hops that are kept. A route lookup costs as much as a small packet's whole encryption, so a flow's result stays
 * valid for a moment. It is right as long as the routing tables do not change, which their generation shows at once
 * (xdpsec/route.bpf.h). What does not count as a change (a path MTU that the kernel has learned, the neighbours between
 * which it chooses for several routes) takes effect when the time is over.
 */
#ifndef XDPSEC_NEXT_HOP_KEPT_BPF_H
#define XDPSEC_NEXT_HOP_KEPT_BPF_H

#include "xdpsec/device.bpf.h"
#include "xdpsec/kernel.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/route.bpf.h"
#include "context.bpf.h"

#define NEXT_HOPS 64 /* a power of two */
#define NEXT_HOP_KEPT_NS (1000000000ULL / 50)

/* The neighbour's address in its network. XDP has no bpf_redirect_neigh(): there the front of a frame. */
#ifdef SEAL_FROM_XDP
typedef struct {
	u16 addresses[ETH_ALEN]; /* the neighbour's and the device's, 12 octets */
} next_hop_neighbour;
#else
typedef struct bpf_redir_neigh next_hop_neighbour;
#endif

/*
 * The result of a lookup, and what it went by. A packet's next hop is used where it is kept: on the stack the verifier
 * would tell apart how each of its words came about, and follow all that comes behind for each.
 */
struct next_hop {
	u64 until,
		generation; /* of the routing tables; from before the lookup, so that a change since then counts */
	u32 destination[4], source[4]; /* with has_source the lookup went by it, else it was found */
	u32 ports, mark;
	u32 device; /* ifindex */
	u32 mtu;    /* the largest packet that fits */
	next_hop_neighbour neighbour;
	bool has_source;
	bool is_narrow;	 /* the packet does not fit */
	bool leads_back; /* into the tunnel itself */
	bool is_old;	 /* not looked up: the kernel finds the neighbour as the packet leaves */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEXT_HOPS);
	__type(key, u32);
	__type(value, struct next_hop);
} next_hops SEC(".maps");

static __always_inline u64 next_hop_generation(seal_context *skb)
{
#ifdef SEAL_FROM_XDP
	return route_generation(device_of_xdp(skb)->nd_net.net);
#else
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return route_generation(kernel_skb->dev->nd_net.net);
#endif
}

static __always_inline u32 next_hop_ports(const struct packet *packet)
{
	return packet->source_port | (u32)packet->destination_port << 16;
}

static __always_inline struct next_hop *next_hop_place(const struct packet *packet)
{
	/* The last byte of the address. */
	u32 slot = (packet->source_port ^ packet->destination[3] >> 24) & (NEXT_HOPS - 1);

	return bpf_map_lookup_elem(&next_hops, &slot);
}

static __always_inline bool next_hop_same(const u32 a[4], const u32 b[4])
{
	return a[3] == b[3] && a[2] == b[2] && a[1] == b[1] && a[0] == b[0];
}

/* Is it that of such a packet, and still right? source: NULL, or what the lookup has to go by. */
static __always_inline bool next_hop_is_kept(const struct next_hop *hop, const struct packet *packet,
					     u32 mark, const u32 *source, u64 now, u64 generation)
{
	return now < hop->until && hop->generation == generation && hop->mark == mark &&
	       hop->ports == next_hop_ports(packet) && next_hop_same(hop->destination, packet->destination) &&
	       hop->has_source == !!source && (!source || next_hop_same(hop->source, source));
}

/* Keep it for packets like this one, if it is of use to others. */
static __always_inline void next_hop_keep(struct next_hop *hop, const struct packet *packet, u32 mark,
					  bool has_source, u64 now, u64 generation)
{
	hop->generation = generation;
	__builtin_memcpy(hop->destination, packet->destination, 16);
	hop->ports = next_hop_ports(packet);
	hop->mark = mark;
	hop->has_source = has_source;
	if (!hop->is_old && !hop->is_narrow && !hop->leads_back)
		hop->until = now + NEXT_HOP_KEPT_NS;
}

#endif
