/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode, in: packets to the tunnel's UDP port are opened. The IP packet inside is given to the tunnel
 * device's near end, by way of the far end, as if it had been received there.
 */
#ifndef XDPSEC_DECAPSULATE_BPF_H
#define XDPSEC_DECAPSULATE_BPF_H

#include "xdpsec/device.bpf.h"
#include "xdpsec/endpoint.bpf.h"
#include "xdpsec/fold.bpf.h"
#include "xdpsec/inner.bpf.h"
#include "xdpsec/mss.bpf.h"
#include "xdpsec/policy.bpf.h"
#include "control.bpf.h"
#include "destination.bpf.h"
#include "foreign.bpf.h"
#include "follow.bpf.h"
#include "linear.bpf.h"
#include "open_payload.bpf.h"
#include "path_learn.bpf.h"

struct decapsulate {
	struct open open;
	const struct xdpsec_config *config;
	struct xdpsec_endpoint *endpoint;
#ifdef DECAPSULATE_FAST
	const struct fast_pair *pair; /* what is kept about such packets of this peer, or NULL */
	u32 policy_generation;	      /* of config, before AllowedIPs are asked */
#endif
};

/* DECAPSULATE_FAST: the instance has a fast path. */
#ifdef DECAPSULATE_FAST
#include "fast_deliver.bpf.h"
#endif

/*
 * Is it an answer to one of the ports that we send from, when these are chosen by flow, or to the former
 * default port? A peer that follows our packets answers there. Other applications use such ports too, so only
 * packets that an SA here can open are ours.
 */
static __noinline int decapsulate_is_answer(struct xdp_md *xdp, const struct packet *packet)
{
	u32 at = (packet->l4 & (PACKET_HEADERS_MAX - 1)) + sizeof(struct udphdr), spi;
	struct xdpsec_header *header = (void *)(long)xdp->data + at;

	if (packet->udp_length < sizeof(struct udphdr) + XDPSEC_OVERHEAD ||
	    (void *)(header + 1) > (void *)(long)xdp->data_end || header->version != XDPSEC_WIRE_VERSION ||
	    header->reserved || !open_fits_mode(header->next_header, XDPSEC_NEXT_IPV4))
		return 0;
	spi = bpf_ntohl(header->spi);
	return bpf_map_lookup_elem(&spis, &spi) != NULL;
}

static __always_inline bool decapsulate_is_our_port(struct xdp_md *xdp, const struct decapsulate *d)
{
	const struct packet *packet = &d->open.packet;

	if (packet->destination_port == d->config->listen_port)
		return true;
	if (!(d->config->flow_ports && follow_is_flow_port(packet->destination_port)) &&
	    (!d->config->former_port || packet->destination_port != d->config->former_port))
		return false;
	return !packet->first_fragment && decapsulate_is_answer(xdp, packet);
}

/* Is it sent to the tunnel's address and port? Fragments are not: our packets are never fragmented (DF). */
static __always_inline bool decapsulate_is_ours(struct xdp_md *xdp, struct decapsulate *d)
{
	const struct packet *packet = &d->open.packet;

	if (packet->kind != PACKET_UDP || !decapsulate_is_our_port(xdp, d))
		return false;
	d->open.now = bpf_ktime_get_coarse_ns();
	return destination_is(xdp, packet, DESTINATION_LOCAL, d->open.now);
}

static __always_inline u8 decapsulate_outer_tos(struct xdp_md *xdp, const struct packet *packet)
{
	u32 l3 = packet->l3 & (PACKET_HEADERS_MAX - 1);
	struct iphdr *ip = (void *)(long)xdp->data + l3;

	if ((void *)(ip + 1) > (void *)(long)xdp->data_end)
		return 0;
	return packet->ipv6 ? bpf_ntohs(*(__be16 *)ip) >> 4 : ip->tos;
}

/* Only the newest packet shows the peer's location. */
static __always_inline void decapsulate_follow(struct decapsulate *d)
{
	struct xdpsec_replay *window = bpf_map_lookup_elem(&replay_windows, &d->open.sa);

	if (window && window->next == d->open.sequence + 1)
		follow(d->endpoint, &d->open.packet, d->config->flow_ports);
}

