/* SPDX-License-Identifier: GPL-2.0-only */
/* The location of a peer, and the largest packet that fits the path to it. */
#ifndef XDPSEC_ENDPOINT_BPF_H
#define XDPSEC_ENDPOINT_BPF_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "kernel.bpf.h"
#include "maps.bpf.h"

#define ENDPOINT_SECOND 1000000000ULL

_Static_assert(XDPSEC_TUNNEL_OVERHEAD_IPV4 == sizeof(struct iphdr) + sizeof(struct udphdr) + XDPSEC_OVERHEAD,
	       "IPv4");
_Static_assert(XDPSEC_TUNNEL_OVERHEAD_IPV6 ==
		       sizeof(struct ipv6hdr) + sizeof(struct udphdr) + XDPSEC_OVERHEAD,
	       "IPv6");

/* The bytes that encapsulation adds to a packet. Computed in 64 bits, which takes fewer instructions than
 * 32. */
static __always_inline u32 endpoint_overhead(bool ipv6)
{
	return ipv6 ? (u64)XDPSEC_TUNNEL_OVERHEAD_IPV6 : (u64)XDPSEC_TUNNEL_OVERHEAD_IPV4;
}

static __always_inline bool endpoint_is_ipv6(const struct xdpsec_location *location)
{
	const u32 *address = (const u32 *)location->address;

	return address[0] || address[1] || address[2] != bpf_htonl(0xffff);
}

static __always_inline const struct xdpsec_location *endpoint_at(const struct xdpsec_endpoint *endpoint)
{
	return endpoint->current ? &endpoint->at[1] : &endpoint->at[0];
}

/* The path MTU for outer packets from a router's message, while it is valid. 0: none. */
static __always_inline u32 endpoint_path_mtu(const struct xdpsec_endpoint *endpoint, u64 now)
{
	return now < endpoint->path_mtu_until ? endpoint->path_mtu : 0;
}

/* The longest inner packet that fits the path to this endpoint, as far as is known. */
static __always_inline u32 endpoint_inner_mtu(const struct xdpsec_endpoint *endpoint,
					      const struct xdpsec_config *config, bool ipv6, u64 now)
{
	u32 path = endpoint_path_mtu(endpoint, now), device_mtu = ipv6 ? config->mtu_ipv6 : config->mtu,
	    overhead = endpoint_overhead(ipv6);

	return path && path - overhead < device_mtu ? path - overhead : device_mtu;
}

/* The source address of packets to this endpoint, unless the routing table chooses it. */
static __always_inline const struct xdpsec_source *endpoint_from(const struct xdpsec_endpoint *endpoint)
{
	return endpoint->current ? &endpoint->from[1] : &endpoint->from[0];
}

static __always_inline bool endpoint_same_address(const u8 address[16], const u32 other[4])
{
	const u32 *words = (const u32 *)address;

	return words[3] == other[3] && words[2] == other[2] && words[1] == other[1] && words[0] == other[0];
}

static __always_inline void endpoint_copy_address(u8 to[16], const u32 from[4])
{
	u32 *words = (u32 *)to;

	words[0] = from[0];
	words[1] = from[1];
	words[2] = from[2];
	words[3] = from[3];
}

static __always_inline bool endpoint_is_at(const struct xdpsec_endpoint *endpoint, const u32 address[4],
					   u16 port)
{
	const struct xdpsec_location *location = endpoint_at(endpoint);

	return location->known && location->port == port && endpoint_same_address(location->address, address);
}

#endif
