/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TC ingress of the tunnel device's far end. An IP packet that was routed into the tunnel gets an outer IP
 * and UDP header, is sealed in place, and goes to the next hop of the underlay's routing table. None passes.
 * The near end has no offloads. So on the far end packets are linear, no larger than the MTU, and their
 * checksums are complete.
 */
#ifndef XDPSEC_ENCAPSULATE_BPF_H
#define XDPSEC_ENCAPSULATE_BPF_H

#include <linux/pkt_cls.h>

#include "xdpsec/device.bpf.h"
#include "xdpsec/icmp.bpf.h"
#include "xdpsec/inner.bpf.h"
#include "xdpsec/mss.bpf.h"
#include "answer.bpf.h"
#include "encapsulate_outer.bpf.h"
#include "keepalive.bpf.h"
#include "room.bpf.h"

#define ENCAPSULATE_MTU_MIN 68

/* No header chain in use is longer. A packet with a longer one gets no answer. */
#define ENCAPSULATE_EXTENSIONS_MAX 6

/* Does an ICMPv6 error or redirect follow the IPv6 header, or something unreadable? */
static __noinline int encapsulate_is_icmpv6_error(struct __sk_buff *skb, u8 next_header)
{
	u32 at = sizeof(struct ethhdr) + sizeof(struct ipv6hdr), i;
	/* Next header, and length in 8 bytes. In a fragment header the last two bytes are the offset. */
	u8 type, extension[4];

	for (i = 0; i < ENCAPSULATE_EXTENSIONS_MAX; i++) {
		if (next_header == IPPROTO_ICMPV6)
			return bpf_skb_load_bytes(skb, at, &type, sizeof(type)) ||
			       icmp_is_error(type, true) || type == ICMPV6_REDIRECT;
		if (next_header != IPPROTO_HOPOPTS && next_header != IPPROTO_ROUTING &&
		    next_header != IPPROTO_DSTOPTS && next_header != IPPROTO_FRAGMENT)
			return 0;
		if (bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
			return 1;
		if (next_header == IPPROTO_FRAGMENT) {
			if (extension[2] || extension[3] & 0xf8)
				return 0; /* a later fragment: it has no ICMPv6 header */
			at += 8;
		} else {
			at += 8 + extension[1] * 8;
		}
		next_header = extension[0];
	}
	return 1;
}

/* RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): no error about an error, about a later fragment of IPv4,
 * or to a group. */
static __always_inline bool encapsulate_may_answer(struct __sk_buff *skb, const struct inner *inner)
{
	u8 type;

	if (inner->ipv6)
		return (inner->destination[0] & 0xff) != 0xff &&
		       !encapsulate_is_icmpv6_error(skb, inner->protocol);
	if (inner->fragment || (inner->destination[3] & 0xff) >= 224)
		return false;
	return inner->protocol != IPPROTO_ICMP ||
	       (!bpf_skb_load_bytes(skb, sizeof(struct ethhdr) + inner->header_length, &type, sizeof(type)) &&
		!icmp_is_error(type, false));
}

/* A group that is never routed (RFC 5771 section 4, RFC 4291 section 2.7). The kernel itself sends to such
 * groups. */
static __always_inline bool encapsulate_is_link_local_group(const struct inner *inner)
{
	if (inner->ipv6)
		return (inner->destination[0] & bpf_htonl(0xff0f0000)) == bpf_htonl(0xff020000);
	return (inner->destination[3] & bpf_htonl(0xffffff00)) == bpf_htonl(0xe0000000);
}

/*
 * An answer to the packet, by way of the near end: BPF_F_INGRESS has it come from the tunnel (sent out of the
 * far end, an answer longer than the MTU by its own headers would be dropped); 0 has it go into the tunnel.
 */
static __noinline int encapsulate_answer(struct encapsulate *e, enum answer what, u32 mtu, u64 flags)
{
	struct seal *s = &e->seal;
	u32 near;

	if (e->next_header == XDPSEC_NEXT_NONE || !encapsulate_may_answer(s->skb, &e->inner))
		return VERDICT_DROP;
	s->packet.ipv6 = e->inner.ipv6;
	__builtin_memcpy(s->packet.source, e->inner.source, sizeof(e->inner.source));
	__builtin_memcpy(s->packet.destination, e->inner.destination, sizeof(e->inner.destination));
	near = device_index(XDPSEC_DEVICE_NEAR);
	if (!near || !answer(s->skb, &s->packet, what, mtu) || bpf_redirect(near, flags) != TC_ACT_REDIRECT)
		return VERDICT_DROP;
	return VERDICT_REDIRECT;
}

/* Count it, and answer. */
static __always_inline int encapsulate_refuse(struct encapsulate *e, u32 reason, enum answer what, u32 mtu)
{
	drop(reason, e->seal.sa);
	return encapsulate_answer(e, what, mtu, BPF_F_INGRESS);
}

/*
 * An unreadable packet may be the start of an opened one that is larger than the tunnel device's MTU. It then
 * has the Ethernet header of a packet from the tunnel, and xdp/decapsulate.bpf.h has counted it.
 */
static __always_inline int encapsulate_malformed(struct encapsulate *e)
{
	const struct ethhdr *ethernet = (void *)(long)e->seal.skb->data;
	const u32 length = e->seal.skb->len - sizeof(*ethernet);
	const u16 *source = (const u16 *)ethernet->h_source, *far = (const u16 *)e->seal.config->far_mac;

	if ((const void *)(ethernet + 1) > (const void *)(long)e->seal.skb->data_end || source[0] != far[0] ||
	    source[1] != far[1] || source[2] != far[2] || e->inner.length <= length)
		return drop(XDPSEC_DROP_MALFORMED, XDPSEC_NO_SA);
	return encapsulate_answer(e, ANSWER_TOO_BIG, e->seal.config->mtu, 0);
}

/* Find the peer that has the destination among its AllowedIPs (cryptokey routing). */
static __always_inline bool encapsulate_find_peer(struct encapsulate *e)
{
	struct xdpsec_policy *policy;

	if (keepalive_is_tick(&e->inner, &e->seal.peer)) {
		e->next_header = XDPSEC_NEXT_NONE;
		e->inner.length = 0;
		return true;
	}
	e->next_header = e->inner.ipv6 ? XDPSEC_NEXT_IPV6 : XDPSEC_NEXT_IPV4;
	policy = policy_find(e->seal.config, e->inner.destination);
	if (!policy || policy->ipv4 == e->inner.ipv6)
		return false;
	e->seal.peer = policy->peer;
	return true;
}

/*
 * Make room at the head for the outer headers, header and tag between Ethernet and the inner packet. bpf_redirect_neigh()
 * goes by skb->protocol, so it has to become that of the outer header. bpf_skb_change_proto() does that, and
 * adds 20 bytes. (With BPF_F_ADJ_ROOM_ENCAP_* the kernel would note inner headers, and drivers look for them
 * in ciphertext.)
 */
static __always_inline int encapsulate_make_room_at_head(struct __sk_buff *skb, bool inner_ipv6,
							 bool outer_ipv6)
{
	const u32 more = sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	u32 room = endpoint_overhead(outer_ipv6);

	if (inner_ipv6 == outer_ipv6)
		return bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, 0);
	if (outer_ipv6)
		return bpf_skb_adjust_room(skb, room - more, BPF_ADJ_ROOM_MAC, 0)
			       ?: bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0);
	return bpf_skb_adjust_room(skb, room + more, BPF_ADJ_ROOM_MAC, 0)
		       ?: bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0);
}

