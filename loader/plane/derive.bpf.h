/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of an SA, from its key (RFC 7253), and its id, from this instance. */
#ifndef XDPSEC_DERIVE_BPF_H
#define XDPSEC_DERIVE_BPF_H

#include "xdpsec/maps.bpf.h"

/* An id that no SA of this instance has had. 0: none. */
static __always_inline u64 sa_new_id(void)
{
	u32 zero = 0;
	u64 *last = bpf_map_lookup_elem(&sa_ids, &zero);

	return last ? __sync_fetch_and_add(last, 1) + 1 : 0;
}

/* RFC 7253 section 2: double(S), the multiplication by x in GF(2^128). */
static __always_inline struct xdpsec_block doubled(struct xdpsec_block v)
{
	u64 a = bpf_be64_to_cpu(v.a), b = bpf_be64_to_cpu(v.b);
	u64 carry = a >> 63;

	/* Not by a branch, nor by a mask made of the sign: the verifier follows two paths for either (for
	 * the mask seen on 6.18), and there are thirteen doublings. */
	barrier_var(carry);
	return (struct xdpsec_block){ bpf_cpu_to_be64(a << 1 | b >> 63),
				      bpf_cpu_to_be64(b << 1 ^ carry * 0x87) };
}

/*
 * table[i] = C_(i * 2^shift), where C_n is the XOR of L_k over the bits k of the Gray code of n. From one
 * entry to the next, i ^ (i - 1) is a run of ones up to bit ntz(i); its Gray code is that bit alone and,
 * once shifted, the one below the run.
 */
static __always_inline void fill(struct xdpsec_block *table, const u32 entries, const struct xdpsec_block *l,
				 const u32 shift)
{
	u32 i;

	table[0] = (struct xdpsec_block){};
#pragma unroll
	for (i = 1; i < entries; i++) {
		const struct xdpsec_block *top = &l[__builtin_ctz(i) + shift];

		table[i].a = table[i - 1].a ^ top->a ^ (shift ? l[shift - 1].a : 0);
		table[i].b = table[i - 1].b ^ top->b ^ (shift ? l[shift - 1].b : 0);
	}
}

struct derivation {
	struct xdpsec_block l[12]; /* L_0 .. */
};

/* Not on the stack: it has 192 bytes, and the unrolled code spills as many again. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct derivation);
} derivations SEC(".maps");

/* Derive values from the key (RFC 7253 section 4.1), in the kernel, so that user space never has them. */
static __always_inline bool derive(u32 slot)
{
	struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &slot);
	struct context *context = bpf_map_lookup_elem(&contexts, &slot);
	u32 zero = 0, k;
	struct derivation *d = bpf_map_lookup_elem(&derivations, &zero);
	struct bpf_crypto_ctx *ctx;
	struct bpf_dynptr block;

	if (!sa || !context || !d)
		return false;
	ctx = context->ctx;
	if (!ctx)
		return false;
	sa->l_star = (struct xdpsec_block){};
	if (bpf_dynptr_from_mem(&sa->l_star, sizeof(sa->l_star), 0, &block) ||
	    bpf_crypto_encrypt(ctx, &block, &block, NULL))
		return false;
	sa->l_dollar = doubled(sa->l_star);
	d->l[0] = doubled(sa->l_dollar);
#pragma unroll
	for (k = 1; k < 12; k++)
		d->l[k] = doubled(d->l[k - 1]);
#pragma unroll
	for (k = 0; k < 4; k++)
		sa->l[k] = d->l[k];
	fill(sa->groups, 65, d->l, 4);
	__builtin_memset(d, 0, sizeof(*d));
	return true;
}

#endif
