/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keepalives without a process that sends them. Each peer with keepalives has a managed neighbour on the
 * tunnel device's far end (NTF_EXT_MANAGED). The kernel probes it by ARP every few seconds
 * (net/core/neighbour.c, neigh_managed_work; neigh.default.interval_probe_time_ms). Such a request is the
 * tick: it becomes an IP packet that the routing table never makes, and goes to encapsulation. There it is
 * sent as a keepalive if nothing was sent to the peer for long enough.
 */
#ifndef XDPSEC_KEEPALIVE_BPF_H
#define XDPSEC_KEEPALIVE_BPF_H

#include "xdpsec/endpoint.bpf.h"
#include "xdpsec/inner.bpf.h"

#define ARP_REQUEST 1

/* RFC 826, for IPv4 over Ethernet, behind the Ethernet header. */
struct keepalive_arp {
	__be16 hardware, protocol;
	u8 hardware_length, protocol_length;
	__be16 operation;
	u8 sender_mac[ETH_ALEN];
	u8 sender[4];
	u8 target_mac[ETH_ALEN];
	u8 target[4];
};

/* Is it a tick: source zero, empty, to a neighbour that stands for a peer? No socket or router makes such
 * a packet. */
static __always_inline bool keepalive_is_tick(const struct inner *inner, u32 *peer)
{
	*peer = bpf_ntohl(inner->destination[3]) - XDPSEC_KEEPALIVE_NEIGHBOUR;
	return !inner->ipv6 && inner->protocol == XDPSEC_NEXT_NONE && !inner->source[3] &&
	       *peer < XDPSEC_MAX_PEERS;
}

static __always_inline bool keepalive_is_due(struct xdpsec_endpoint *endpoint)
{
	/* The agent asks for one: the peer has sent data, and was sent nothing. */
	if (endpoint->keepalive_once) {
		endpoint->keepalive_once = 0;
		return endpoint_at(endpoint)->known;
	}
	return endpoint->keepalive && endpoint_at(endpoint)->known &&
	       bpf_ktime_get_coarse_ns() - endpoint->sent >= endpoint->keepalive * ENDPOINT_SECOND;
}

/* Turn an ARP request of the far end into a tick. False: it is something else. */
static __always_inline bool keepalive_make_tick(struct __sk_buff *skb)
{
	struct ethhdr *ethernet = (void *)(long)skb->data;
	struct keepalive_arp *arp = (void *)(ethernet + 1);
	struct iphdr *ip = (void *)(ethernet + 1);
	__be32 target;

	if (skb->protocol != bpf_htons(ETH_P_ARP) || (void *)(arp + 1) > (void *)(long)skb->data_end ||
	    arp->operation != bpf_htons(ARP_REQUEST))
		return false;
	__builtin_memcpy(&target, arp->target, sizeof(target));
	if (bpf_ntohl(target) - XDPSEC_KEEPALIVE_NEIGHBOUR >= XDPSEC_MAX_PEERS)
		return false;
	ethernet->h_proto = bpf_htons(ETH_P_IP);
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(*ip)),
		.ttl = 1,
		.protocol = XDPSEC_NEXT_NONE,
		.daddr = target,
	};
	ip->check = ~checksum_fold((u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	return true;
}

#endif
