/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of sealing that inline and tunnel mode share: is the packet finished, which SA, encrypt. */
#ifndef XDPSEC_SEAL_PAYLOAD_BPF_H
#define XDPSEC_SEAL_PAYLOAD_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/ocb.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/policy.bpf.h"
#include "context.bpf.h"
#include "seal_lifetime.bpf.h"

/* The bytes that are parsed. The rest is read only for protected flows. */
#define SEAL_HEADERS PACKET_HEADERS_MAX

struct seal {
	seal_context *skb;
	const struct xdpsec_config *config;
	struct packet packet;
	u32 peer, sa;
};

#ifndef SEAL_FROM_XDP
/*
 * Is a checksum or segmentation still pending? If such a packet were sealed now, it would be applied to
 * ciphertext: segments would share one header, and a checksum be written into it (skbuff.h,
 * CHECKSUM_PARTIAL).
 */
static __always_inline bool seal_is_pending(struct __sk_buff *skb, const struct sk_buff *kernel_skb)
{
	return skb->gso_size || BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed) == CHECKSUM_PARTIAL;
}
#endif

/* Find the SA to seal with. DROP_NONE, or the reason to drop the packet. seal_check_time() is still to be asked. */
static __always_inline u32 seal_find_sa(struct seal *s, struct xdpsec_sa **sa, struct bpf_crypto_ctx **ctx)
{
	struct xdpsec_peer *peer = bpf_map_lookup_elem(&peers, &s->peer);
	struct context *context;

	if (!peer)
		return XDPSEC_DROP_NO_KEY;
	s->sa = peer->tx_sa;
	*sa = bpf_map_lookup_elem(&sas, &s->sa);
	context = bpf_map_lookup_elem(&contexts, &s->sa);
	if (!*sa || !context)
		goto no_key;
	*ctx = context->ctx; /* load once: the verifier tracks this register as a context, not a second load */
	if (*ctx)
		return DROP_NONE;
no_key:
	lifetime_want(s->peer);
	return XDPSEC_DROP_NO_KEY;
}

/* May the SA seal now, by the coarse clock? DROP_NONE, or the reason to drop the packet. is_data: not a keepalive. */
static __always_inline u32 seal_check_time(const struct seal *s, bool is_data, u64 now)
{
	u64 *deadline = bpf_map_lookup_elem(&deadlines, &s->sa);

	if (!deadline)
		return XDPSEC_DROP_NO_KEY;
	if (!*deadline || lifetime_seals(s->peer, *deadline, is_data, now))
		return DROP_NONE;
	lifetime_want(s->peer);
	return XDPSEC_DROP_EXPIRED;
}

/* Take the next sequence number: never the same twice, never beyond the range reserved on disk. */
static __always_inline bool seal_next_sequence(u32 sa, u64 *sequence)
{
	volatile struct xdpsec_sequence *s = bpf_map_lookup_elem(&sequences, &sa);
	u64 limit;

	if (!s)
		return false;
	limit = s->limit;
	if (limit > XDPSEC_SEQUENCE_LIMIT)
		limit = XDPSEC_SEQUENCE_LIMIT;
	/* Checked first, so that packets dropped here do not advance the counter for ever. */
	if (s->next >= limit)
		return false;
	*sequence = __sync_fetch_and_add(&s->next, 1);
	return *sequence < limit;
}

/*
 * Encrypt, write the header and the checksum: the packet gets its final shape. hash is that of what is bound, or a
 * constant NULL. The caller has made room for
 * header and tag between the UDP header at s->packet.l4 and the payload; s->packet.udp_length does not
 * include them. DROP_NONE, or the reason to drop it: a call of drop() from here would be one more frame on
 * the stack, and tunnel mode has no room for it.
 */
static __noinline u32 seal_payload(struct seal *s, const struct xdpsec_sa *sa, struct bpf_crypto_ctx *ctx,
				   u8 next_header, const struct xdpsec_block *hash)
{
	seal_context *skb = s->skb;
	struct packet *packet = &s->packet;
	u32 at = (packet->l4 & (SEAL_HEADERS - 1)) + sizeof(struct udphdr);
	u32 length = packet->udp_length - sizeof(struct udphdr);
	struct ocb_sums sums = {};
	struct bpf_dynptr memory;
	struct xdpsec_ktop *ktop;
	u64 sequence, *header;
	struct udphdr *udp;
	u32 nonce_head;
	struct ocb o;
	int err;

	barrier_var(length);
	o.start = (void *)(long)skb->data + at;
	o.end = (void *)(long)skb->data_end;
	o.length = length;
	o.sa = sa;
	o.ctx = ctx;
	o.hash = hash;
	header = (u64 *)o.start;
	if (length > XDPSEC_PAYLOAD_MAX || (void *)(header + 4) > o.end)
		return XDPSEC_DROP_NO_ROOM;
	ktop = bpf_map_lookup_elem(&ktops, &s->sa);
	if (!ktop || context_dynptr(skb, 0, &memory))
		return XDPSEC_DROP_CRYPTO;
	if (!seal_next_sequence(s->sa, &sequence))
		return XDPSEC_DROP_SEQUENCE_EXHAUSTED;

	/* Next header, version and two reserved bytes, as they lie in memory. */
	nonce_head = next_header | XDPSEC_WIRE_VERSION << 8;
	err = ocb_start(&o, ktop, nonce_head, sequence);
	if (err)
		return XDPSEC_DROP_CRYPTO;
	err = ocb_seal(&o, &memory, at, &sums, packet->checksum);
	if (err)
		return XDPSEC_DROP_CRYPTO;

	header[0] = (u64)nonce_head << 32 | bpf_htonl(sa->spi);
	header[1] = bpf_cpu_to_be64(sequence);
	if (packet->checksum) {
		ocb_add(&sums, header[0]);
		ocb_add(&sums, header[1]);
		/* Start again from skb->data: the verifier accepts no step back from a bounded pointer. */
		udp = (void *)(long)skb->data + (packet->l4 & (SEAL_HEADERS - 1));
		if ((const void *)(udp + 1) > o.end)
			return XDPSEC_DROP_NO_ROOM;
		udp->check = checksum_finish(
			checksum_udp_headers(packet, packet->udp_length + XDPSEC_OVERHEAD, 0) +
			ocb_sum(&sums));
	}
	return DROP_NONE;
}

#endif