/* Is the source among the AllowedIPs of the peer? (Cryptokey routing.) */
static __always_inline bool decapsulate_allows(struct decapsulate *d, const struct inner *inner)
{
	struct xdpsec_policy *policy;

#ifdef DECAPSULATE_FAST
	if (fast_is_kept(d, inner))
		return true;
#endif
	policy = policy_find(d->config, inner->source);
	return policy && policy->ipv4 != inner->ipv6 && policy->peer == d->open.peer;
}

/* May the peer send this? DROP_NONE, or the reason to drop it. */
static __always_inline u32 decapsulate_judge(struct decapsulate *d, struct inner *inner)
{
	const void *start = d->open.payload + XDPSEC_OVERHEAD;
	u32 length = d->open.length - XDPSEC_OVERHEAD;

	if (!inner_read(start, d->open.end, length, inner) || inner->length != length ||
	    inner->ipv6 != (d->open.next_header == XDPSEC_NEXT_IPV6))
		return XDPSEC_DROP_MALFORMED;
	return decapsulate_allows(d, inner) ? DROP_NONE : XDPSEC_DROP_SPOOFED;
}

/* Apply the outer header's DSCP and ECN to the inner packet, and clamp the MSS of a SYN. DROP_NONE, or the
 * reason to drop it. */
static __always_inline u32 decapsulate_change(const struct decapsulate *d, const struct inner *inner)
{
	void *start = d->open.payload + XDPSEC_OVERHEAD;
	u8 dscp = d->config->dscp_fixed ? inner->tos : d->open.tos, ecn, tos;
	const struct xdpsec_sa *sa;

	if (!inner_ecn(inner->tos, d->open.tos, &ecn))
		return XDPSEC_DROP_CONGESTION;
	tos = (dscp & ~ECN_MASK) | ecn;
	if (tos != inner->tos && !inner_set_tos(start, d->open.end, inner->ipv6, tos))
		return XDPSEC_DROP_MALFORMED;
	if (inner->protocol != IPPROTO_TCP)
		return DROP_NONE;
	sa = bpf_map_lookup_elem(&sas, &d->open.sa);
	if (sa)
		mss_clamp(start, d->open.end, inner,
			  endpoint_inner_mtu(d->endpoint, d->config, d->open.packet.ipv6, d->open.now),
			  sa->zero);
	return DROP_NONE;
}

/* Put an Ethernet header of the tunnel device in front of the inner packet. Bytes behind the outer packet,
 * Ethernet's padding, are not authenticated, and are cut off. */
static __always_inline int decapsulate_strip(struct xdp_md *xdp, const struct decapsulate *d, bool ipv6)
{
	int behind = bpf_xdp_get_buff_len(xdp) - d->open.packet.l3 - d->open.packet.ip_length;
	struct ethhdr *ethernet;
	void *data_end;

	if (behind && bpf_xdp_adjust_tail(xdp, -behind))
		return -1;
	if (bpf_xdp_adjust_head(xdp, d->open.at + XDPSEC_OVERHEAD - sizeof(*ethernet)))
		return -1;
	ethernet = (void *)(long)xdp->data;
	data_end = (void *)(long)xdp->data_end;
	if ((void *)(ethernet + 1) > data_end)
		return -1;
	packet_copy_ethernet(ethernet, d->config->near_mac);
	ethernet->h_proto = ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return 0;
}

/* Bytes of a packet that are kept: as many as an answer quotes (tc/answer.bpf.h). */
#define DECAPSULATE_QUOTE 192

/*
 * The packet is larger than the device's MTU, as the peer's MTU is larger. It is received if possible, as by
 * any network device. With generic XDP copies of the frame follow, and it cannot be folded for those: its
 * start goes out of the near end, and xdpsec_encapsulate answers it. *to is the device that the frame goes
 * to. 0, or -errno. A call of its own, for its stack.
 */
