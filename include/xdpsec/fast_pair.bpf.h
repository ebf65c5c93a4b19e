/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path: would the stack forward packets of this source to this destination between these two devices, and
 * which peer has the address behind the tunnel? The answer is kept for a second, and not beyond a change of the routing
 * table or the end of a reload.
 */
#ifndef XDPSEC_FAST_PAIR_BPF_H
#define XDPSEC_FAST_PAIR_BPF_H

#include "fast.bpf.h"
#include "route.bpf.h"

#define FAST_PAIRS 2048
#define FAST_PAIR_NS 1000000000ULL
/*
 * bpf_fib_lookup() believes a neighbour that is STALE, and nothing confirms it. So one packet of a pair takes the
 * ordinary way every 15 s, on which the kernel uses the neighbour, and probes it. (Once a second TCP took the packets
 * that arrive out of order for lost ones.)
 */
#define FAST_REFRESH_NS (15 * FAST_PAIR_NS)

#define FAST_AF_INET 2
#define FAST_AF_INET6 10

/* include/uapi/linux/xfrm.h: policies for packets that leave, and for forwarded ones; and "block". */
#define FAST_XFRM_OUT 1
#define FAST_XFRM_FORWARD 2
#define FAST_XFRM_BLOCK 1

struct fast_pair {
	u32 source[4], destination[4];
	u32 from, to;	/* ifindex */
	u32 ipv6;	/* an IPv4-mapped address of IPv6 is not that address of IPv4 */
	u64 generation; /* of the routing tables, when they were asked */
	u64 until;
	u64 refresh;	       /* from then on the next packet takes the ordinary way */
	u32 peer;	       /* out: that of the destination; in: that of the source */
	u32 policy_generation; /* of struct xdpsec_config, before AllowedIPs were asked */
	/* In: the neighbour, and what else the lookup that found it has depended on. Valid as the answer is. */
	u32 tos; /* of IPv6: with the flow label */
	u16 protocol, mtu;
	u16 addresses[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FAST_PAIRS);
	__type(key, u32);
	__type(value, struct fast_pair);
} fast_pairs SEC(".maps");

/* Does a lookup from a device lead from source to destination by the other device? */
static __always_inline bool fast_route_leads(struct xdp_md *xdp, struct bpf_fib_lookup *lookup,
					     const u32 source[4], const u32 destination[4], u32 from, u32 to)
{
	__builtin_memset(lookup, 0, sizeof(*lookup));
	lookup->ifindex = from;
	if (source[0] || source[1] || source[2] != bpf_htonl(0xffff)) {
		lookup->family = FAST_AF_INET6;
		__builtin_memcpy(lookup->ipv6_src, source, 16);
		__builtin_memcpy(lookup->ipv6_dst, destination, 16);
	} else {
		lookup->family = FAST_AF_INET;
		lookup->ipv4_src = source[3];
		lookup->ipv4_dst = destination[3];
	}
	return bpf_fib_lookup(xdp, lookup, sizeof(*lookup), BPF_FIB_LOOKUP_SKIP_NEIGH) ==
		       BPF_FIB_LKUP_RET_SUCCESS &&
	       lookup->ifindex == to;
}

/* Policies of IPsec would be asked about a forwarded packet. bpf_fib_lookup() does not know them. */
static __always_inline bool fast_has_xfrm(const struct net *net)
{
	if (!bpf_core_field_exists(net->xfrm.policy_count))
		return false;
	return net->xfrm.policy_count[FAST_XFRM_OUT] || net->xfrm.policy_count[FAST_XFRM_FORWARD] ||
	       (bpf_core_field_exists(net->xfrm.policy_default) &&
		(net->xfrm.policy_default[FAST_XFRM_OUT] == FAST_XFRM_BLOCK ||
		 net->xfrm.policy_default[FAST_XFRM_FORWARD] == FAST_XFRM_BLOCK));
}

/*
 * Are there rules by which the stack routes packets of a pair by their protocol or ports? The answer is that of all its
 * packets. (A forwarded packet's ports are looked at only if some rule has a device as well: fib_rule_requires_fldissect().)
 */
static __always_inline bool fast_has_rules_by_port(const struct net *net)
{
	return (bpf_core_field_exists(net->ipv4.fib_rules_require_fldissect) &&
		net->ipv4.fib_rules_require_fldissect) ||
	       (bpf_core_field_exists(net->ipv6.fib6_rules_require_fldissect) &&
		net->ipv6.fib6_rules_require_fldissect);
}

