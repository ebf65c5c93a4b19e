/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The destination of a packet: where would the stack take it?
 *
 * Inline mode: a packet is opened if it is for this host, or for a network behind another of its devices. It is
 * not opened if it would be routed out of the device that it came in by: the plaintext would leave by the device
 * that protects it. Such a destination is written by an attacker on the path, where the tag does not bind it; or by
 * the sender, where its prefixes are too wide, and an attacker led the packet here.
 *
 * Tunnel mode: packets for this host are ours. Other hosts may use the same port: one behind the same device
 * (a macvlan, a bridge), or another gateway behind this one.
 *
 * bpf_fib_lookup() does not fully answer either question (net/core/filter.c, bpf_ipv4_fib_lookup and
 * bpf_ipv6_fib_lookup):
 * - FWD_DISABLED is the result for every destination if the device does not forward. Then the lookup is
 *   repeated from the far end of the hop, which does.
 * - NOT_FWDED is the result for an address of this host, for one without a route, and for every link-local
 *   address.
 */
#ifndef XDPSEC_DESTINATION_BPF_H
#define XDPSEC_DESTINATION_BPF_H

#include "xdpsec/device.bpf.h"
#include "xdpsec/kernel.bpf.h"
#include "xdpsec/packet.bpf.h"

#define DESTINATION_AF_INET 2
#define DESTINATION_AF_INET6 10

/*
 * A route lookup costs as much as sealing a small packet. So results stay valid for this long. Only
 * destinations for which a packet may be opened are kept; one that an attacker makes up is never among them.
 */
#define DESTINATION_NS 1000000000ULL
#define DESTINATIONS 64

struct destination {
	u32 address[4];
	u32 l3;	   /* offset of the IP header: with VLAN tags it is another device */
	u64 until; /* CLOCK_MONOTONIC, ns, coarse */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, u32);
	__type(value, struct destination);
} destinations SEC(".maps");

enum destination_wanted {
	DESTINATION_NOT_BACK, /* not routed back out of the device that it came in by */
	DESTINATION_LOCAL,
};

/* Look up the route of a packet that came in by a device, with these bits of the last word of its
 * destination inverted. out gets the index of the outgoing device. A call of its own, for its stack. */
static __noinline long destination_route(struct xdp_md *xdp, const struct packet *packet, u32 turned, u32 in,
					 u32 *out)
{
	struct bpf_fib_lookup lookup = {
		.family = packet->ipv6 ? DESTINATION_AF_INET6 : DESTINATION_AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.sport = bpf_htons(packet->source_port),
		.dport = bpf_htons(packet->destination_port),
		.ifindex = in,
	};
	long found;

	if (packet->ipv6) {
		__builtin_memcpy(lookup.ipv6_src, packet->source, 16);
		__builtin_memcpy(lookup.ipv6_dst, packet->destination, 16);
		lookup.ipv6_dst[3] ^= turned;
	} else {
		lookup.ipv4_src = packet->source[3];
		lookup.ipv4_dst = packet->destination[3] ^ turned;
	}
	found = bpf_fib_lookup(xdp, &lookup, sizeof(lookup), BPF_FIB_LOOKUP_SKIP_NEIGH);
	*out = lookup.ifindex;
	return found;
}

/* The receiver of the frame, by its MAC address. */
enum destination_frame {
	DESTINATION_FRAME_OURS, /* the device's own address */
	DESTINATION_FRAME_OTHER,
	DESTINATION_FRAME_MANY, /* a group, or the broadcast address */
};

static __always_inline enum destination_frame destination_frame(struct xdp_md *xdp,
								const struct net_device *device)
{
	const struct ethhdr *ethernet = (void *)(long)xdp->data;
	u8 differs = 0;
	int i;

	if ((const void *)(ethernet + 1) > (const void *)(long)xdp->data_end)
		return DESTINATION_FRAME_OTHER;
	if (ethernet->h_dest[0] & 1)
		return DESTINATION_FRAME_MANY;
#pragma unroll
	for (i = 0; i < ETH_ALEN; i++)
		differs |= ethernet->h_dest[i] ^ device->dev_addr_shadow[i];
	return differs ? DESTINATION_FRAME_OTHER : DESTINATION_FRAME_OURS;
}

/* A device in a VRF uses another routing table than the far end. */
static __always_inline bool destination_in_vrf(const struct net_device *device)
{
	return BPF_CORE_READ_BITFIELD(device, priv_flags) &
	       bpf_core_enum_value(enum netdev_priv_flags, IFF_L3MDEV_SLAVE);
}

/* Is there a route to the address that differs from the destination in these bits of the last byte? */
static __always_inline bool destination_has_route(struct xdp_md *xdp, const struct packet *packet, u8 bits,
						  u32 in)
{
	u32 out;
	long found = destination_route(xdp, packet, bpf_htonl(bits), in, &out);

	return found >= 0 && found != BPF_FIB_LKUP_RET_NOT_FWDED;
}