static __noinline int decapsulate_larger(struct xdp_md *xdp, const struct decapsulate *d, u32 by, u32 *to)
{
	int rest = bpf_xdp_get_buff_len(xdp) - sizeof(struct ethhdr) - DECAPSULATE_QUOTE;

	if (!device_of_xdp(xdp)->xdp_prog)
		return fold(xdp, by, *(const u64 *)d->config->hop_secret);
	*to = XDPSEC_DEVICE_NEAR;
	return rest > 0 ? bpf_xdp_adjust_tail(xdp, -rest) : 0;
}

/* Deliver a packet that is authenticated and new. A call of its own, for its stack. */
static __noinline int decapsulate_deliver(struct xdp_md *xdp, struct decapsulate *d)
{
	struct inner inner;
	u32 reason, zero = 0, to = XDPSEC_DEVICE_FAR, life = LIFETIME_OPENS_NEWEST;
	void *map;

	/* The outer header is not authenticated. No peer has such an address, and no packet comes to one. */
	if (!packet_is_host(d->open.packet.source, d->open.packet.ipv6) ||
	    !packet_is_host(d->open.packet.destination, d->open.packet.ipv6))
		return drop(XDPSEC_DROP_MALFORMED, d->open.sa);
	d->endpoint = bpf_map_lookup_elem(&endpoints, &d->open.peer);
	if (!d->endpoint)
		return drop(XDPSEC_DROP_NO_ENDPOINT, d->open.sa);
	if (d->open.agreed)
		life = lifetime_opens(d->open.sa, d->open.next_header != XDPSEC_NEXT_NONE, d->open.now);
	if (life == LIFETIME_OVER)
		return drop(XDPSEC_DROP_EXPIRED, d->open.sa);
	/* A late packet of an older SA may have come from where the peer was before. */
	if (life == LIFETIME_OPENS_NEWEST)
		decapsulate_follow(d);
	if (d->open.next_header == XDPSEC_NEXT_NONE) {
		count_packet(d->open.sa, 0, d->open.now);
		return VERDICT_DROP;
	}
	reason = decapsulate_judge(d, &inner);
	if (reason == DROP_NONE)
		reason = decapsulate_change(d, &inner);
	if (reason != DROP_NONE)
		return drop(reason, d->open.sa);
#ifdef DECAPSULATE_FAST
	to = fast_choose(d, &inner);
#endif
	if (open_put_back(&d->open) || decapsulate_strip(xdp, d, inner.ipv6))
		return drop(XDPSEC_DROP_NO_ROOM, d->open.sa);
#ifdef DECAPSULATE_FAST
	if (to >= XDPSEC_DEVICE_FAST && fast_finish(xdp, d, inner.ipv6))
		return drop(XDPSEC_DROP_NO_ROOM, d->open.sa);
#endif
	if (inner.length > d->config->mtu && decapsulate_larger(xdp, d, inner.length - d->config->mtu, &to))
		return drop(XDPSEC_DROP_TOO_BIG, d->open.sa);
	map = bpf_map_lookup_elem(&devices, &zero);
	if (!map || bpf_redirect_map(map, to, XDP_DROP) != XDP_REDIRECT)
		return drop(XDPSEC_DROP_NO_DEVICE, d->open.sa);
	if (to == XDPSEC_DEVICE_NEAR) {
		drop(XDPSEC_DROP_TOO_BIG, d->open.sa);
		return VERDICT_REDIRECT;
	}
	count_packet(d->open.sa, inner.length, d->open.now);
#ifdef DECAPSULATE_FAST
	if (to >= XDPSEC_DEVICE_FAST)
		fast_count(XDPSEC_FAST_IN);
#endif
	return VERDICT_REDIRECT;
}

/*
 * A message of the key agreement. Without an agent the port is as before: somebody else may use SPI 0, such as IKE (RFC
 * 3948). DROP_NONE: it passes; else the reason; XDPSEC_DROP_PLAINTEXT: it is none. A call of its own, for its stack.
 */
