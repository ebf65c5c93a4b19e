// SPDX-License-Identifier: GPL-2.0-only
/* Calls of the kernel's cipher on every kind of memory that a dynptr can be of, for bulk_test.c. */
#include "bulk_abi.h"
#include "xdpsec/kernel.bpf.h"

char _license[] SEC("license") = "GPL";

struct slot {
	struct bpf_crypto_ctx __kptr *ctx;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BULK_SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct array_bytes {
	u8 bytes[BULK_ARRAY];
};

/* The kernel has it by vmalloc(). An element for each thread. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BULK_THREADS);
	__type(key, u32);
	__type(value, struct array_bytes);
} array SEC(".maps");

struct per_cpu_bytes {
	u8 bytes[BULK_PER_CPU];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct per_cpu_bytes);
} per_cpu SEC(".maps");

SEC("syscall")
int bulk_install(struct bulk_install_args *args)
{
	struct bpf_crypto_ctx *ctx;
	struct slot *slot;
	u32 key = args->slot;
	int err = 0;

	ctx = bpf_crypto_ctx_create((const struct bpf_crypto_params *)&args->parameters,
				    sizeof(struct bpf_crypto_params), &err);
	if (!ctx)
		return err ?: -EINVAL;
	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot) {
		bpf_crypto_ctx_release(ctx);
		return -EINVAL;
	}
	ctx = bpf_kptr_xchg(&slot->ctx, ctx);
	if (ctx)
		bpf_crypto_ctx_release(ctx);
	return 0;
}

static __always_inline int call(const struct bulk_job *job, struct bpf_dynptr *src, struct bpf_dynptr *dst)
{
	struct bpf_crypto_ctx *ctx;
	struct slot *slot;
	u32 key = job->slot;

	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot)
		return BULK_BROKEN;
	ctx = slot->ctx;
	if (!ctx || bpf_dynptr_adjust(src, job->from, job->from + job->length) ||
	    bpf_dynptr_adjust(dst, job->to, job->to + job->length))
		return BULK_BROKEN;
	return job->decrypt ? bpf_crypto_decrypt(ctx, src, dst, NULL)
			    : bpf_crypto_encrypt(ctx, src, dst, NULL);
}

/* The packet has the job behind its Ethernet header, and what it is about behind that. */
SEC("tc")
int bulk_skb(struct __sk_buff *skb)
{
	struct bpf_dynptr src, dst;
	struct bulk_job job;

	if (bpf_skb_load_bytes(skb, BULK_JOB_OFFSET, &job, sizeof(job)) || bpf_skb_pull_data(skb, skb->len))
		return BULK_BROKEN;
	if (bpf_dynptr_from_skb(skb, 0, &src) || bpf_dynptr_from_skb(skb, 0, &dst))
		return BULK_BROKEN;
	return call(&job, &src, &dst);
}

SEC("xdp")
int bulk_xdp(struct xdp_md *xdp)
{
	struct bpf_dynptr src, dst;
	struct bulk_job job;

	if (bpf_xdp_load_bytes(xdp, BULK_JOB_OFFSET, &job, sizeof(job)))
		return BULK_BROKEN;
	if (bpf_dynptr_from_xdp(xdp, 0, &src) || bpf_dynptr_from_xdp(xdp, 0, &dst))
		return BULK_BROKEN;
	return call(&job, &src, &dst);
}

SEC("tc")
int bulk_array(struct __sk_buff *skb)
{
	struct array_bytes *bytes;
	struct bpf_dynptr src, dst;
	struct bulk_job job;
	u32 key;

	if (bpf_skb_load_bytes(skb, BULK_JOB_OFFSET, &job, sizeof(job)))
		return BULK_BROKEN;
	key = job.thread;
	bytes = bpf_map_lookup_elem(&array, &key);
	if (!bytes || bpf_dynptr_from_mem(bytes, sizeof(*bytes), 0, &src) ||
	    bpf_dynptr_from_mem(bytes, sizeof(*bytes), 0, &dst))
		return BULK_BROKEN;
	return call(&job, &src, &dst);
}

/* On a copy of the thread's element of the array, which gets the result. */
SEC("tc")
int bulk_per_cpu(struct __sk_buff *skb)
{
	struct per_cpu_bytes *copy;
	struct array_bytes *bytes;
	struct bpf_dynptr src, dst;
	struct bulk_job job;
	u32 zero = 0, key;
	int err;

	if (bpf_skb_load_bytes(skb, BULK_JOB_OFFSET, &job, sizeof(job)))
		return BULK_BROKEN;
	key = job.thread;
	bytes = bpf_map_lookup_elem(&array, &key);
	copy = bpf_map_lookup_elem(&per_cpu, &zero);
	if (!bytes || !copy)
		return BULK_BROKEN;
	bpf_probe_read_kernel(copy, sizeof(*copy), bytes);
	if (bpf_dynptr_from_mem(copy, sizeof(*copy), 0, &src) ||
	    bpf_dynptr_from_mem(copy, sizeof(*copy), 0, &dst))
		return BULK_BROKEN;
	err = call(&job, &src, &dst);
	if (bpf_dynptr_from_mem(bytes, sizeof(*bytes), 0, &dst) ||
	    bpf_dynptr_write(&dst, 0, copy, sizeof(*copy), 0))
		return BULK_BROKEN;
	return err;
}
