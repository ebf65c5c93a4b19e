/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode, out: sealing on egress of the protected device and behind the hop. The hop is for packets that
 * had a pending checksum or were GSO.
 */
#ifndef XDPSEC_SEAL_BPF_H
#define XDPSEC_SEAL_BPF_H

#include <linux/pkt_cls.h>

#include "xdpsec/binding.bpf.h"
#include "xdpsec/checksum.bpf.h"
#include "xdpsec/device.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/group.bpf.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/policy_judge.bpf.h"
#include "control.bpf.h"
#include "quote.bpf.h"
#include "room.bpf.h"
#include "seal_payload.bpf.h"
#include "answer.bpf.h"

/* Most bytes of IPv4 options or IPv6 extension headers, with the UDP header; packets with longer ones are
 * not sealed. */
#define SEAL_MOVED_MAX 256

/* Inline mode: the frame around the payload. */
struct seal_frame {
	struct seal seal;
	u32 device;  /* ifindex of the protected device */
	bool tagged; /* the frame's outer VLAN tag has been taken out */
	__be16 vlan_protocol;
	u16 vlan_tci;
};

/* Parse the packet. False: its headers cannot be read. */
static __always_inline bool seal_parse(struct __sk_buff *skb, struct packet *packet)
{
	u32 linear = skb->data_end - skb->data;

	if (linear < SEAL_HEADERS && linear < skb->len &&
	    bpf_skb_pull_data(skb, skb->len < SEAL_HEADERS ? skb->len : SEAL_HEADERS))
		return false;
	packet_parse(packet, (void *)(long)skb->data, (void *)(long)skb->data_end, skb->len);
	return true;
}

/*
 * Must the checksum be verified first? Opening computes a new checksum, which would hide earlier damage. So
 * forwarded packets that nobody has verified are verified here. Local packets, and those from the hop, got
 * their checksum on this host.
 */
static __always_inline bool seal_must_verify(struct __sk_buff *skb, const struct sk_buff *kernel_skb,
					     bool at_hop)
{
	return !at_hop && skb->ingress_ifindex &&
	       BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed) != CHECKSUM_UNNECESSARY;
}

/*
 * Take the VLAN tag out: bpf_skb_adjust_room() refuses skb->protocol = 802.1Q. The tag moves to where the
 * kernel keeps offloaded tags, and later back into the frame if the device wants it there. Of two tags the
 * outer one is put back.
 */
static __always_inline int seal_untag(struct seal_frame *f)
{
	struct seal *s = &f->seal;
	struct __sk_buff *skb = s->skb;
	struct vlan_header *tag;
	struct ethhdr *ethernet;

	if (s->packet.l3 == sizeof(struct ethhdr) || s->packet.pppoe)
		return 0;
	if (skb->vlan_present) {
		f->vlan_protocol = skb->vlan_proto;
		f->vlan_tci = skb->vlan_tci;
	} else {
		tag = (void *)(long)skb->data + sizeof(struct ethhdr);
		if ((void *)(tag + 1) > (void *)(long)skb->data_end)
			return -1;
		f->vlan_protocol = ((struct ethhdr *)(void *)(long)skb->data)->h_proto;
		f->vlan_tci = bpf_ntohs(tag->tci);
	}
	f->tagged = true;
	s->packet.l4 -= s->packet.l3 - sizeof(struct ethhdr);
	s->packet.l3 = sizeof(struct ethhdr);
	if (bpf_skb_vlan_pop(skb))
		return -1;
	/* bpf_skb_vlan_pop() believes skb->protocol. It does nothing if a raw socket has set that to IP
	 * for a tagged frame. */
	ethernet = (void *)(long)skb->data;
	if ((void *)(ethernet + 1) > (void *)(long)skb->data_end)
		return -1;
	return ethernet->h_proto == bpf_htons(s->packet.ipv6 ? ETH_P_IPV6 : ETH_P_IP) ? 0 : -1;
}

static __always_inline int seal_tag(struct seal_frame *f)
{
	return f->tagged ? bpf_skb_vlan_push(f->seal.skb, f->vlan_protocol, f->vlan_tci) : 0;
}

/* Move the bytes at offset from to offset to, further in front. */
static __always_inline int seal_move(struct __sk_buff *skb, u32 from, u32 to, u32 length)
{
	struct scratch *buffer;
	u32 zero = 0;

	buffer = bpf_map_lookup_elem(&scratch, &zero);
	if (!buffer || !from_1_to(SEAL_MOVED_MAX, &length) ||
	    bpf_skb_load_bytes(skb, from, buffer->bytes, length) ||
	    bpf_skb_store_bytes(skb, to, buffer->bytes, length, 0))
		return -1;
	return 0;
}