static __noinline u32 decapsulate_control(struct xdp_md *xdp, const struct packet *packet,
					  const struct xdpsec_config *config)
{
	const struct xdpsec_owner *owner = control_owner();
	struct control control;

	if (packet->destination_port != config->listen_port || !control_read(xdp, packet, &control))
		return XDPSEC_DROP_PLAINTEXT;
	if (owner && owner->value)
		return control_judge(packet, &control);
	return control_has_shape(&control, packet->udp_length - sizeof(struct udphdr))
		       ? XDPSEC_DROP_NO_AGENT
		       : XDPSEC_DROP_PLAINTEXT;
}

/* Drop a packet that is not opened, or give it to the stack if it may be the agent's or somebody else's. */
static __always_inline int decapsulate_refuse(struct xdp_md *xdp, const struct decapsulate *d, u32 reason)
{
	u32 judged = XDPSEC_DROP_PLAINTEXT;

	/* It has no SPI of ours, and its lengths are right. */
	if (reason == XDPSEC_DROP_UNKNOWN_SPI || reason == XDPSEC_DROP_PLAINTEXT)
		judged = decapsulate_control(xdp, &d->open.packet, d->config);
	if (judged == DROP_NONE)
		return VERDICT_PASS;
	if (judged != XDPSEC_DROP_PLAINTEXT && judged != XDPSEC_DROP_NO_AGENT)
		return drop(judged, XDPSEC_NO_SA);
	if (d->open.sa == XDPSEC_NO_SA && foreign_may_pass(xdp, &d->open.packet, d->config))
		return VERDICT_PASS;
	return drop(judged == XDPSEC_DROP_NO_AGENT ? judged : reason, d->open.sa);
}

/* Open the payload. DROP_NONE, or the reason to drop it. */
static __always_inline u32 decapsulate_open(struct decapsulate *d, u64 *sum)
{
	struct open *o = &d->open;
	u32 reason;

	if (o->packet.first_fragment)
		return XDPSEC_DROP_FRAGMENT;
	if (o->packet.bad_lengths)
		return XDPSEC_DROP_MALFORMED;
	o->tos = decapsulate_outer_tos(o->xdp, &o->packet);
	o->at = o->packet.l4 + sizeof(struct udphdr);
	o->length = o->packet.udp_length - sizeof(struct udphdr);
	if (open_locate(o))
		return XDPSEC_DROP_NO_ROOM;
	/* The sum of the inner packet is not needed; packet.checksum would request it. */
	o->packet.checksum = 0;
	reason = open_identify(o, &o->peer);
	return reason == DROP_NONE ? open_payload(o, NULL, sum) : reason;
}

/* Judge a packet on its way in. VERDICT_PASS: it is not for the tunnel, give it to the stack. */
static __always_inline int decapsulate_packet(struct xdp_md *xdp)
{
	struct decapsulate d = { .open = { .xdp = xdp, .sa = XDPSEC_NO_SA } };
	u32 length = bpf_xdp_get_buff_len(xdp), zero = 0, reason;
	struct open *o = &d.open;
	u64 sum;

	d.config = bpf_map_lookup_elem(&config, &zero);
	if (!d.config)
		return drop(XDPSEC_DROP_NO_KEY, XDPSEC_NO_SA);
#ifdef DECAPSULATE_FAST
	fast_note_device(xdp);
#endif
	/* Pass: without readable headers we cannot tell that it is ours, and the stack has no socket on
	 * this port. */
	if ((u32)(xdp->data_end - xdp->data) < length && (u32)(xdp->data_end - xdp->data) < LINEAR_MIN &&
	    !linear_pull(xdp, length))
		return VERDICT_PASS;
	packet_parse(&o->packet, (void *)(long)xdp->data, (void *)(long)xdp->data_end, length);
	if (o->packet.kind == PACKET_OTHER) {
		path_learn(xdp, d.config);
		return VERDICT_PASS;
	}
	if (!decapsulate_is_ours(xdp, &d))
		return VERDICT_PASS;
	if (!device_xdp_is_here(xdp, d.config))
		return drop(XDPSEC_DROP_DISPLACED, XDPSEC_NO_SA);
	reason = decapsulate_open(&d, &sum);
	if (reason != DROP_NONE)
		return decapsulate_refuse(xdp, &d, reason);
	return decapsulate_deliver(xdp, &d);
}

#endif