/*
 * Clamp the MSS, and make room. The kfunc needs one piece, not shared with others (seal.bpf.h): bpf_skb_change_tail() sees
 * to that, too. A call of its own, for its stack.
 */
static __noinline int encapsulate_make_room(struct encapsulate *e, u64 now, u32 zero)
{
	struct __sk_buff *skb = e->seal.skb;
	bool ipv6 = e->seal.packet.ipv6, tcp = e->inner.protocol == IPPROTO_TCP;
	bool at_tail = e->inner.ipv6 == ipv6 && room_is_at_tail(skb, endpoint_overhead(ipv6));

	if ((tcp || !at_tail) && bpf_skb_pull_data(skb, skb->len))
		return -1;
	if (tcp)
		mss_clamp((void *)(long)skb->data + sizeof(struct ethhdr), (void *)(long)skb->data_end,
			  &e->inner, endpoint_inner_mtu(e->endpoint, e->seal.config, ipv6, now), zero);
	if (at_tail)
		return room_make_at_tail(skb, sizeof(struct ethhdr), endpoint_overhead(ipv6));
	return encapsulate_make_room_at_head(skb, e->inner.ipv6, ipv6);
}

static __always_inline long encapsulate_redirect(const struct next_hop *hop)
{
	if (hop->is_old)
		return bpf_redirect_neigh(hop->device, NULL, 0, 0);
	return bpf_redirect_neigh(hop->device, (struct bpf_redir_neigh *)&hop->neighbour,
				  sizeof(hop->neighbour), 0);
}

/* Seal and send. From here on the packet is sent, or dropped without an answer. */
static __always_inline int encapsulate_send(struct encapsulate *e, const struct next_hop *hop, u64 now,
					    const struct xdpsec_sa *sa, struct bpf_crypto_ctx *ctx)
{
	struct seal *s = &e->seal;
	u32 reason;

	if (encapsulate_make_room(e, now, sa->zero))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	if (encapsulate_write_headers(e))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	reason = seal_payload(s, sa, ctx, e->next_header, NULL);
	if (reason != DROP_NONE)
		return drop(reason, s->sa);
	if (s->config->mark)
		s->skb->mark = s->config->mark;
	if (encapsulate_redirect(hop) != TC_ACT_REDIRECT)
		return drop(XDPSEC_DROP_UNREACHABLE, s->sa);
	encapsulate_note(e, hop->device, now);
	count_packet(s->sa, e->inner.length, now);
	return VERDICT_REDIRECT;
}

