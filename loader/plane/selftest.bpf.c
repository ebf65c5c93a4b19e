// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sealing and opening code of the real programs for arbitrary nonces: the published vectors have nonces
 * that our packets cannot have. Run by BPF_PROG_TEST_RUN, never attached.
 */
#include "plane/sa_abi.h"
#include "xdpsec/maps.bpf.h"
#include "xdpsec/ocb.bpf.h"

char _license[] SEC("license") = "GPL";

/* Set up o for the frame, including Offset_0. The payload is length - overhead bytes long. */
static __always_inline bool prepare(struct ocb *o, void *data, void *data_end, u32 length)
{
	struct xdpsec_header *header = data + VECTOR_ETHERNET_LEN;
	struct xdpsec_ktop *ktop;
	struct context *context;
	u32 slot, head;

	if ((void *)(header + 1) > data_end || length < VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD ||
	    length > VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD + XDPSEC_PAYLOAD_MAX)
		return false;
	slot = header->spi;
	o->start = (u8 *)header;
	o->end = data_end;
	o->length = length - VECTOR_ETHERNET_LEN - XDPSEC_OVERHEAD;
	o->hash = NULL;
	o->sa = bpf_map_lookup_elem(&sas, &slot);
	context = bpf_map_lookup_elem(&contexts, &slot);
	ktop = bpf_map_lookup_elem(&ktops, &slot);
	if (!o->sa || !context || !ktop)
		return false;
	o->ctx = context->ctx;
	if (!o->ctx)
		return false;
	head = *(u32 *)((u8 *)header + XDPSEC_NONCE_OFFSET);
	return !ocb_start(o, ktop, head, bpf_be64_to_cpu(header->sequence));
}

SEC("tc")
int seal_vector(struct __sk_buff *skb)
{
	struct ocb_sums sums = {};
	struct xdpsec_header *header, saved;
	struct bpf_dynptr memory;
	struct ocb o;

	if (bpf_skb_pull_data(skb, skb->len) ||
	    !prepare(&o, (void *)(long)skb->data, (void *)(long)skb->data_end, skb->len))
		return VECTOR_ERROR;
	header = (struct xdpsec_header *)o.start;
	saved = *header;
	if (bpf_dynptr_from_skb(skb, 0, &memory) || ocb_seal(&o, &memory, VECTOR_ETHERNET_LEN, &sums, true))
		return VECTOR_ERROR;
	*header = saved;
	return VECTOR_DONE;
}

SEC("xdp.frags")
int open_vector(struct xdp_md *xdp)
{
	struct xdpsec_header *header, saved;
	struct bpf_dynptr memory;
	struct ocb_sums sums = {};
	struct ocb o;
	int err;

	if (!prepare(&o, (void *)(long)xdp->data, (void *)(long)xdp->data_end, bpf_xdp_get_buff_len(xdp)))
		return VECTOR_ERROR;
	header = (struct xdpsec_header *)o.start;
	saved = *header;
	if (bpf_dynptr_from_xdp(xdp, 0, &memory))
		return VECTOR_ERROR;
	err = ocb_open(&o, &memory, VECTOR_ETHERNET_LEN, &sums, true);
	*header = saved;
	if (err)
		return err == OCB_FORGED ? VECTOR_TAG_FAILED : VECTOR_ERROR;
	return VECTOR_DONE;
}
