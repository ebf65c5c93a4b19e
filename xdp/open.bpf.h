/* SPDX-License-Identifier: GPL-2.0-only */
/* Inline mode, in: a sealed packet of a protected flow gets its original form back. */
#ifndef XDPSEC_OPEN_BPF_H
#define XDPSEC_OPEN_BPF_H

#include "xdpsec/binding.bpf.h"
#include "xdpsec/checksum.bpf.h"
#include "xdpsec/device.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/group.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/policy_judge.bpf.h"
#include "control.bpf.h"
#include "destination.bpf.h"
#include "linear.bpf.h"
#include "open_payload.bpf.h"
#include "path_mtu.bpf.h"

/* Ethernet without tags, and the longer IP header. */
struct linear_headers {
	struct ethhdr ethernet;
	u8 ip[sizeof(struct ipv6hdr)];
};

/*
 * Judge a frame whose headers are not in one buffer: it passes if it cannot be UDP from a protected address,
 * and is dropped otherwise. Tagged frames and PPPoE are dropped, as they are not worth the code. A call of
 * its own, for its stack.
 */
static __noinline int linear_judge(struct xdp_md *xdp)
{
	struct xdpsec_prefix prefix = { .length = 128 };
	struct linear_headers headers;
	u32 *address = (u32 *)prefix.address;
	u8 protocol;

	if (bpf_xdp_load_bytes(xdp, 0, &headers, sizeof(headers)))
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	if (headers.ethernet.h_proto == bpf_htons(ETH_P_IP)) {
		protocol = headers.ip[9];
		address[2] = bpf_htonl(0xffff);
		__builtin_memcpy(&address[3], headers.ip + 12, 4);
		if (protocol != IPPROTO_UDP)
			return VERDICT_PASS;
	} else if (headers.ethernet.h_proto == bpf_htons(ETH_P_IPV6)) {
		protocol = headers.ip[6];
		__builtin_memcpy(address, headers.ip + 8, 16);
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_ICMPV6)
			return VERDICT_PASS;
	} else if (headers.ethernet.h_proto != bpf_htons(ETH_P_8021Q) &&
		   headers.ethernet.h_proto != bpf_htons(ETH_P_8021AD) &&
		   headers.ethernet.h_proto != bpf_htons(ETH_P_PPP_SES)) {
		return VERDICT_PASS;
	} else {
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	}
	if (bpf_map_lookup_elem(&policies, &prefix))
		return drop(XDPSEC_DROP_NO_ROOM, XDPSEC_NO_SA);
	return VERDICT_PASS;
}

/* Correct the lengths in the IP and UDP headers, and the checksums. */
static __always_inline int open_shorten(struct open *o, u64 sum)
{
	void *data = (void *)(long)o->xdp->data, *data_end = (void *)(long)o->xdp->data_end;
	const struct packet *packet = &o->packet;
	struct udphdr *udp;

	udp = checksum_resize(packet, data, data_end, -XDPSEC_OVERHEAD);
	if (!udp)
		return -1;
	if (packet->checksum)
		udp->check = checksum_finish(
			sum + checksum_udp_headers(packet, packet->udp_length - XDPSEC_OVERHEAD, 0));
	return 0;
}

/* Move the headers over the sealed header and the tag. length is a constant, for loads and stores without
 * a loop. */
static __always_inline int open_move_headers(struct xdp_md *xdp, const u32 length)
{
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	u64 words[8], last;
	u32 i;

	if (data + XDPSEC_OVERHEAD + length > data_end)
		return -1;
#pragma unroll
	for (i = 0; i < length / sizeof(u64); i++)
		words[i] = *((u64 *)data + i);
	last = *(u64 *)(data + length - sizeof(last));
#pragma unroll
	for (i = 0; i < length / sizeof(u64); i++)
		*(u64 *)(data + XDPSEC_OVERHEAD + i * sizeof(u64)) = words[i];
	*(u64 *)(data + XDPSEC_OVERHEAD + length - sizeof(last)) = last;
	return 0;
}

#define OPEN_PLAIN_IPV4 (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define OPEN_PLAIN_IPV6 (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr))

static __always_inline int open_strip(struct open *o)
{
	u32 headers = o->at, zero = 0;

	if (headers == OPEN_PLAIN_IPV4) {
		if (open_move_headers(o->xdp, OPEN_PLAIN_IPV4))
			return -1;
	} else if (headers == OPEN_PLAIN_IPV6) {
		if (open_move_headers(o->xdp, OPEN_PLAIN_IPV6))
			return -1;
	} else {
		struct scratch *buffer = bpf_map_lookup_elem(&scratch, &zero);

		if (!buffer || !from_1_to(OPEN_HEADERS, &headers) ||
		    bpf_xdp_load_bytes(o->xdp, 0, buffer->bytes, headers) ||
		    bpf_xdp_store_bytes(o->xdp, XDPSEC_OVERHEAD, buffer->bytes, headers))
			return -1;
	}
	return bpf_xdp_adjust_head(o->xdp, XDPSEC_OVERHEAD);
}

