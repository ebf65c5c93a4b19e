/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AES-OCB (RFC 7253) in place over a sealed payload, with the kernel's ECB as the block cipher: one call to
 * seal, one to open and one more for the pad where the last block is partial.
 *
 *	  header slot (16)   tag slot (16)      n full blocks           r bytes
 *	+------------------+------------------+----------------------+---------+
 *	| pad block input  | checksum ^ Off.. | P_1^Off_1 .. P_n^Off_n|  P_*   |
 *	+------------------+------------------+----------------------+---------+
 *
 * The range is contiguous, so that everything that is to be encrypted lies in a row. With r = 0 it starts at
 * the tag slot.
 *
 * Shapes that are forced. A packet pointer that a loop advances never converges in the verifier; an index
 * that is masked and added to a fixed base does. One block for each turn of a loop costs five times as much
 * as many blocks for each turn.
 */
#ifndef XDPSEC_OCB_BPF_H
#define XDPSEC_OCB_BPF_H

#include "checksum.bpf.h"
#include "kernel.bpf.h"
#include "abi.h"
#include "wire.h"

#define OCB_GROUP 16 /* blocks for each turn of the loop */
#define OCB_GROUPS (XDPSEC_PAYLOAD_MAX / (OCB_GROUP * XDPSEC_BLOCK_LEN))

/* RFC 7253 section 4.2: seven bits of TAGLEN mod 128 = 0, zeros, a one, then the 96 bits of the nonce. */
#define OCB_NONCE_PREFIX 1

/* A sealed payload and its parameters. */
struct ocb {
	u8 *start;	 /* of the header slot; packet or map memory */
	const void *end; /* of that memory, for the verifier */
	u32 length;	 /* of the plaintext, 0 .. XDPSEC_PAYLOAD_MAX */
	const struct xdpsec_sa *sa;
	struct bpf_crypto_ctx *ctx;
	const struct xdpsec_block *hash; /* HASH(K, A) in map memory; NULL, a constant: no associated data */
	struct xdpsec_block offset;	 /* Offset_0 */
};

/* Sums gathered by the passes over the blocks. */
struct ocb_sums {
	struct xdpsec_block checksum; /* RFC 7253's Checksum: XOR of the plaintext */
	u64 words, high;	      /* parts of an RFC 1071 sum: see ocb_sum() */
};

/* The work of one pass over the full blocks, besides XORing each with its offset. */
enum ocb_pass {
	OCB_CHECKSUM_BEFORE = 1 << 0, /* the input is plaintext */
	OCB_CHECKSUM_AFTER = 1 << 1,  /* the output is plaintext */
	OCB_SUM_AFTER = 1 << 2,	      /* RFC 1071 sum of the output */
};

/*
 * Add a word: whole words modulo 2^64, and their upper halves apart. The sum of the lower halves is words -
 * (high << 32), so no word has to be masked. barrier_var: the compiler would keep the terms of many blocks on
 * the stack, to add them up as a tree.
 */
static __always_inline void ocb_add(struct ocb_sums *sums, u64 word)
{
	sums->words += word;
	sums->high += word >> 32;
	barrier_var(sums->words);
	barrier_var(sums->high);
}

/* The RFC 1071 sum of all added words, not folded yet. */
static __always_inline u64 ocb_sum(const struct ocb_sums *sums)
{
	return (u64)checksum_fold(sums->words - (sums->high << 32)) + checksum_fold(sums->high);
}

/* XOR within the register of `to`: without this the compiler copies most of the values first. */
#define OCB_XOR(to, from) asm volatile("%0 ^= %1" : "+r"(to) : "r"(from))

/* One of a block's two words: XOR it with its offset, and gather sums as pass says. */
static __always_inline void ocb_mix(u64 *word, u64 offset, u64 *checksum, struct ocb_sums *sums,
				    const u32 pass)
{
	u64 value = *word;

	if (pass & OCB_CHECKSUM_BEFORE)
		OCB_XOR(*checksum, value);
	OCB_XOR(value, offset);
	if (pass & OCB_CHECKSUM_AFTER)
		OCB_XOR(*checksum, value);
	*word = value;
	if (pass & OCB_SUM_AFTER)
		ocb_add(sums, value);
}

/*
 * One lane (the first or the second words) of 1 to 15 blocks. The block numbers follow a multiple of 16, or
 * of the next larger power of two. Lane by lane and not block by block: one lane needs no more values than
 * there are registers, both lanes do.
 *
 * offset is Offset_(i-1) of the first block and becomes that of the last. RFC 7253 section 4.2: Offset_i =
 * Offset_(i-1) ^ L_ntz(i), and within 15 blocks ntz(i) is 0 to 3. l points to this lane's word of L_0.
 */
