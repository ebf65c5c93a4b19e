// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts are created and exchanged here. Only a program of type "syscall" may create one; it gets the key
 * through its ctx_in. bpf_kptr_xchg puts the context into its slot, so that a slot in use is never empty.
 */
#include "plane/derive.bpf.h"
#include "plane/sa_abi.h"
#include "xdpsec/maps.bpf.h"

char _license[] SEC("license") = "GPL";

static __always_inline int put(u32 slot, struct bpf_crypto_ctx *ctx)
{
	struct context *context = bpf_map_lookup_elem(&contexts, &slot);
	struct bpf_crypto_ctx *old;

	if (!context) {
		if (ctx)
			bpf_crypto_ctx_release(ctx);
		return -EINVAL;
	}
	old = bpf_kptr_xchg(&context->ctx, ctx);
	if (old)
		bpf_crypto_ctx_release(old);
	return 0;
}

SEC("syscall")
int sa_install(struct sa_install_args *args)
{
	struct bpf_crypto_ctx *ctx;
	int err = 0;

	ctx = bpf_crypto_ctx_create((const struct bpf_crypto_params *)&args->parameters,
				    sizeof(struct bpf_crypto_params), &err);
	/* The kernel copies ctx_in back and frees its copy without wiping it. */
	__builtin_memset(args->parameters.key, 0, sizeof(args->parameters.key));
	if (!ctx)
		err = err ?: -EINVAL;
	else
		err = put(args->slot, ctx);
	args->error = err;
	return err;
}

SEC("syscall")
int sa_share(struct sa_share_args *args)
{
	struct bpf_crypto_ctx *ctx;
	struct context *from;
	u32 slot = args->from;

	from = bpf_map_lookup_elem(&contexts, &slot);
	if (!from)
		return -EINVAL;
	bpf_rcu_read_lock();
	ctx = from->ctx;
	if (ctx)
		ctx = bpf_crypto_ctx_acquire(ctx);
	bpf_rcu_read_unlock();
	if (!ctx)
		return -ENOENT;
	return put(args->to, ctx);
}

SEC("syscall")
int sa_remove(struct sa_remove_args *args)
{
	return put(args->slot, NULL);
}

SEC("syscall")
int sa_bind(struct sa_bind_args *args)
{
	u32 slot = args->slot;
	struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &slot);

	if (!sa || args->binding > XDPSEC_BIND_ADDRESSES)
		return -EINVAL;
	sa->binding = args->binding;
	return 0;
}

SEC("tc")
int sa_derive(struct __sk_buff *skb)
{
	struct xdpsec_sa *sa;
	u32 slot;

	if (bpf_skb_load_bytes(skb, SA_DERIVE_SLOT_OFFSET, &slot, sizeof(slot)))
		return 1;
	sa = bpf_map_lookup_elem(&sas, &slot);
	if (!sa)
		return 1;
	/* Before anything can be cached under it. */
	sa->id = sa_new_id();
	return !sa->id || !derive(slot);
}