/* The longest outer packet for the route of one that it does not take. 0: it takes this one (encapsulate_believed()). */
static __always_inline u32 encapsulate_narrow(struct encapsulate *e, const struct next_hop *hop, u32 overhead)
{
	u32 mtu = e->inner.length;

	if (!e->inner.ipv6 || mtu > XDPSEC_IPV6_MTU_MIN)
		return encapsulate_believed(e, hop->mtu, overhead);
	return bpf_check_mtu(e->seal.skb, hop->device, &mtu, overhead, 0) ? mtu : 0;
}

/* The peer is known: look up its endpoint and the route, check the path MTU, then send. */
static __always_inline int encapsulate_to_peer(struct encapsulate *e)
{
	struct seal *s = &e->seal;
	const struct next_hop *hop;
	struct bpf_crypto_ctx *ctx;
	u32 mtu, overhead, reason;
	struct xdpsec_sa *sa;
	u64 now;

	e->endpoint = bpf_map_lookup_elem(&endpoints, &s->peer);
	if (e->next_header == XDPSEC_NEXT_NONE && !(e->endpoint && keepalive_is_due(e->endpoint)))
		return VERDICT_DROP;
	reason = seal_find_sa(s, &sa, &ctx);
	if (reason != DROP_NONE)
		return drop(reason, s->sa);
	if (!e->endpoint || !endpoint_at(e->endpoint)->known)
		return encapsulate_refuse(e, XDPSEC_DROP_NO_ENDPOINT, ANSWER_UNREACHABLE, 0);
	if (seal_is_pending(s->skb, bpf_cast_to_kern_ctx(s->skb)))
		return drop(XDPSEC_DROP_NO_HOP, s->sa);

	encapsulate_describe(e);
	overhead = endpoint_overhead(s->packet.ipv6);
	now = bpf_ktime_get_coarse_ns();
	reason = seal_check_time(s, e->next_header != XDPSEC_NEXT_NONE, now);
	if (reason != DROP_NONE)
		return drop(reason, s->sa);
	mtu = endpoint_path_mtu(e->endpoint, now) ?: XDPSEC_PAYLOAD_MAX;
	mtu = encapsulate_believed(e, mtu, overhead);
	if (e->inner.length + overhead > mtu)
		return encapsulate_refuse(e, XDPSEC_DROP_TOO_BIG, ANSWER_TOO_BIG, mtu - overhead);
	hop = next_hop_find(s->skb, &s->packet, s->config, e->endpoint, now);
	if (!hop)
		return encapsulate_refuse(e, XDPSEC_DROP_UNREACHABLE, ANSWER_UNREACHABLE, 0);
	mtu = hop->is_narrow ? encapsulate_narrow(e, hop, overhead) : 0;
	/* A path with no room for an inner packet (RFC 791: 68 bytes) is no path. */
	if (mtu && mtu < overhead + ENCAPSULATE_MTU_MIN)
		return encapsulate_refuse(e, XDPSEC_DROP_UNREACHABLE, ANSWER_UNREACHABLE, 0);
	if (mtu)
		return encapsulate_refuse(e, XDPSEC_DROP_TOO_BIG, ANSWER_TOO_BIG, mtu - overhead);
	if (hop->leads_back)
		return drop(XDPSEC_DROP_LOOP, s->sa);
	return encapsulate_send(e, hop, now, sa, ctx);
}

static __always_inline int encapsulate_packet(struct __sk_buff *skb)
{
	struct encapsulate e = { .seal = { .skb = skb, .sa = XDPSEC_NO_SA } };
	u32 length = skb->len - sizeof(struct ethhdr), zero = 0;
	bool found;
	void *start;

	e.seal.config = bpf_map_lookup_elem(&config, &zero);
	if (!e.seal.config)
		return drop(XDPSEC_DROP_NO_KEY, XDPSEC_NO_SA);
	/* In another namespace the routes to the endpoints would be wrong. */
	if (!device_skb_is_here(skb, e.seal.config))
		return drop(XDPSEC_DROP_DISPLACED, XDPSEC_NO_SA);
	/* A VLAN tag that is stored outside the frame would go out with the outer packet. */
	if (skb->vlan_present ||
	    (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6)))
		return drop(XDPSEC_DROP_STRAY, XDPSEC_NO_SA);
	start = (void *)(long)skb->data + sizeof(struct ethhdr);
	if (!inner_read(start, (void *)(long)skb->data_end, length, &e.inner) ||
	    e.inner.ipv6 != (skb->protocol == bpf_htons(ETH_P_IPV6)))
		return encapsulate_malformed(&e);
	found = encapsulate_find_peer(&e);
	/* Ethernet's padding is not part of the packet; a tick consists of padding only. */
	if (e.inner.length < length && bpf_skb_change_tail(skb, sizeof(struct ethhdr) + e.inner.length, 0))
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	if (found)
		return encapsulate_to_peer(&e);
	if (encapsulate_is_link_local_group(&e.inner))
		return drop(XDPSEC_DROP_STRAY, XDPSEC_NO_SA);
	return encapsulate_refuse(&e, XDPSEC_DROP_NO_PEER, ANSWER_UNREACHABLE, 0);
}

#endif