static __always_inline void ocb_lane(u64 *words, const u32 blocks, u64 *offset, const u64 *l, u64 *checksum,
				     struct ocb_sums *sums, const u32 pass)
{
	u64 step[3];
	u32 j;

	/* Without this the compiler loads all of L before the loop over the groups, and spills it to the
	 * stack. */
	barrier_var(l);
	step[0] = l[0];
	step[1] = l[2];
	step[2] = l[4];
#pragma unroll
	for (j = 1; j <= blocks; j++) {
		/* L_3 is needed once in 15 blocks, and no register is left to keep it in. */
		OCB_XOR(*offset, j == 8 ? l[6] : step[__builtin_ctz(j)]);
		ocb_mix(words + 2 * (j - 1), *offset, checksum, sums, pass);
	}
}

/*
 * A loop counter that converges: unknown from the start and, masked at each turn, always in the same range.
 * The lower bound of a plain counter would grow with every turn that the verifier follows.
 */
#define OCB_TURNS (2 * OCB_GROUPS)

static __always_inline u32 ocb_first_turn(const struct xdpsec_sa *sa)
{
	u32 turn = sa->zero;

	return turn & (OCB_TURNS - 1);
}

static __always_inline u32 ocb_next_turn(u32 turn)
{
	turn++;
	barrier_var(turn);
	return turn & (OCB_TURNS - 1);
}

/* The blocks behind the last whole group, fewer than 16, are done in parts of 8, 4, 2 and 1, in this order:
 * each part follows a multiple of twice its size, and so has the same sequence of L as a group has. */
static __always_inline void ocb_part(const struct ocb *o, const u32 part, struct xdpsec_block *offset,
				     struct ocb_sums *sums, const u32 pass)
{
	u32 blocks = o->length / XDPSEC_BLOCK_LEN, at;
	const struct xdpsec_block *l = o->sa->l;
	u64 *block;

	barrier_var(blocks);
	if (!(blocks & part))
		return;
	at = blocks & (OCB_GROUPS * OCB_GROUP - 2 * part);
	block = (u64 *)(o->start + XDPSEC_OVERHEAD + at * XDPSEC_BLOCK_LEN);
	if ((const void *)(block + 2 * part) > o->end)
		return;
	ocb_lane(block, part, &offset->a, &l->a, &sums->checksum.a, sums, pass);
	ocb_lane(block + 1, part, &offset->b, &l->b, &sums->checksum.b, sums, pass);
}

/* One pass over all full blocks. Returns Offset_n, that of the last block (Offset_0 where there is none). */
static __always_inline struct xdpsec_block ocb_pass(const struct ocb *o, struct ocb_sums *sums,
						    const u32 pass)
{
	const struct xdpsec_sa *sa = o->sa;
	u8 *first = o->start + XDPSEC_OVERHEAD;
	u32 groups = o->length / XDPSEC_BLOCK_LEN / OCB_GROUP, group;
	struct xdpsec_block offset = o->offset;

	for (group = ocb_first_turn(sa); group < groups && loop_goes_on(); group = ocb_next_turn(group)) {
		const struct xdpsec_block *next;
		u32 at = group;
		u64 *block;

		barrier_var(sa);
		barrier_var(at);
		at &= OCB_GROUPS - 1;
		next = &sa->groups[at + 1];
		block = (u64 *)(first + at * OCB_GROUP * XDPSEC_BLOCK_LEN);
		if ((const void *)(block + 2 * OCB_GROUP) > o->end)
			break;
		ocb_lane(block, OCB_GROUP - 1, &offset.a, &sa->l[0].a, &sums->checksum.a, sums, pass);
		offset.a = o->offset.a ^ next->a;
		ocb_mix(block + 2 * OCB_GROUP - 2, offset.a, &sums->checksum.a, sums, pass);
		ocb_lane(block + 1, OCB_GROUP - 1, &offset.b, &sa->l[0].b, &sums->checksum.b, sums, pass);
		offset.b = o->offset.b ^ next->b;
		ocb_mix(block + 2 * OCB_GROUP - 1, offset.b, &sums->checksum.b, sums, pass);
	}
	ocb_part(o, 8, &offset, sums, pass);
	ocb_part(o, 4, &offset, sums, pass);
	ocb_part(o, 2, &offset, sums, pass);
	ocb_part(o, 1, &offset, sums, pass);
	return offset;
}

/* Shift 16 bytes by fewer than 16 bytes: towards the front (the first bytes are lost) or towards the back. */
static __always_inline struct xdpsec_block ocb_towards_front(struct xdpsec_block v, u32 bytes)
{
	u32 bits = bytes * 8;

	if (bits >= 64)
		return (struct xdpsec_block){ v.b >> (bits - 64), 0 };
	/* Two shifts, as a shift by 64 is undefined. */
	return (struct xdpsec_block){ v.a >> bits | v.b << 1 << (63 - bits), v.b >> bits };
}