/* bpf_skb_adjust_room() does not know PPPoE: make the room in front, and move all headers there. */
static __always_inline int seal_make_room_pppoe(struct seal *s)
{
	if (bpf_skb_change_head(s->skb, XDPSEC_OVERHEAD, 0))
		return -1;
	return seal_move(s->skb, XDPSEC_OVERHEAD, 0, s->packet.l4 + sizeof(struct udphdr));
}

/*
 * Make room for header and tag at the head. The kernel makes it behind an IP header without options; options
 * or extensions and the UDP header are moved in front of it. The payload stays where it is in memory.
 */
static __always_inline int seal_make_room_at_head(struct seal *s, u32 base, u32 moved)
{
	struct __sk_buff *skb = s->skb;

	/*
	 * The kfunc needs one piece. This call also unshares the packet: the verifier does not see that a
	 * dynptr writes, so it does not do it. Otherwise TCP's retransmit copy or a capture would be
	 * encrypted as well.
	 */
	if (bpf_skb_pull_data(skb, skb->len))
		return -1;
	if (s->packet.pppoe)
		return seal_make_room_pppoe(s);
	if (bpf_skb_adjust_room(skb, XDPSEC_OVERHEAD, BPF_ADJ_ROOM_NET, 0))
		return -1;
	if (moved == sizeof(struct udphdr)) {
		u64 *udp = (void *)(long)skb->data + base;

		if ((void *)udp + XDPSEC_OVERHEAD + sizeof(struct udphdr) > (void *)(long)skb->data_end)
			return -1;
		*udp = udp[XDPSEC_OVERHEAD / sizeof(*udp)];
		return 0;
	}
	return seal_move(skb, base + XDPSEC_OVERHEAD, base, moved);
}