/*
 * Decrypt and authenticate, with the addresses and ports that are bound. What was computed for that is kept only if
 * the packet is opened: forged packets displace nothing.
 *
 * The destination is looked up (destination.bpf.h) as soon as it is known to be the sender's. If it is not bound,
 * the look-up comes first, so that a copy with another destination does not use up the number of the packet.
 */
static __always_inline u32 open_bound(struct open *o, u64 *sum)
{
	const struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &o->sa);
	const struct binding *binding = sa ? binding_find(&o->packet, sa, o->sa) : NULL;
	u32 reason;

	if (!binding)
		return XDPSEC_DROP_CRYPTO;
	if (!binding_has_addresses(binding) &&
	    !destination_is(o->xdp, &o->packet, DESTINATION_NOT_BACK, o->now))
		return XDPSEC_DROP_MISROUTED;
	reason = open_payload(o, &binding->hash, sum);
	if (reason != DROP_NONE)
		return reason;
	if (binding_is_new(binding))
		binding_keep(&o->packet);
	if (binding_has_addresses(binding) &&
	    !destination_is(o->xdp, &o->packet, DESTINATION_NOT_BACK, o->now))
		return XDPSEC_DROP_MISROUTED;
	return DROP_NONE;
}

/*
 * A message of the key agreement, from port to port, for this host: only the agent's socket, or none, is there. DROP_NONE:
 * it passes; else why it is dropped, which for any other packet is what it was. A call of its own, for its stack.
 */
static __noinline u32 open_control(struct xdp_md *xdp, const struct packet *packet, u32 listen_port,
				   u32 reason)
{
	const struct xdpsec_owner *owner = control_owner();
	struct control control;

	if (packet->destination_port != listen_port || packet->source_port != listen_port ||
	    !control_read(xdp, packet, &control) ||
	    !control_has_shape(&control, packet->udp_length - sizeof(struct udphdr)))
		return reason;
	if (!owner || !owner->control_cookie)
		return XDPSEC_DROP_NO_AGENT;
	return destination_is_local(xdp, packet) ? control_judge(packet, &control) : reason;
}

/* Judge a packet on its way in, and open it. VERDICT_PASS: give it to the stack as it is now. */
static __always_inline int open_packet(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	struct open o = { .xdp = xdp, .sa = XDPSEC_NO_SA };
	u32 length = bpf_xdp_get_buff_len(xdp), linear = data_end - data;
	u32 reason, owner = 0, zero = 0;
	const struct xdpsec_config *here = bpf_map_lookup_elem(&config, &zero);
	u64 sum = 0;

	if (linear < length && linear < LINEAR_MIN) {
		if (!linear_pull(xdp, length))
			return linear_judge(xdp);
		data = (void *)(long)xdp->data;
		data_end = (void *)(long)xdp->data_end;
	}
	packet_parse(&o.packet, data, data_end, length);
	switch (policy_judge(here, &o.packet, o.packet.source, &o.peer, &o.now)) {
	case POLICY_CLEAR:
		if (o.packet.kind == PACKET_OTHER)
			return path_mtu_adjust(xdp);
		return group_must_drop(&o.packet, data, data_end) ? drop(XDPSEC_DROP_GROUP, o.sa)
								  : VERDICT_PASS;
	case POLICY_FRAGMENT:
		return drop(XDPSEC_DROP_FRAGMENT, o.sa);
	case POLICY_MALFORMED:
		return drop(XDPSEC_DROP_MALFORMED, o.sa);
	case POLICY_PROTECTED:
		break;
	}
	if (!here || !device_xdp_is_here(xdp, here))
		return drop(XDPSEC_DROP_DISPLACED, o.sa);
	if (o.packet.bad_lengths)
		return drop(XDPSEC_DROP_MALFORMED, o.sa);

	o.at = o.packet.l4 + sizeof(struct udphdr);
	o.length = o.packet.udp_length - sizeof(struct udphdr);
	if (open_locate(&o))
		return drop(XDPSEC_DROP_NO_ROOM, o.sa);
	reason = open_identify(&o, &owner);
	/* It has no SPI of ours. */
	if (reason == XDPSEC_DROP_UNKNOWN_SPI || reason == XDPSEC_DROP_PLAINTEXT) {
		reason = open_control(xdp, &o.packet, here->listen_port, reason);
		return reason == DROP_NONE ? VERDICT_PASS : drop(reason, o.sa);
	}
	if (reason == DROP_NONE && owner != o.peer)
		reason = XDPSEC_DROP_WRONG_PEER;
	if (reason == DROP_NONE)
		reason = open_bound(&o, &sum);
	if (reason == DROP_NONE && o.agreed && lifetime_opens(o.sa, true, o.now) == LIFETIME_OVER)
		reason = XDPSEC_DROP_EXPIRED;
	if (reason != DROP_NONE)
		return drop(reason, o.sa);
	if (open_put_back(&o) || open_shorten(&o, sum) || open_strip(&o))
		return drop(XDPSEC_DROP_NO_ROOM, o.sa);
	count_packet(o.sa, o.length - XDPSEC_OVERHEAD, o.now);
	return VERDICT_PASS;
}

#endif