static __always_inline struct xdpsec_block ocb_towards_back(struct xdpsec_block v, u32 bytes)
{
	u32 bits = bytes * 8;

	if (bits >= 64)
		return (struct xdpsec_block){ 0, v.a << (bits - 64) };
	return (struct xdpsec_block){ v.a << bits, v.b << bits | v.a >> 1 >> (63 - bits) };
}

/*
 * The last 16 bytes of the payload; the r bytes of the partial block are at their end. There are always 16,
 * as the header and the tag stand in front. False: beyond the memory. The result is not a NULL pointer: in
 * map memory the verifier learns nothing from the comparison, and would follow both branches to the end.
 */
static __always_inline bool ocb_tail(const struct ocb *o, struct xdpsec_block **tail)
{
	u32 at = o->length;
	u8 *start;

	barrier_var(at);
	if (at > XDPSEC_PAYLOAD_MAX)
		return false;
	start = o->start + XDPSEC_OVERHEAD - XDPSEC_BLOCK_LEN + at;
	*tail = (struct xdpsec_block *)start;
	return (const void *)(start + XDPSEC_BLOCK_LEN) <= o->end;
}

/* P_*, zero-padded. */
static __always_inline struct xdpsec_block ocb_partial(const struct xdpsec_block *tail, u32 rest)
{
	return ocb_towards_front(*tail, XDPSEC_BLOCK_LEN - rest);
}

/* P_* || 1 || 0*, as the checksum takes it. */
static __always_inline struct xdpsec_block ocb_padded(struct xdpsec_block partial, u32 rest)
{
	struct xdpsec_block one = ocb_towards_back((struct xdpsec_block){ 0x80, 0 }, rest);

	return (struct xdpsec_block){ partial.a | one.a, partial.b | one.b };
}

/*
 * Offset_0 (RFC 7253 section 4.2) for the 12 bytes of nonce: head is the first four as they lie in memory,
 * tail the other eight in host byte order. Ktop does not depend on the low six bits of the nonce, so it is
 * cached for each CPU and slot, with the id of the SA: the first nonce of two SAs can be the same. 0, or the kfunc's
 * error.
 */
static __always_inline int ocb_start(struct ocb *o, struct xdpsec_ktop *ktop, u32 head, u64 tail)
{
	u64 nonce_head = (u64)head << 32 | bpf_htonl(OCB_NONCE_PREFIX);
	u64 nonce_tail = bpf_cpu_to_be64(tail & ~63ULL);
	u32 bottom = tail & 63;
	u64 a, b, c;

	if (ktop->nonce_tail != nonce_tail || ktop->nonce_head != nonce_head || ktop->id != o->sa->id) {
		struct bpf_dynptr block;
		int err;

		ktop->nonce_head = 0;
		ktop->value = (struct xdpsec_block){ nonce_head, nonce_tail };
		err = bpf_dynptr_from_mem(&ktop->value, sizeof(ktop->value), 0, &block);
		if (!err)
			err = bpf_crypto_encrypt(o->ctx, &block, &block, NULL);
		if (err)
			return err;
		ktop->id = o->sa->id;
		ktop->nonce_tail = nonce_tail;
		ktop->nonce_head = nonce_head;
	}
	/* Stretch = Ktop || (Ktop[1..64] ^ Ktop[9..72]); Offset_0 = Stretch[1+bottom..128+bottom]. */
	a = bpf_be64_to_cpu(ktop->value.a);
	b = bpf_be64_to_cpu(ktop->value.b);
	c = a ^ (a << 8 | b >> 56);
	o->offset.a = bpf_cpu_to_be64(a << bottom | b >> 1 >> (63 - bottom));
	o->offset.b = bpf_cpu_to_be64(b << bottom | c >> 1 >> (63 - bottom));
	return 0;
}

/* Bind the associated data to the tag, or take it off before the tag is deciphered. */
static __always_inline void ocb_bind(const struct ocb *o, struct xdpsec_block *tag)
{
	if (!o->hash)
		return;
	tag->a ^= o->hash->a;
	tag->b ^= o->hash->b;
}

/*
 * Seal the payload behind the two slots. ocb_start() comes first. memory holds o->start at offset at, and is
 * used up. If sum is set, sums gets the RFC 1071 sum of tag and ciphertext. The header slot holds garbage
 * afterwards. 0, or -errno: then the payload is partly overwritten.
 */
static __always_inline int ocb_seal(const struct ocb *o, struct bpf_dynptr *memory, u32 at,
				    struct ocb_sums *sums, bool sum)
{
	const struct xdpsec_sa *sa = o->sa;
	u32 rest = o->length % XDPSEC_BLOCK_LEN;
	u32 full = o->length - rest;
	struct xdpsec_block offset, *header, *tag, *tail;
	int err;

