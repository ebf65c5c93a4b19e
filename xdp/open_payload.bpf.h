/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of opening that both modes share. State (the replay window, the counters of received packets)
 * changes only after authentication.
 */
#ifndef XDPSEC_OPEN_PAYLOAD_BPF_H
#define XDPSEC_OPEN_PAYLOAD_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/ocb.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/replay.bpf.h"
#include "open_lifetime.bpf.h"

/* Most bytes of headers in front of the sealed payload; packets with more are not opened. */
#define OPEN_HEADERS PACKET_HEADERS_MAX

struct open {
	struct xdp_md *xdp;
	struct packet packet;
	u32 peer, sa;	/* inline mode: the peer by its address; tunnel mode: that of the SA */
	u32 at, length; /* sealed payload: offset in the frame, and bytes with header and tag */
	u8 next_header;
	bool agreed;	/* the SA is of an agreed peer, and has a deadline */
	u8 tos;		/* tunnel mode: of the outer header */
	u64 now;	/* the coarse clock, which is read once for a packet */
	u64 sequence;	/* set once the tag is verified */
	bool in_pieces; /* not in one buffer: it lies in the scratch map while it is opened */
	u8 *payload;	/* start of the sealed payload; end is the end of that memory */
	const void *end;
};

/* Get the sealed payload in one piece. 0, or -errno. */
static __always_inline int open_locate(struct open *o)
{
	void *data = (void *)(long)o->xdp->data, *data_end = (void *)(long)o->xdp->data_end;
	struct scratch *buffer;
	u32 zero = 0, length = o->length, at = o->at;

	barrier_var(at);
	if (at > OPEN_HEADERS)
		return -1;
	o->payload = data + at;
	o->end = data_end;
	if (at + length <= (u32)(data_end - data))
		return 0;
	buffer = bpf_map_lookup_elem(&scratch, &zero);
	if (!buffer || !from_1_to(XDPSEC_OVERHEAD + XDPSEC_PAYLOAD_MAX, &length) ||
	    bpf_xdp_load_bytes(o->xdp, at, buffer->bytes, length))
		return -1;
	o->in_pieces = true;
	o->payload = buffer->bytes;
	o->end = buffer->bytes + sizeof(buffer->bytes);
	return 0;
}

/* Is the payload right for the mode? An SA of tunnel mode carries both IP versions, and keepalives. */
static __always_inline bool open_fits_mode(u8 next_header, u8 mode)
{
	if (mode == XDPSEC_NEXT_UDP)
		return next_header == XDPSEC_NEXT_UDP;
	return next_header == XDPSEC_NEXT_IPV4 || next_header == XDPSEC_NEXT_IPV6 ||
	       next_header == XDPSEC_NEXT_NONE;
}

/*
 * Find the SA. A packet that has no SPI of ours and does not look sealed counts as plaintext on a protected
 * flow. *peer is the peer of the SA. DROP_NONE, or the reason to drop it.
 */
static __always_inline u32 open_identify(struct open *o, u32 *peer)
{
	const struct xdpsec_header *header = (const struct xdpsec_header *)o->payload;
	const struct xdpsec_sa *sa;
	bool well_formed;
	u32 *slot, spi;
	u64 *deadline;

	if (o->length < sizeof(header->spi) || (const void *)(&header->spi + 1) > o->end)
		return XDPSEC_DROP_PLAINTEXT;
	spi = bpf_ntohl(header->spi);
	slot = bpf_map_lookup_elem(&spis, &spi);
	well_formed = o->length >= XDPSEC_OVERHEAD && (const void *)(header + 1) <= o->end &&
		      header->version == XDPSEC_WIRE_VERSION && !header->reserved;
	if (!slot)
		return well_formed ? XDPSEC_DROP_UNKNOWN_SPI : XDPSEC_DROP_PLAINTEXT;
	o->sa = *slot;
	if (!well_formed)
		return XDPSEC_DROP_MALFORMED;
	sa = bpf_map_lookup_elem(&sas, &o->sa);
	deadline = bpf_map_lookup_elem(&deadlines, &o->sa);
	if (!sa || !deadline)
		return XDPSEC_DROP_NO_KEY;
	o->next_header = header->next_header;
	if (!open_fits_mode(o->next_header, sa->next_header))
		return XDPSEC_DROP_WRONG_NEXT_HEADER;
	*peer = sa->peer;
	o->agreed = *deadline;
	return o->agreed && lifetime_is_over(sa->peer, *deadline, o->now) ? XDPSEC_DROP_EXPIRED : DROP_NONE;
}

