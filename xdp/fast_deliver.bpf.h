/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path in: an opened packet leaves by a device of FastPath where the routing table leads there. Whatever is
 * unusual goes into the tunnel device, as without a fast path. Included by decapsulate.bpf.h.
 */
#ifndef XDPSEC_FAST_DELIVER_BPF_H
#define XDPSEC_FAST_DELIVER_BPF_H

#include "xdpsec/fast.bpf.h"
#include "xdpsec/fast_flow.bpf.h"
#include "xdpsec/fast_pair.bpf.h"

/*
 * The addresses at the front of the frame, the neighbour's and the device's, and behind them the route's MTU. They lie
 * where the outer source address was: it is not needed any more when they are found, and the stack has no room beside.
 */
static __always_inline u16 *fast_addresses(struct decapsulate *d)
{
	return (u16 *)d->open.packet.source;
}

/* Which of the devices of FastPath has this index, takes redirected frames, and is the same as ever? 0: none. */
static __always_inline u32 fast_device(u32 index)
{
	u32 slot;

	for (slot = XDPSEC_FAST_UNDERLAY + 1; slot < XDPSEC_FAST_DEVICES; slot++) {
		u32 key = slot;
		const struct xdpsec_fast_device *device = bpf_map_lookup_elem(&fast_devices, &key);

		if (!device || !device->index)
			return 0;
		if (device->index == index)
			return device->transmits && device_index(XDPSEC_DEVICE_FAST + slot - 1) == index
				       ? XDPSEC_DEVICE_FAST + slot - 1
				       : 0;
	}
	return 0;
}

static __always_inline u32 fast_tos(const struct iphdr *ip, bool ipv6)
{
	return ipv6 ? *(const __be32 *)ip & bpf_htonl(0x0fffffff) : ip->tos;
}

/*
 * Is something kept about such packets of this peer? It was found when AllowedIPs had the same generation as now, so the
 * source is among them.
 */
static __always_inline bool fast_is_kept(struct decapsulate *d, const struct inner *inner)
{
	u32 near = device_index(XDPSEC_DEVICE_NEAR);
	const struct fast_pair *pair;

	d->policy_generation = d->config->policy_generation;
	pair = fast_pair_kept(d->open.xdp, inner, near, d->policy_generation, d->open.now);
	d->pair = pair && pair->peer == d->open.peer ? pair : NULL;
	return d->pair;
}

/* The neighbour that was found for a packet like this one, less than a second ago. Returns the ifindex, 0: none. */
static __always_inline int fast_kept_neighbour(struct decapsulate *d, const struct inner *inner)
{
	const struct iphdr *ip = (void *)(d->open.payload + XDPSEC_OVERHEAD);
	const struct fast_pair *pair = d->pair;

	if (!pair || (const void *)(ip + 1) > d->open.end || pair->tos != fast_tos(ip, inner->ipv6) ||
	    pair->protocol != inner->protocol || pair->mtu < inner->length)
		return 0;
	packet_copy_ethernet(fast_addresses(d), pair->addresses);
	return pair->to;
}

/* Keep the neighbour and the peer for the next packets. The pair is this packet's. */
static __noinline int fast_keep_neighbour(struct decapsulate *d, const struct inner *inner, u32 near)
{
	const struct iphdr *ip = (void *)(d->open.payload + XDPSEC_OVERHEAD);
	struct fast_pair *pair = fast_pair_find(inner, near);

	if (!pair || (const void *)(ip + 1) > d->open.end)
		return 0;
	packet_copy_ethernet(pair->addresses, fast_addresses(d));
	pair->peer = d->open.peer;
	pair->policy_generation = d->policy_generation;
	pair->tos = fast_tos(ip, inner->ipv6);
	pair->protocol = inner->protocol;
	pair->mtu = fast_addresses(d)[ETH_ALEN];
	return 0;
}

/* The route of the opened packet with its neighbour. Returns the ifindex, 0: none, or not one hop away. */
static __noinline int fast_find_neighbour(struct decapsulate *d, const struct inner *inner, u32 near)
{
	const void *start = d->open.payload + XDPSEC_OVERHEAD;
	const struct iphdr *ip = start;
	u16 *addresses = fast_addresses(d);
	struct bpf_fib_lookup lookup = {
		.family = inner->ipv6 ? FAST_AF_INET6 : FAST_AF_INET,
		.l4_protocol = inner->protocol,
		.tot_len = inner->length,
		.ifindex = near,
	};

	if (!near || (const void *)(ip + 1) > d->open.end)
		return 0;
	if (inner->ipv6) {
		lookup.flowinfo = *(const __be32 *)ip & bpf_htonl(0x0fffffff);
		__builtin_memcpy(lookup.ipv6_src, inner->source, 16);
		__builtin_memcpy(lookup.ipv6_dst, inner->destination, 16);
	} else {
		lookup.tos = ip->tos;
		lookup.ipv4_src = inner->source[3];
		lookup.ipv4_dst = inner->destination[3];
	}
	if (bpf_fib_lookup(d->open.xdp, &lookup, sizeof(lookup), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	__builtin_memcpy(addresses, lookup.dmac, ETH_ALEN);
	__builtin_memcpy(addresses + ETH_ALEN / 2, lookup.smac, ETH_ALEN);
	addresses[ETH_ALEN] = lookup.mtu_result;
	return lookup.ifindex;
}

/* The same by the routing table, if the stack would forward the packet there. */
static __always_inline int fast_ask_neighbour(struct decapsulate *d, const struct inner *inner, u32 near)
{
	u32 index = fast_find_neighbour(d, inner, near);

	if (!index || !fast_pair_holds(d->open.xdp, inner, near, index, d->open.now))
		return 0;
	fast_keep_neighbour(d, inner, near);
	return index;
}

/*
 * The device that an opened packet goes to: one of FastPath, with the addresses in fast_addresses(); or the far end. A
 * packet in several buffers lies in the scratch map, and is unusual. A call of its own, for its stack.
 */
static __noinline u32 fast_choose(struct decapsulate *d, const struct inner *inner)
{
	const void *start = d->open.payload + XDPSEC_OVERHEAD;
	u32 near = device_index(XDPSEC_DEVICE_NEAR), index, slot, ports;

	if (d->open.in_pieces || inner->length > d->config->mtu ||
	    !fast_is_plain(inner, start, d->open.end, &ports))
		return XDPSEC_DEVICE_FAR;
	index = fast_kept_neighbour(d, inner) ?: fast_ask_neighbour(d, inner, near);
	slot = index ? fast_device(index) : 0;
	if (!slot || !fast_flow_may(d->open.xdp, inner, ports, near, index))
		return XDPSEC_DEVICE_FAR;
	return slot;
}

/* The frame, whose outer headers are gone, leaves here: addresses, and one hop less. 0, or -1. */
static __always_inline int fast_finish(struct xdp_md *xdp, struct decapsulate *d, bool ipv6)
{
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	struct ethhdr *ethernet = data;

	if ((void *)(ethernet + 1) > data_end)
		return -1;
	packet_copy_ethernet(ethernet, fast_addresses(d));
	return fast_decrease_ttl(ethernet + 1, data_end, ipv6) ? 0 : -1;
}

#endif
