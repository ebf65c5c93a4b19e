/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path of a gateway: from XDP to XDP, without the stack (docs/fastpath.md). What both directions share: which
 * packets it takes, what forwarding does to them, and which devices take redirected frames.
 *
 * A packet that is not certainly right here is left to the ordinary way, unchanged.
 */
#ifndef XDPSEC_FAST_BPF_H
#define XDPSEC_FAST_BPF_H

#include "device.bpf.h"
#include "fast_flow_hash.bpf.h"
#include "tcp.bpf.h"

/* NETDEV_XDP_ACT_NDO_XMIT of include/uapi/linux/netdev.h: other devices may redirect frames to this one. */
#define FAST_TRANSMITS 4U

/* TCP flags of which the firewall and the stack have to know. */
#define FAST_TCP_CHANGES (TCP_FIN | TCP_SYN | TCP_RST)

const volatile struct xdpsec_fast_settings fast_settings = { .asks_flowtable = 1 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_FAST_DEVICES);
	__type(key, u32);
	__type(value, struct xdpsec_fast_device);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fast_devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPSEC_FAST_DIRECTIONS);
	__type(key, u32);
	__type(value, u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fast_packets SEC(".maps");

static __always_inline void fast_count(u32 direction)
{
	u64 *packets = bpf_map_lookup_elem(&fast_packets, &direction);

	if (packets)
		*packets += 1;
}

/*
 * Note whether the device that the program runs on takes redirected frames. Of a veth that changes while it is up, with
 * what its peer does (drivers/net/veth.c, veth_set_xdp_features), and a frame that is redirected to a device that does
 * not is lost without a trace. The element is written only when it changes.
 */
static __always_inline void fast_note_device(struct xdp_md *xdp)
{
	const struct net_device *device = device_of_xdp(xdp);
	u32 slot = fast_settings.slot, transmits;
	struct xdpsec_fast_device *known = bpf_map_lookup_elem(&fast_devices, &slot);

	if (!known || known->index != device->ifindex)
		return;
	transmits = bpf_core_field_exists(device->xdp_features) && device->xdp_features & FAST_TRANSMITS;
	if (known->transmits != transmits)
		known->transmits = transmits;
}

/*
 * Is it what a router forwards without looking further: TCP within a connection or UDP, whole, without options, with a
 * TTL left? start is that of the packet. both gets the ports, the source's and the destination's, as they lie in memory.
 */
static __always_inline bool fast_is_plain(const struct inner *inner, const void *start, const void *end,
					  u32 *both)
{
	const u32 *ports = fast_flow_ports(inner, start, end);
	const struct iphdr *ip = start;
	const struct tcp_header *tcp;

	if (!ports || (const void *)(ip + 1) > end)
		return false;
	*both = *ports;
	/* The kernel drops neither's TTL below 1. */
	if ((inner->ipv6 ? ((const struct ipv6hdr *)start)->hop_limit : ip->ttl) <= 1)
		return false;
	if (inner->protocol == IPPROTO_UDP)
		return inner->length >= inner->header_length + sizeof(struct udphdr);
	tcp = (const struct tcp_header *)ports;
	return inner->length >= inner->header_length + sizeof(*tcp) && (const void *)(tcp + 1) <= end &&
	       !(tcp->flags & FAST_TCP_CHANGES);
}

/* Are both addresses ones that a router forwards? */
static __always_inline bool fast_is_routable(const struct inner *inner)
{
	const u32 link_local = inner->ipv6 ? bpf_htonl(0xfe800000) : bpf_htonl(0xa9fe0000),
		  mask = inner->ipv6 ? bpf_htonl(0xffc00000) : bpf_htonl(0xffff0000),
		  source = inner->ipv6 ? inner->source[0] : inner->source[3],
		  destination = inner->ipv6 ? inner->destination[0] : inner->destination[3];

	return packet_is_host(inner->source, inner->ipv6) &&
	       packet_is_host(inner->destination, inner->ipv6) && (source & mask) != link_local &&
	       (destination & mask) != link_local;
}

/* One hop: the TTL, and IPv4's checksum (RFC 1141). False: beyond end. */
static __always_inline bool fast_decrease_ttl(void *start, const void *end, bool ipv6)
{
	struct iphdr *ip = start;
	u32 check;

	if ((const void *)(ip + 1) > end)
		return false;
	if (ipv6) {
		((struct ipv6hdr *)start)->hop_limit--;
		return true;
	}
	check = (u32)ip->check + bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl--;
	return true;
}

#endif