/*
 * Decrypt and authenticate, then check the replay window. hash is that of what is bound, or a constant NULL. sum
 * gets the RFC 1071 sum of the plaintext. A call of its own, for its stack. DROP_NONE, or the reason to drop it.
 */
static __noinline u32 open_payload(struct open *o, const struct xdpsec_block *hash, u64 *sum)
{
	struct xdpsec_header *header = (struct xdpsec_header *)o->payload;
	u32 length = o->length - XDPSEC_OVERHEAD, at = 0, nonce_head;
	struct context *context;
	struct xdpsec_replay *window;
	struct ocb_sums sums = {};
	struct bpf_dynptr memory;
	struct xdpsec_ktop *ktop;
	struct ocb ocb;
	u64 sequence;
	int err;

	barrier_var(length);
	if (length > XDPSEC_PAYLOAD_MAX || (const void *)(header + 2) > o->end)
		return XDPSEC_DROP_NO_ROOM;
	ocb.sa = bpf_map_lookup_elem(&sas, &o->sa);
	context = bpf_map_lookup_elem(&contexts, &o->sa);
	ktop = bpf_map_lookup_elem(&ktops, &o->sa);
	window = bpf_map_lookup_elem(&replay_windows, &o->sa);
	if (!ocb.sa || !context || !ktop || !window)
		return XDPSEC_DROP_NO_KEY;
	ocb.ctx =
		context->ctx; /* load once: the verifier tracks this register as a context, not a second load */
	if (!ocb.ctx)
		return XDPSEC_DROP_NO_KEY;
	ocb.hash = hash;
	ocb.start = o->payload;
	ocb.end = o->end;
	ocb.length = length;
	nonce_head = header->next_header | XDPSEC_WIRE_VERSION << 8;
	sequence = bpf_be64_to_cpu(*((u64 *)header + 1));
	if (o->in_pieces) {
		u32 zero = 0;
		struct scratch *buffer = bpf_map_lookup_elem(&scratch, &zero);

		if (!buffer)
			return XDPSEC_DROP_NO_ROOM;
		err = bpf_dynptr_from_mem(buffer->bytes, sizeof(buffer->bytes), 0, &memory);
	} else {
		at = o->at;
		err = bpf_dynptr_from_xdp(o->xdp, 0, &memory);
	}
	if (!err)
		err = ocb_start(&ocb, ktop, nonce_head, sequence);
	if (!err)
		err = ocb_open(&ocb, &memory, at, &sums, o->packet.checksum);
	if (err)
		return err == OCB_FORGED ? XDPSEC_DROP_AUTH_FAILED : XDPSEC_DROP_CRYPTO;
	if (!replay_accept(window, sequence, ocb.sa->zero))
		return XDPSEC_DROP_REPLAYED;
	o->sequence = sequence;
	*sum = ocb_sum(&sums);
	return DROP_NONE;
}

/* Copy the payload opened in the scratch map back into the packet. */
static __always_inline int open_put_back(struct open *o)
{
	u32 zero = 0, length = o->length - XDPSEC_OVERHEAD;
	struct scratch *buffer;

	if (!o->in_pieces || !length)
		return 0;
	buffer = bpf_map_lookup_elem(&scratch, &zero);
	if (!buffer || !from_1_to(XDPSEC_PAYLOAD_MAX, &length))
		return -1;
	return bpf_xdp_store_bytes(o->xdp, o->at + XDPSEC_OVERHEAD, buffer->bytes + XDPSEC_OVERHEAD, length);
}

#endif