/* Make room for header and tag between the UDP header and its payload. */
static __always_inline int seal_make_room(struct seal *s)
{
	u32 base = sizeof(struct ethhdr) + (s->packet.ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	u32 moved = s->packet.l4 + sizeof(struct udphdr) - base;

	if (!s->packet.pppoe && moved == sizeof(struct udphdr) && room_is_at_tail(s->skb, XDPSEC_OVERHEAD))
		return room_make_at_tail(s->skb, base + sizeof(struct udphdr), XDPSEC_OVERHEAD);
	return seal_make_room_at_head(s, base, moved);
}

/* Correct the lengths in the headers after seal_make_room(). */
static __always_inline int seal_lengthen(struct seal *s)
{
	void *data = (void *)(long)s->skb->data, *data_end = (void *)(long)s->skb->data_end;

	return checksum_resize(&s->packet, data, data_end, XDPSEC_OVERHEAD) ? 0 : -1;
}

/* bpf_csum_diff of 6.12 takes this much at a time, in multiples of four. */
#define SEAL_SUM_CHUNK 512

/*
 * Does the payload complete sum (over the pseudo header and UDP header) to a right checksum? at is the offset
 * of the payload. A call of its own, as it is rare and needs stack.
 */
static __noinline int seal_verify(struct __sk_buff *skb, u32 at, u32 length, u64 sum)
{
	struct scratch *buffer;
	u32 zero = 0, i;

	buffer = bpf_map_lookup_elem(&scratch, &zero);
	if (!buffer)
		return 0;
	if (from_1_to(XDPSEC_PAYLOAD_MAX, &length)) {
		if (bpf_skb_load_bytes(skb, at, buffer->bytes, length))
			return 0;
	} else if (length) {
		return 0;
	}
	__builtin_memset(buffer->bytes + length, 0, 4);
	for (i = 0; i < XDPSEC_PAYLOAD_MAX / SEAL_SUM_CHUNK; i++) {
		u32 done = i * SEAL_SUM_CHUNK, chunk;

		if (done >= length)
			break;
		chunk = (length - done + 3) & ~3;
		if (chunk > SEAL_SUM_CHUNK)
			chunk = SEAL_SUM_CHUNK;
		barrier_var(chunk);
		sum += (u32)bpf_csum_diff(NULL, 0, (__be32 *)(buffer->bytes + done),
					  chunk & (2 * SEAL_SUM_CHUNK - 1), 0);
	}
	return checksum_fold(sum) == 0xffff;
}

/* Answer into the device's ingress. From there the stack takes the answer to a local socket, or routes it
 * to the sender. */
static __always_inline int seal_too_big(struct seal_frame *f, u32 mtu)
{
	struct seal *s = &f->seal;

	drop(XDPSEC_DROP_TOO_BIG, s->sa);
	if (!answer(s->skb, &s->packet, ANSWER_TOO_BIG, mtu) ||
	    bpf_redirect(f->device, BPF_F_INGRESS) != TC_ACT_REDIRECT)
		return VERDICT_DROP;
	return VERDICT_REDIRECT;
}

/* Seal the payload, and bind addresses and ports. DROP_NONE, or the reason to drop the packet. */
static __always_inline u32 seal_bound(struct seal *s, const struct xdpsec_sa *sa, struct bpf_crypto_ctx *ctx)
{
	const struct binding *binding = binding_find(&s->packet, sa, s->sa);

	if (!binding)
		return XDPSEC_DROP_CRYPTO;
	if (binding_is_new(binding))
		binding_keep(&s->packet);
	return seal_payload(s, sa, ctx, XDPSEC_NEXT_UDP, &binding->hash);
}

/* Seal a packet of a protected flow, which is whole and has all its checksums. now: the coarse clock */
static __always_inline int seal_flow(struct seal_frame *f, const struct xdpsec_sa *sa,
				     struct bpf_crypto_ctx *ctx, bool verify, u64 now)
{
	struct seal *s = &f->seal;
	struct __sk_buff *skb = s->skb;
	u32 mtu = s->packet.ip_length; /* in: the packet's length, out: the device's MTU */
	u32 reason = seal_check_time(s, true, now);
	long fits;
	int verdict;

	if (reason != DROP_NONE)
		return drop(reason, s->sa);
	if (s->packet.udp_length > sizeof(struct udphdr) + XDPSEC_PAYLOAD_MAX || seal_untag(f))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	if (s->packet.pppoe)
		mtu += sizeof(struct pppoe_header);
	fits = bpf_check_mtu(skb, f->device, &mtu, XDPSEC_OVERHEAD, 0);
	if (fits) {
		if (fits < 0)
			return drop(XDPSEC_DROP_NO_ROOM, s->sa);
		/* The answer would need a PPPoE header, too. */
		if (s->packet.pppoe)
			return drop(XDPSEC_DROP_TOO_BIG, s->sa);
		verdict = seal_too_big(f, mtu - XDPSEC_OVERHEAD);
		return seal_tag(f) ? VERDICT_DROP : verdict;
	}
	if (verify && s->packet.checksum &&
	    !seal_verify(skb, s->packet.l4 + sizeof(struct udphdr),
			 s->packet.udp_length - sizeof(struct udphdr),
			 checksum_udp_headers(&s->packet, s->packet.udp_length, s->packet.checksum)))
		return drop(XDPSEC_DROP_BAD_CHECKSUM, s->sa);
	if (seal_make_room(s) || seal_lengthen(s))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	reason = seal_bound(s, sa, ctx);
	if (reason != DROP_NONE)
		return drop(reason, s->sa);
	if (seal_tag(f))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	count_packet(s->sa, s->packet.udp_length - sizeof(struct udphdr), now);
	return VERDICT_PASS;
}

/*
 * Mark a packet sealed behind the hop: the instance's secret in skb->cb. bpf_redirect() leaves that alone
 * (net/core/filter.c, __bpf_tx_skb), and nobody outside of the kernel knows it. The index of the hop's far
 * end would not do as a mark: it belongs to a namespace, and is reused (device.bpf.h).
 */
static __always_inline void seal_mark_sealed(struct __sk_buff *skb, const struct xdpsec_config *config)
{
	skb->cb[0] = config->hop_secret[0];
	skb->cb[1] = config->hop_secret[1];
	skb->cb[2] = config->hop_secret[2];
	skb->cb[3] = config->hop_secret[3];
}

/* Is it marked? The mark is removed: the packet may come here again, with other contents. */
static __always_inline bool seal_take_mark(struct __sk_buff *skb, const struct xdpsec_config *config)
{
	if (skb->cb[0] != config->hop_secret[0] || skb->cb[1] != config->hop_secret[1] ||
	    skb->cb[2] != config->hop_secret[2] || skb->cb[3] != config->hop_secret[3])
		return false;
	/* Not set yet: the loader's secrets do not begin with a zero word. */
	if (!skb->cb[0])
		return false;
	skb->cb[0] = 0;
	return true;
}

/* Is this the right namespace, and which is the protected device? False: drop the packet; it was counted. */
static __always_inline bool seal_find_device(struct seal_frame *f, const bool at_hop)
{
	struct seal *s = &f->seal;

	if (!device_skb_is_here(s->skb, s->config)) {
		drop(XDPSEC_DROP_DISPLACED, s->sa);
		return false;
	}
	if (at_hop) {
		f->device = device_index(XDPSEC_DEVICE_PROTECTED);
		if (!f->device)
			drop(XDPSEC_DROP_NO_DEVICE, s->sa);
		return f->device;
	}
	f->device = s->skb->ifindex;
	if (f->device != s->config->device) {
		drop(XDPSEC_DROP_DISPLACED, s->sa);
		return false;
	}
	return true;
}

/* Send the packet to the near end of the hop, as a checksum or segmentation is pending. */
static __always_inline int seal_by_hop(struct seal *s, const bool at_hop)
{
	u32 near = at_hop ? 0 : device_index(XDPSEC_DEVICE_NEAR);

	if (!near || bpf_redirect(near, 0) != TC_ACT_REDIRECT)
		return drop(XDPSEC_DROP_NO_HOP, s->sa);
	return VERDICT_REDIRECT;
}

/* Sealed behind the hop: send it to the protected device, whose program lets it pass. */
static __always_inline int seal_leave_hop(struct seal_frame *f)
{
	struct seal *s = &f->seal;

	seal_mark_sealed(s->skb, s->config);
	if (bpf_redirect(f->device, 0) != TC_ACT_REDIRECT)
		return drop(XDPSEC_DROP_NO_DEVICE, s->sa);
	return VERDICT_REDIRECT;
}

/* Judge a packet on its way out, and seal it. VERDICT_PASS: send it as it is now. */
static __always_inline int seal_packet(struct __sk_buff *skb, const bool at_hop)
{
	struct seal_frame f = { .seal = { .skb = skb, .sa = XDPSEC_NO_SA } };
	struct seal *s = &f.seal;
	const struct sk_buff *kernel_skb;
	struct bpf_crypto_ctx *ctx;
	struct xdpsec_sa *sa;
	u32 zero = 0, reason;
	u64 now = 0;
	int verdict;

	s->config = bpf_map_lookup_elem(&config, &zero);
	if (!s->config)
		return drop(XDPSEC_DROP_NO_KEY, XDPSEC_NO_SA);
	if (!at_hop && seal_take_mark(skb, s->config))
		return VERDICT_PASS;

	if (!seal_parse(skb, &s->packet))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	switch (policy_judge(s->config, &s->packet, s->packet.destination, &s->peer, &now)) {
	case POLICY_CLEAR:
		if (at_hop)
			return drop(XDPSEC_DROP_STRAY, s->sa);
		if (s->packet.kind == PACKET_OTHER)
			return quote_cut(skb);
		if (group_must_drop(&s->packet, (void *)(long)skb->data, (void *)(long)skb->data_end))
			return drop(XDPSEC_DROP_GROUP, s->sa);
		return VERDICT_PASS;
	case POLICY_FRAGMENT:
		return drop(XDPSEC_DROP_FRAGMENT, s->sa);
	case POLICY_MALFORMED:
		return drop(XDPSEC_DROP_MALFORMED, s->sa);
	case POLICY_PROTECTED:
		break;
	}

	if (!seal_find_device(&f, at_hop))
		return VERDICT_DROP;
	if (!at_hop && s->config->listen_port && s->packet.destination_port == s->config->listen_port &&
	    s->packet.source_port == s->config->listen_port && control_leaves(skb, &s->packet))
		return VERDICT_PASS;
	reason = seal_find_sa(s, &sa, &ctx);
	if (reason != DROP_NONE)
		return drop(reason, s->sa);

	kernel_skb = bpf_cast_to_kern_ctx(skb);
	if (seal_is_pending(skb, kernel_skb))
		return seal_by_hop(s, at_hop);
	if (s->packet.bad_lengths)
		return drop(XDPSEC_DROP_MALFORMED, s->sa);
	verdict = seal_flow(&f, sa, ctx, seal_must_verify(skb, kernel_skb, at_hop), now);
	return at_hop && verdict == VERDICT_PASS ? seal_leave_hop(&f) : verdict;
}

#endif