static __always_inline bool fast_pair_is(const struct fast_pair *pair, const struct inner *inner, u32 from,
					 u32 to)
{
	const u32 *s = inner->source, *d = inner->destination;

	return pair->source[3] == s[3] && pair->destination[3] == d[3] && pair->source[2] == s[2] &&
	       pair->destination[2] == d[2] && pair->source[1] == s[1] && pair->destination[1] == d[1] &&
	       pair->source[0] == s[0] && pair->destination[0] == d[0] && pair->ipv6 == inner->ipv6 &&
	       pair->from == from && pair->to == to;
}

static __always_inline struct fast_pair *fast_pair_find(const struct inner *inner, u32 from)
{
	const u32 *s = inner->source, *d = inner->destination;
	u32 slot = fast_flow_mix(fast_flow_mix(s[3] ^ s[2] ^ s[1] ^ s[0], d[3] ^ d[2] ^ d[1] ^ d[0]), from) &
		   (FAST_PAIRS - 1);

	return bpf_map_lookup_elem(&fast_pairs, &slot);
}

/* Is the answer still that of the routing tables? */
static __always_inline bool fast_pair_is_valid(const struct fast_pair *pair, struct xdp_md *xdp, u64 now)
{
	return now < pair->until && pair->generation == route_generation(device_of_xdp(xdp)->nd_net.net);
}

/*
 * The kept pair of the packet's addresses, if it still holds; else NULL. policy_generation: that of the configuration, which
 * the caller reads before AllowedIPs are asked. now: the coarse clock
 */
static __always_inline const struct fast_pair *fast_pair_kept(struct xdp_md *xdp, const struct inner *inner,
							      u32 from, u32 policy_generation, u64 now)
{
	const struct fast_pair *pair = fast_pair_find(inner, from);

	return pair && fast_pair_is(pair, inner, from, pair->to) && now < pair->refresh &&
			       pair->policy_generation == policy_generation &&
			       fast_pair_is_valid(pair, xdp, now)
		       ? pair
		       : NULL;
}

enum fast_pair_answer {
	FAST_PAIR_NO, /* or not now */
	FAST_PAIR_YES,
	FAST_PAIR_NOT_KNOWN,
};

/* The answer that is kept. A call of its own, for its stack. */
static __noinline u32 fast_pair_known(struct xdp_md *xdp, const struct inner *inner, u32 from, u32 to,
				      u64 now)
{
	struct fast_pair *pair = fast_pair_find(inner, from);

	if (!pair)
		return FAST_PAIR_NO;
	if (!fast_pair_is(pair, inner, from, to) || now >= pair->refresh) {
		__builtin_memcpy(pair->source, inner->source, 16);
		__builtin_memcpy(pair->destination, inner->destination, 16);
		pair->ipv6 = inner->ipv6;
		pair->from = from;
		pair->to = to;
		pair->refresh = now + FAST_REFRESH_NS;
		pair->until = 0;
		return FAST_PAIR_NO;
	}
	return fast_pair_is_valid(pair, xdp, now) ? FAST_PAIR_YES : FAST_PAIR_NOT_KNOWN;
}

/* A call of its own, for its stack. The pair is this packet's: fast_pair_known() has seen to that. */
static __noinline int fast_pair_ask(struct xdp_md *xdp, const struct inner *inner, u32 from, u64 now)
{
	const struct net *net = device_of_xdp(xdp)->nd_net.net;
	struct fast_pair *pair = fast_pair_find(inner, from);
	struct bpf_fib_lookup lookup;

	if (!pair)
		return false;
	/* Before the lookups: what changes meanwhile counts as a change. */
	pair->until = 0;
	pair->generation = route_generation(net);
	if (!fast_is_routable(inner) || fast_has_xfrm(net) || fast_has_rules_by_port(net) ||
	    !fast_route_leads(xdp, &lookup, pair->source, pair->destination, pair->from, pair->to) ||
	    !fast_route_leads(xdp, &lookup, pair->destination, pair->source, pair->to, pair->from))
		return false;
	pair->until = now + FAST_PAIR_NS;
	return true;
}

/* Does the packet go from one device to the other, and do the source's own packets go the other way (as with rp_filter =
 * 1)? now: the coarse clock */
static __always_inline bool fast_pair_holds(struct xdp_md *xdp, const struct inner *inner, u32 from, u32 to,
					    u64 now)
{
	u32 answer = fast_pair_known(xdp, inner, from, to, now);

	return answer == FAST_PAIR_YES ||
	       (answer == FAST_PAIR_NOT_KNOWN && fast_pair_ask(xdp, inner, from, now));
}

#endif
