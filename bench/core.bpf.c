// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs for BPF_PROG_TEST_RUN: the bare cipher, and wrappers that restore the packet and then tail-call
 * the real program (or an empty one, which gives the time of the wrapper). The cost of undoing the change of
 * length is not subtracted: it counts against the real program.
 */
#include "xdpsec/maps.bpf.h"
#include "core_abi.h"

char _license[] SEC("license") = "GPL";

#define TC_ACT_SHOT 2
#define ETHERNET_LEN 14
#define OVERHEAD 32

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct core_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} next_tc SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} next_xdp SEC(".maps");

struct image {
	u8 bytes[CORE_IMAGE_MAX];
};

struct peer_image {
	u8 bytes[CORE_PEER_IMAGE];
};

/* Plain headers, for sealing; and whole sealed packets, for opening. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct image);
} image SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CORE_PEERS);
	__type(key, u32);
	__type(value, struct peer_image);
} peer_images SEC(".maps");

__u32 turn;

static __always_inline struct core_settings *get_settings(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

/* The whole blocks of the payload, as many as the real programs give to the kfunc but for the tag's. */
static __always_inline int bare(struct __sk_buff *skb, bool encrypt)
{
	struct core_settings *s = get_settings();
	struct bpf_crypto_ctx *ctx;
	struct context *context;
	struct bpf_dynptr memory;
	u32 slot;

	if (!s || s->payload > CORE_PAYLOAD_MAX)
		return 1;
	if (skb->len != CORE_HEADERS + s->payload && bpf_skb_change_tail(skb, CORE_HEADERS + s->payload, 0))
		return 1;
	slot = s->peers > 1 ? s->slot + XDPSEC_SLOTS_PER_PEER * (turn++ % s->peers) : s->slot;
	context = bpf_map_lookup_elem(&contexts, &slot);
	if (!context)
		return 1;
	ctx = context->ctx;
	if (!ctx || bpf_dynptr_from_skb(skb, 0, &memory) ||
	    bpf_dynptr_adjust(&memory, CORE_HEADERS, CORE_HEADERS + (s->payload & ~15)))
		return 1;
	return encrypt ? bpf_crypto_encrypt(ctx, &memory, &memory, NULL)
		       : bpf_crypto_decrypt(ctx, &memory, &memory, NULL);
}

SEC("tc")
int bare_encrypt(struct __sk_buff *skb)
{
	return bare(skb, true);
}

SEC("tc")
int bare_decrypt(struct __sk_buff *skb)
{
	return bare(skb, false);
}

SEC("tc")
int empty_tc(void *skb __attribute__((unused)))
{
	return 0;
}

SEC("xdp.frags")
int empty_xdp(void *xdp __attribute__((unused)))
{
	return XDP_PASS;
}

