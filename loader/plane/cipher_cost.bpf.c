// SPDX-License-Identifier: GPL-2.0-only
/* One call of the kernel's cipher over a packet's worth of bytes, to be timed by BPF_PROG_TEST_RUN. No key is in it. */
#include "plane/sa_abi.h"
#include "xdpsec/kernel.bpf.h"

char _license[] SEC("license") = "GPL";

struct timed {
	struct bpf_crypto_ctx __kptr *ctx;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timed);
} timed_contexts SEC(".maps");

struct timed_packet {
	u8 bytes[CIPHER_COST_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timed_packet);
} timed_packets SEC(".maps");

SEC("syscall")
int cost_prepare(struct sa_crypto_parameters *parameters)
{
	struct bpf_crypto_ctx *ctx;
	struct timed *timed;
	u32 zero = 0;
	int err = 0;

	timed = bpf_map_lookup_elem(&timed_contexts, &zero);
	if (!timed)
		return -EINVAL;
	ctx = bpf_crypto_ctx_create((const struct bpf_crypto_params *)parameters,
				    sizeof(struct bpf_crypto_params), &err);
	if (!ctx)
		return err ?: -EINVAL;
	ctx = bpf_kptr_xchg(&timed->ctx, ctx);
	if (ctx)
		bpf_crypto_ctx_release(ctx);
	return 0;
}

SEC("tc")
int cost_encrypt(struct __sk_buff *skb __attribute__((unused)))
{
	struct bpf_crypto_ctx *ctx;
	struct bpf_dynptr bytes;
	struct timed_packet *packet;
	struct timed *timed;
	u32 zero = 0;

	timed = bpf_map_lookup_elem(&timed_contexts, &zero);
	packet = bpf_map_lookup_elem(&timed_packets, &zero);
	if (!timed || !packet)
		return 1;
	ctx = timed->ctx;
	if (!ctx || bpf_dynptr_from_mem(packet, sizeof(*packet), 0, &bytes))
		return 1;
	return bpf_crypto_encrypt(ctx, &bytes, &bytes, NULL) ? 1 : 0;
}
