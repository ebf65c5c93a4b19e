/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room for what sealing adds, made at the tail. bpf_skb_adjust_room() makes it at the head, where a local socket leaves
 * none: it takes new memory, clears it and copies all. The memory of an skb comes in few sizes, so there mostly is room at
 * the tail, and the packet is moved there.
 */
#ifndef XDPSEC_ROOM_BPF_H
#define XDPSEC_ROOM_BPF_H

#include <linux/if_ether.h>

#include "xdpsec/kernel.bpf.h"

/* A longer packet is left to the kernel, whose copy has wider instructions. */
#define ROOM_LENGTH_MAX 2048
#define ROOM_WORDS_MAX (ROOM_LENGTH_MAX / 8)
#define ROOM_GROUP 16 /* words for each turn of the loop */

/*
 * Is that the cheaper way? bpf_skb_change_tail() refuses what is marked as encapsulated, and it leaves alone that the
 * checksum was verified, which is not true of ciphertext.
 */
static __always_inline bool room_is_at_tail(struct __sk_buff *skb, u32 room)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return kernel_skb->data - kernel_skb->head < room && kernel_skb->end - kernel_skb->tail >= room &&
	       !kernel_skb->data_len && skb->len <= ROOM_LENGTH_MAX &&
	       BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed) == CHECKSUM_NONE &&
	       !BPF_CORE_READ_BITFIELD(kernel_skb, encapsulation);
}

/* Move words to where there is room, the last one first. False: beyond the packet. */
static __always_inline bool room_move_words(u8 *to, const u32 words, const u32 room, const void *end)
{
	u32 i;

	if ((const void *)(to + words * 8 + room) > end)
		return false;
#pragma unroll
	for (i = words; i > 0; i--)
		*(u64 *)(to + (i - 1) * 8 + room) = *(u64 *)(to + (i - 1) * 8);
	return true;
}

/* One part of all words, which are counted from the start: the last ones that are left. */
static __always_inline bool room_move_part(u8 *first, u32 *left, const u32 part, const u32 room,
					   const void *end)
{
	u32 words = *left - part;

	barrier_var(words);
	words &= ROOM_WORDS_MAX - 1;
	*left = words;
	return room_move_words(first + words * 8, part, room, end);
}

/* Move what is behind the offset `from`. Its first word may begin up to 7 bytes before that. */
static __always_inline bool room_move(struct __sk_buff *skb, const u32 from, u32 length, const u32 room)
{
	const void *end = (void *)(long)skb->data_end;
	u8 *first = (void *)(long)skb->data + (from - (-length & 7));
	u32 left = (length + 7) / 8;

	if ((left & 1 && !room_move_part(first, &left, 1, room, end)) ||
	    (left & 2 && !room_move_part(first, &left, 2, room, end)) ||
	    (left & 4 && !room_move_part(first, &left, 4, room, end)) ||
	    (left & 8 && !room_move_part(first, &left, 8, room, end)))
		return false;
	while (left && loop_goes_on())
		if (!room_move_part(first, &left, ROOM_GROUP, room, end))
			return false;
	return !left;
}

/* Make room behind the offset `from`. 0, or -1. */
static __always_inline int room_make_at_tail(struct __sk_buff *skb, const u32 from, const u32 room)
{
	u32 length = skb->len - from;

	return bpf_skb_change_tail(skb, skb->len + room, 0) || !room_move(skb, from, length, room) ? -1 : 0;
}

#endif