/* Before each packet to be sealed: shrink it again, write the plain headers; the payload may be anything. */
SEC("tc")
int before_seal(struct __sk_buff *skb)
{
	struct core_settings *s = get_settings();
	u32 zero = 0, length, i;
	struct image *from;
	int grown;
	u16 *to;

	from = bpf_map_lookup_elem(&image, &zero);
	if (!s || !from || s->payload > CORE_PAYLOAD_MAX)
		return TC_ACT_SHOT;
	length = s->headers + s->payload;
	grown = CORE_HEADERS + OVERHEAD - s->headers;
	if (skb->len == length + grown) {
		if (bpf_skb_adjust_room(skb, -grown, grown == OVERHEAD ? BPF_ADJ_ROOM_NET : BPF_ADJ_ROOM_MAC,
					0))
			return TC_ACT_SHOT;
	} else if (skb->len != length && bpf_skb_change_tail(skb, length, 0)) {
		return TC_ACT_SHOT;
	}
	to = (void *)(long)skb->data;
	if ((void *)(to + CORE_HEADERS / 2) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
#pragma unroll
	for (i = 0; i < CORE_HEADERS / 2; i++)
		to[i] = ((u16 *)from->bytes)[i];
	if (s->peers > 1) {
		/* The last two bytes of the destination, 198.18.0.0/15 (RFC 2544). */
		u32 peer = turn++ % s->peers;

		to[(ETHERNET_LEN + 18) / 2] = bpf_htons(peer);
	}
	bpf_tail_call(skb, &next_tc, 0);
	return TC_ACT_SHOT;
}

/* Before each packet to be opened: put the sealed one in its place and forget that it has been received. */
SEC("xdp.frags")
int before_open(struct xdp_md *xdp)
{
	struct core_settings *s = get_settings();
	struct xdpsec_replay *window;
	struct xdpsec_ktop *ktop;
	u32 zero = 0, slot, length;

	if (!s || s->payload > CORE_PAYLOAD_MAX)
		return XDP_ABORTED;
	if (s->restore && bpf_xdp_get_buff_len(xdp) == s->headers + s->payload &&
	    bpf_xdp_adjust_head(xdp, -(int)(CORE_HEADERS + OVERHEAD - s->headers)))
		return XDP_ABORTED;
	length = CORE_HEADERS + OVERHEAD + s->payload;
	if (s->peers > 1) {
		u32 peer = turn++ % s->peers;
		struct peer_image *from = bpf_map_lookup_elem(&peer_images, &peer);

		if (!from || !from_1_to(CORE_PEER_IMAGE, &length) ||
		    bpf_xdp_store_bytes(xdp, 0, from->bytes, length))
			return XDP_ABORTED;
		slot = s->first_slot + XDPSEC_SLOTS_PER_PEER * peer;
	} else {
		struct image *from = bpf_map_lookup_elem(&image, &zero);

		if (!from || !from_1_to(CORE_IMAGE_MAX, &length) ||
		    bpf_xdp_store_bytes(xdp, 0, from->bytes, length))
			return XDP_ABORTED;
		turn++;
		slot = s->slot;
	}
	/* The images have low sequence numbers: one word of the window is all there is to forget. */
	window = bpf_map_lookup_elem(&replay_windows, &slot);
	ktop = bpf_map_lookup_elem(&ktops, &slot);
	if (!window || !ktop)
		return XDP_ABORTED;
	window->next = 0;
	window->bitmap[0] = 0;
	/* Real packets need a new Ktop every 64. */
	if (turn % 64 == 0)
		ktop->nonce_head = 0;
	bpf_tail_call(xdp, &next_xdp, 0);
	return XDP_ABORTED;
}

/*
 * For processors that open with one SA at the same time: each has an image of its own, by its index, and forgets only
 * that it has received this one. It takes the window's lock for that, which counts against the real program. Ktop stays.
 */
SEC("xdp.frags")
int before_open_each(struct xdp_md *xdp)
{
	u32 processor = bpf_get_smp_processor_id(), length, slot;
	u64 number = CORE_SEQUENCE(processor) + 1; /* replay.bpf.h */
	struct core_settings *s = get_settings();
	struct peer_image *from = bpf_map_lookup_elem(&peer_images, &processor);
	struct xdpsec_replay *window;

	if (!s || !from || s->payload > CORE_PAYLOAD_MAX)
		return XDP_ABORTED;
	if (bpf_xdp_get_buff_len(xdp) == s->headers + s->payload &&
	    bpf_xdp_adjust_head(xdp, -(int)(CORE_HEADERS + OVERHEAD - s->headers)))
		return XDP_ABORTED;
	length = CORE_HEADERS + OVERHEAD + s->payload;
	slot = s->slot;
	window = bpf_map_lookup_elem(&replay_windows, &slot);
	if (!window || !from_1_to(CORE_PEER_IMAGE, &length) ||
	    bpf_xdp_store_bytes(xdp, 0, from->bytes, length))
		return XDP_ABORTED;
	bpf_spin_lock(&window->lock);
	window->bitmap[(number >> 6) & (XDPSEC_REPLAY_WORDS - 1)] &= ~(1ULL << (number & 63));
	bpf_spin_unlock(&window->lock);
	bpf_tail_call(xdp, &next_xdp, 0);
	return XDP_ABORTED;
}
