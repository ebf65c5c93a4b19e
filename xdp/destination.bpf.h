/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where would the stack take a packet?
 *
 * Inline mode: the tag binds neither addresses nor ports, as they must survive what the underlay does to
 * them. So somebody on the path could write another destination on a sealed packet and have a gateway open it
 * and forward the plaintext, back out of the very device that protects it. What is for this host, or for a
 * network behind another of its devices, is opened; what is routed out of the device that it came in by is
 * not.
 *
 * Tunnel mode: what is for this host is ours; another gateway behind us may use the same port.
 */
#ifndef XDPSEC_DESTINATION_BPF_H
#define XDPSEC_DESTINATION_BPF_H

#include "xdpsec/kernel.bpf.h"
#include "xdpsec/packet.bpf.h"

#define DESTINATION_AF_INET 2
#define DESTINATION_AF_INET6 10

/* A route lookup costs as much as sealing a small packet. What was found is taken for true for this long; a
 * destination that somebody makes up is never among it. */
#define DESTINATION_NS 1000000000ULL
#define DESTINATIONS 64

struct destination {
	u32 address[4];
	u64 until; /* CLOCK_MONOTONIC, ns, coarse */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, u32);
	__type(value, struct destination);
} destinations SEC(".maps");

enum destination_wanted {
	DESTINATION_NOT_BACK, /* not out of the device that it came in by */
	DESTINATION_LOCAL,
};

static __always_inline bool destination_suits(struct xdp_md *xdp, long found, u32 device,
					      const enum destination_wanted wanted)
{
	/* Of this host, or the stack does not forward at all. */
	if (wanted == DESTINATION_LOCAL)
		return found == BPF_FIB_LKUP_RET_NOT_FWDED || found == BPF_FIB_LKUP_RET_FWD_DISABLED;
	if (found == BPF_FIB_LKUP_RET_SUCCESS)
		return device != xdp->ingress_ifindex;
	/* An encapsulating route may lead anywhere. Other answers are for addresses of this host, or the
	 * stack does not forward. */
	return found > 0 && found != BPF_FIB_LKUP_RET_UNSUPP_LWT;
}

/* Asks the routing table; a call of its own, for its stack. */
static __noinline int destination_lookup(struct xdp_md *xdp, const struct packet *packet,
					 const enum destination_wanted wanted)
{
	struct bpf_fib_lookup lookup = {
		.family = packet->ipv6 ? DESTINATION_AF_INET6 : DESTINATION_AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.sport = bpf_htons(packet->source_port),
		.dport = bpf_htons(packet->destination_port),
		.ifindex = xdp->ingress_ifindex,
	};
	long found;

	if (packet->ipv6) {
		__builtin_memcpy(lookup.ipv6_src, packet->source, 16);
		__builtin_memcpy(lookup.ipv6_dst, packet->destination, 16);
	} else {
		lookup.ipv4_src = packet->source[3];
		lookup.ipv4_dst = packet->destination[3];
	}
	found = bpf_fib_lookup(xdp, &lookup, sizeof(lookup), BPF_FIB_LOOKUP_SKIP_NEIGH);
	return destination_suits(xdp, found, lookup.ifindex, wanted);
}

/* Is it where it may be opened? */
static __always_inline bool destination_is(struct xdp_md *xdp, const struct packet *packet,
					   const enum destination_wanted wanted)
{
	const u32 *d = packet->destination;
	u32 slot = (d[0] ^ d[1] ^ d[2] ^ d[3]) >> 24 & (DESTINATIONS - 1); /* the address's last byte */
	struct destination *known = bpf_map_lookup_elem(&destinations, &slot);
	u64 now = bpf_ktime_get_coarse_ns();

	if (!known)
		return false;
	if (known->until > now && known->address[3] == d[3] && known->address[2] == d[2] &&
	    known->address[1] == d[1] && known->address[0] == d[0])
		return true;
	if (!destination_lookup(xdp, packet, wanted))
		return false;
	__builtin_memcpy(known->address, d, sizeof(known->address));
	known->until = now + DESTINATION_NS;
	return true;
}

#endif
