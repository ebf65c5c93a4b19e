/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outer packet of a tunnel: ports, headers and the note of when it was sent. The ordinary way
 * (encapsulate.bpf.h) and the fast path (xdp/fast_encapsulate.bpf.c) share this.
 */
#ifndef XDPSEC_ENCAPSULATE_OUTER_BPF_H
#define XDPSEC_ENCAPSULATE_OUTER_BPF_H

#include "xdpsec/endpoint.bpf.h"
#include "xdpsec/inner.bpf.h"
#include "next_hop.bpf.h"
#include "seal_payload.bpf.h"

/* ENCAPSULATE_FAST: the instance has a fast path, and this is one of its programs. */
#ifdef ENCAPSULATE_FAST
#include "xdpsec/fast_flow_hash.bpf.h"
#endif

#define ENCAPSULATE_TTL 64

struct encapsulate {
	struct seal seal;
	struct inner inner;
	struct xdpsec_endpoint *endpoint;
	u8 next_header;
};

/* RFC 6040 section 4.1 (ECN is copied) and RFC 2983 section 3 (DSCP is copied, or one of its own). */
static __always_inline u8 encapsulate_tos(const struct encapsulate *e)
{
	const struct xdpsec_config *config = e->seal.config;

	return config->dscp_fixed ? config->dscp << 2 | (e->inner.tos & ECN_MASK) : e->inner.tos;
}

/* A number of the inner flow: the stack's own, or with a fast path one that XDP can compute as well. */
static __always_inline u32 encapsulate_flow(struct encapsulate *e)
{
#ifdef ENCAPSULATE_FAST
	return fast_flow_hash(&e->inner, (void *)(long)e->seal.skb->data + sizeof(struct ethhdr),
			      (void *)(long)e->seal.skb->data_end);
#else
	return bpf_get_hash_recalc(e->seal.skb);
#endif
}

/* Describe the outer packet for next_hop_find() and seal_payload(), with its lengths before it grows. */
static __always_inline void encapsulate_describe(struct encapsulate *e)
{
	const struct xdpsec_location *to = endpoint_at(e->endpoint);
	const struct xdpsec_config *config = e->seal.config;
	struct packet *packet = &e->seal.packet;
	bool ipv6 = endpoint_is_ipv6(to);

	packet->ipv6 = ipv6;
	packet->l3 = sizeof(struct ethhdr);
	packet->l4 = sizeof(struct ethhdr) + (ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	packet->udp_length = sizeof(struct udphdr) + e->inner.length;
	/* A peer that sends to the former default port is answered from it. */
	packet->source_port = endpoint_from(e->endpoint)->port ?: config->listen_port;
	if (config->flow_ports)
		packet->source_port = XDPSEC_FLOW_PORT_FIRST + encapsulate_flow(e) % XDPSEC_FLOW_PORTS;
	packet->destination_port = to->port;
	__builtin_memcpy(packet->destination, to->address, sizeof(packet->destination));
	/* No checksum over IPv4, as RFC 7348 section 5 asks of VXLAN: the tag is stronger, and a sum over
	 * 1400 bytes costs time. Over IPv6 firewalls and hosts drop a zero checksum (RFC 8200 section
	 * 8.1). */
	packet->checksum = ipv6;
}

/* The RFC 1071 sum of the IPv4 header, without options and with no checksum yet: by fields, so that the compiler has them
 * in registers. */
static __always_inline u64 encapsulate_header_sum(const struct iphdr *ip)
{
	return (u64)ip->saddr + ip->daddr + ((u32)ip->tot_len << 16) + ((u32)ip->frag_off << 16) + ip->id +
	       bpf_htons(4 << 12 | 5 << 8 | ip->tos) + bpf_htons(ip->ttl << 8 | ip->protocol);
}

static __noinline int encapsulate_write_headers(struct encapsulate *e)
{
	void *data = (void *)(long)e->seal.skb->data, *data_end = (void *)(long)e->seal.skb->data_end;
	const struct packet *packet = &e->seal.packet;
	u32 udp_length = packet->udp_length + XDPSEC_OVERHEAD;
	struct ethhdr *ethernet = data;
	u8 tos = encapsulate_tos(e);
	struct udphdr *udp;

	if (data + sizeof(*ethernet) + sizeof(struct ipv6hdr) + sizeof(*udp) > data_end)
		return -1;
	/* The next hop's addresses are written over these. bpf_redirect_neigh() drops frames to a group. */
	packet_copy_ethernet(ethernet, e->seal.config->near_mac);
	ethernet->h_proto = packet->ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	if (packet->ipv6) {
		struct ipv6hdr *ip = data + sizeof(*ethernet);

		*(u32 *)ip = bpf_htonl(6U << 28 | (u32)tos << 20);
		ip->payload_len = bpf_htons(udp_length);
		ip->nexthdr = IPPROTO_UDP;
		ip->hop_limit = ENCAPSULATE_TTL;
		__builtin_memcpy(ip->saddr.in6_u.u6_addr32, packet->source, 16);
		__builtin_memcpy(ip->daddr.in6_u.u6_addr32, packet->destination, 16);
		udp = (void *)(ip + 1);
	} else {
		struct iphdr *ip = data + sizeof(*ethernet);

		*ip = (struct iphdr){
			.version = 4,
			.ihl = 5,
			.tos = tos,
			.tot_len = bpf_htons(sizeof(*ip) + udp_length),
			.frag_off = bpf_htons(0x4000), /* DF: and so no id (RFC 6864 section 4.1) */
			.ttl = ENCAPSULATE_TTL,
			.protocol = IPPROTO_UDP,
			.saddr = packet->source[3],
			.daddr = packet->destination[3],
		};
		ip->check = ~checksum_fold(encapsulate_header_sum(ip));
		udp = (void *)(ip + 1);
	}
	*udp = (struct udphdr){
		.source = bpf_htons(packet->source_port),
		.dest = bpf_htons(packet->destination_port),
		.len = bpf_htons(udp_length),
	};
	return 0;
}

/* Note the time and the device of the packet. Once a second: more often, every CPU would take the cache
 * line from the others for each packet. */
static __always_inline void encapsulate_note(struct encapsulate *e, u32 device, u64 now)
{
	struct xdpsec_endpoint *endpoint = e->endpoint;

	if (now - endpoint->sent < ENDPOINT_SECOND)
		return;
	endpoint->sent = now;
	endpoint->device = device;
	endpoint_copy_address(endpoint->source, e->seal.packet.source);
}

/*
 * A path MTU that we believe may be false, or no longer true, and no IPv6 sender goes below 1280. So packets
 * up to that size are sent, whatever routers have said; only the device's own MTU limits them. If the path is
 * really narrower they are lost, as they would be with an answer.
 */
static __always_inline u32 encapsulate_believed(const struct encapsulate *e, u32 mtu, u32 overhead)
{
	return e->inner.ipv6 && mtu < XDPSEC_IPV6_MTU_MIN + overhead ? XDPSEC_IPV6_MTU_MIN + overhead : mtu;
}

#endif