	header = (struct xdpsec_block *)o->start;
	tag = header + 1;
	if ((const void *)(header + 2) > o->end || !ocb_tail(o, &tail))
		return -EINVAL;

	offset = ocb_pass(o, sums, OCB_CHECKSUM_BEFORE);
	if (rest) {
		struct xdpsec_block padded = ocb_padded(ocb_partial(tail, rest), rest);

		sums->checksum.a ^= padded.a;
		sums->checksum.b ^= padded.b;
		offset.a ^= sa->l_star.a;
		offset.b ^= sa->l_star.b;
		*header = offset;
	}
	tag->a = sums->checksum.a ^ offset.a ^ sa->l_dollar.a;
	tag->b = sums->checksum.b ^ offset.b ^ sa->l_dollar.b;

	err = bpf_dynptr_adjust(memory, at + (rest ? 0 : XDPSEC_HEADER_LEN), at + XDPSEC_OVERHEAD + full);
	if (!err)
		err = bpf_crypto_encrypt(o->ctx, memory, memory, NULL);
	if (err)
		return err;
	ocb_bind(o, tag);

	if (sum)
		ocb_pass(o, sums, OCB_SUM_AFTER);
	else
		ocb_pass(o, sums, 0);
	if (rest) {
		struct xdpsec_block pad = ocb_towards_back(*header, XDPSEC_BLOCK_LEN - rest);

		tail->a ^= pad.a;
		tail->b ^= pad.b;
	}
	if (sum) {
		ocb_add(sums, tag->a);
		ocb_add(sums, tag->b);
		if (rest) {
			struct xdpsec_block partial = ocb_partial(tail, rest);

			ocb_add(sums, partial.a);
			ocb_add(sums, partial.b);
		}
	}
	return 0;
}

/* ocb_open() returns this if the tag is wrong. No -errno of the kfuncs has this value. */
#define OCB_FORGED 1

/*
 * Open the payload behind the two slots. ocb_start() comes first. memory holds o->start at offset at, and is
 * used up. If sum is set, sums gets the RFC 1071 sum of the plaintext. 0; OCB_FORGED; or -errno. Except with
 * 0 the payload is garbage and must go nowhere.
 */
static __always_inline int ocb_open(const struct ocb *o, struct bpf_dynptr *memory, u32 at,
				    struct ocb_sums *sums, bool sum)
{
	const struct xdpsec_sa *sa = o->sa;
	u32 rest = o->length % XDPSEC_BLOCK_LEN;
	u32 full = o->length - rest;
	struct xdpsec_block *header = (struct xdpsec_block *)o->start, *tag = header + 1, *tail, offset;
	struct bpf_dynptr pad_input;
	struct ocb_sums none = {};
	int err;

	if ((const void *)(header + 2) > o->end || !ocb_tail(o, &tail))
		return -EINVAL;

	ocb_bind(o, tag);
	offset = ocb_pass(o, &none, 0);
	if (rest) {
		offset.a ^= sa->l_star.a;
		offset.b ^= sa->l_star.b;
		*header = offset;
		err = bpf_dynptr_clone(memory, &pad_input);
		if (!err)
			err = bpf_dynptr_adjust(&pad_input, at, at + XDPSEC_HEADER_LEN);
		if (!err)
			err = bpf_crypto_encrypt(o->ctx, &pad_input, &pad_input, NULL);
		if (err)
			return err;
	}
	err = bpf_dynptr_adjust(memory, at + XDPSEC_HEADER_LEN, at + XDPSEC_OVERHEAD + full);
	if (!err)
		err = bpf_crypto_decrypt(o->ctx, memory, memory, NULL);
	if (err)
		return err;
	if (sum)
		ocb_pass(o, sums, OCB_CHECKSUM_AFTER | OCB_SUM_AFTER);
	else
		ocb_pass(o, sums, OCB_CHECKSUM_AFTER);
	if (rest) {
		struct xdpsec_block pad = ocb_towards_back(*header, XDPSEC_BLOCK_LEN - rest);
		struct xdpsec_block partial, padded;

		tail->a ^= pad.a;
		tail->b ^= pad.b;
		partial = ocb_partial(tail, rest);
		padded = ocb_padded(partial, rest);
		if (sum) {
			ocb_add(sums, partial.a);
			ocb_add(sums, partial.b);
		}
		sums->checksum.a ^= padded.a;
		sums->checksum.b ^= padded.b;
	}
	/* D(T) = Checksum ^ Offset ^ L_$. One comparison over all bits, so that its time does not depend
	 * on where they differ. */
	if ((tag->a ^ sums->checksum.a ^ offset.a ^ sa->l_dollar.a) |
	    (tag->b ^ sums->checksum.b ^ offset.b ^ sa->l_dollar.b))
		return OCB_FORGED;
	return 0;
}

#endif
