/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path on a veth: what its peer has left undone. A veth's frames were packets of the stack, and what belongs to
 * a frame beside its bytes is invisible to XDP: a checksum that is still to be computed (the peer has `tx on`), and a
 * VLAN tag. The driver keeps the packet behind the frame's description.
 */
#ifndef XDPSEC_FAST_PENDING_BPF_H
#define XDPSEC_FAST_PENDING_BPF_H

#include "xdpsec/fast.bpf.h"

/* drivers/net/veth.c, 6.3 and later */
struct veth_xdp_buff {
	struct xdp_buff xdp;
	struct sk_buff *skb;
} __attribute__((preserve_access_index));

/* May something be left to be done to the frame? */
static __always_inline bool fast_is_pending(struct xdp_md *xdp)
{
	const void *frame = bpf_cast_to_kern_ctx(xdp);
	const struct sk_buff *skb;

	if (!fast_settings.is_veth)
		return false;
	if (!bpf_core_field_exists(((struct veth_xdp_buff *)0)->skb))
		return true;
	skb = kernel_pointer(frame + bpf_core_field_offset(struct veth_xdp_buff, skb));
	/* None: the frame was redirected to the veth, and never was a packet of the stack. */
	if (!skb)
		return false;
	skb = bpf_rdonly_cast(skb, bpf_core_type_id_kernel(struct sk_buff));
	return BPF_CORE_READ_BITFIELD(skb, ip_summed) == CHECKSUM_PARTIAL || skb->vlan_all;
}

#endif
