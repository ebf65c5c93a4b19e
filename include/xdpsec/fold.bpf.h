/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode: a frame that is longer than the MTU of the tunnel device, where the sender has a larger MTU. A
 * network device receives such a frame if it can; veth does not, as it compares the length with the MTU of
 * the receiving end (drivers/net/veth.c, veth_xdp_xmit: max_len).
 *
 * So the frame is folded. Its head stays in memory in front of what the kernel takes for the frame, and the
 * program at XDP of the near end takes it in again. A number in both parts says that they belong together,
 * because a copy of the frame loses its head. An AF_XDP socket without copies makes the kernel copy
 * (net/core/xdp.c, xdp_convert_zc_to_xdp_frame), so its frames are not folded.
 *
 * A process with CAP_NET_RAW can send a mark out of the far end: PACKET_QDISC_BYPASS passes by TC. The memory
 * in front of its frame is not cleared, and may hold earlier frames of the same process. So the number in
 * front is that of the mark XOR a secret of the instance.
 */
#ifndef XDPSEC_FOLD_BPF_H
#define XDPSEC_FOLD_BPF_H

#include <linux/if_ether.h>

#include "kernel.bpf.h"
#include "abi.h"

/* IEEE 802: local experimental Ethertype 1. Nobody has a protocol of this type, should no program see it. */
#define FOLD_ETHERTYPE ETH_P_802_EX1

/* The mark, in front of the whole frame. */
struct fold {
	__u64 proof;		/* the mark's nonce ^ the secret */
	__u8 covered[ETH_HLEN]; /* what the mark was written over */
	__u8 pad[2];
};

/* The mark, in place of the Ethernet header of the folded frame. */
struct fold_mark {
	__u64 nonce;
	__u32 by; /* how many bytes of the frame are in front of the mark */
	__be16 ethertype;
} __attribute__((packed));

_Static_assert(sizeof(struct fold_mark) == ETH_HLEN, "an Ethernet header");

/* Fold the frame, so that it is shorter by so many bytes. 0, or -errno: it cannot be. */
static __always_inline long fold(struct xdp_md *xdp, u32 by, u64 secret)
{
	const struct xdp_buff *kernel_xdp = bpf_cast_to_kern_ctx(xdp);
	long metadata = kernel_xdp->data - kernel_xdp->data_meta;
	u64 nonce = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	struct fold_mark mark = { nonce, by, bpf_htons(FOLD_ETHERTYPE) };
	struct fold fold = { .proof = nonce ^ secret };

	/* bpf_xdp_adjust_head() moves the metadata of another program along, over the head of the frame. */
	if (!secret || kernel_xdp->rxq->mem.type == MEM_TYPE_XSK_BUFF_POOL ||
	    (metadata > 0 && bpf_xdp_adjust_meta(xdp, metadata)))
		return -EINVAL;
	return bpf_xdp_load_bytes(xdp, by, fold.covered, sizeof(fold.covered))
		       ?: bpf_xdp_adjust_head(xdp, -(int)sizeof(fold))
		       ?: bpf_xdp_store_bytes(xdp, 0, &fold, sizeof(fold))
		       ?: bpf_xdp_adjust_head(xdp, (int)(sizeof(fold) + by))
		       ?: bpf_xdp_store_bytes(xdp, 0, &mark, sizeof(mark));
}

/* The whole frame again. 0, or -errno: its head is lost. */
static __always_inline long fold_undo(struct xdp_md *xdp, const struct fold_mark *mark, u64 secret)
{
	struct fold fold;
	u64 nonce = mark->nonce;
	u32 by = mark->by;
	long err;

	if (!secret || by > XDPSEC_PAYLOAD_MAX)
		return -EINVAL;
	err = bpf_xdp_adjust_head(xdp, -(int)(sizeof(fold) + by))
		      ?: bpf_xdp_load_bytes(xdp, 0, &fold, sizeof(fold));
	if (err || fold.proof != (nonce ^ secret))
		return -EINVAL;
	return bpf_xdp_adjust_head(xdp, sizeof(fold))
		       ?: bpf_xdp_store_bytes(xdp, by, fold.covered, sizeof(fold.covered));
}

#endif