/*
 * Tunnel mode: is the destination an address of this host?
 *
 * The lookup says NOT_FWDED. If the device accepts the frame as its own, the packet is for this host or for
 * nobody. For another frame, this host can be the destination by a device on top of this one with its own MAC
 * address (VRRP). Then there is a route to the addresses beside the destination, and it would be the route to
 * the destination, too, if that were not an address of this host. (Two are tried, as one of them may be the
 * subnet's broadcast or anycast address, which is local as well.)
 */
static __noinline int destination_is_local(struct xdp_md *xdp, const struct packet *packet)
{
	const struct net_device *device = device_of_xdp(xdp);
	enum destination_frame frame = destination_frame(xdp, device);
	u32 in = xdp->ingress_ifindex, out;
	long found;

	if (frame == DESTINATION_FRAME_MANY)
		return false;
	found = destination_route(xdp, packet, 0, in, &out);
	if (found == BPF_FIB_LKUP_RET_FWD_DISABLED && !destination_in_vrf(device)) {
		in = device_index(XDPSEC_DEVICE_FAR);
		found = destination_route(xdp, packet, 0, in, &out);
	}
	if (found < 0 || found == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return frame == DESTINATION_FRAME_OURS;
	if (found != BPF_FIB_LKUP_RET_NOT_FWDED)
		return false;
	if (frame == DESTINATION_FRAME_OURS)
		return true;
	return destination_has_route(xdp, packet, 1, in) || destination_has_route(xdp, packet, 2, in);
}

/* Does the stack forward IPv6 from a device whose own `forwarding` is off? (net/ipv6/ip6_output.c,
 * ip6_forward checks the setting of the namespace.) */
static __always_inline bool destination_forwards_ipv6(const struct net_device *device)
{
	const struct net *net = device->nd_net.net;
	const struct ipv6_devconf *all;
	const struct inet6_dev *ipv6;

	if (!bpf_core_field_exists(net->ipv6))
		return false;
	all = net->ipv6.devconf_all;
	if (all && all->forwarding)
		return true;
	ipv6 = device->ip6_ptr;
	return ipv6 && bpf_core_field_exists(ipv6->cnf.force_forwarding) && ipv6->cnf.force_forwarding;
}

/*
 * Inline mode: would the stack send the packet out of another device, or not at all? Routes do not show the
 * members of a group. If the device does not forward, the stack does not either; but for IPv6 another switch
 * decides, and for tagged packets that of another device.
 */
static __noinline int destination_is_not_back(struct xdp_md *xdp, const struct packet *packet)
{
	u32 in = xdp->ingress_ifindex, out;
	long found;

	if (packet_is_to_group(packet))
		return true;
	found = destination_route(xdp, packet, 0, in, &out);
	if (found == BPF_FIB_LKUP_RET_FWD_DISABLED) {
		if (packet->ipv6 ? !destination_forwards_ipv6(device_of_xdp(xdp))
				 : packet->l3 == sizeof(struct ethhdr))
			return true;
		found = destination_route(xdp, packet, 0, device_index(XDPSEC_DEVICE_FAR), &out);
		/* Switching off forwarding for the whole host switches it off for the far end, too. */
		if (found < 0 || found == BPF_FIB_LKUP_RET_FWD_DISABLED)
			return !packet->ipv6;
	}
	switch (found) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return out != in;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
	case BPF_FIB_LKUP_RET_NOT_FWDED: /* for this host, or dropped by the stack */
		return true;
	default: /* an encapsulating route may lead anywhere */
		return false;
	}
}

/* Is this the destination that allows opening? now: the coarse clock */
static __always_inline bool destination_is(struct xdp_md *xdp, const struct packet *packet,
					   const enum destination_wanted wanted, u64 now)
{
	const u32 *d = packet->destination;
	u32 slot = (d[0] ^ d[1] ^ d[2] ^ d[3]) >> 24 & (DESTINATIONS - 1); /* last byte of the address */
	struct destination *known = bpf_map_lookup_elem(&destinations, &slot);

	if (!known)
		return false;
	if (known->until > now && known->l3 == packet->l3 && known->address[3] == d[3] &&
	    known->address[2] == d[2] && known->address[1] == d[1] && known->address[0] == d[0])
		return true;
	if (wanted == DESTINATION_LOCAL ? !destination_is_local(xdp, packet)
					: !destination_is_not_back(xdp, packet))
		return false;
	__builtin_memcpy(known->address, d, sizeof(known->address));
	known->l3 = packet->l3;
	known->until = now + DESTINATION_NS;
	return true;
}

#endif
