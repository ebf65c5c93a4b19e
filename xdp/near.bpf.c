// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP of a tunnel's near end. With any program the device receives without GRO (loader/net/napi.h). This one
 * unfolds frames that were folded on their way here.
 */
#include "xdpsec/fold.bpf.h"

char _license[] SEC("license") = "GPL";

/* The first word of hop_secret in the configuration. 0: no frame is unfolded. */
const volatile __u64 near_secret = 0;

SEC("xdp.frags")
int xdpsec_near(struct xdp_md *xdp)
{
	const struct fold_mark *mark = (const void *)(long)xdp->data;

	if ((const void *)(mark + 1) > (const void *)(long)xdp->data_end ||
	    mark->ethertype != bpf_htons(FOLD_ETHERTYPE))
		return XDP_PASS;
	return fold_undo(xdp, mark, near_secret) ? XDP_DROP : XDP_PASS;
}
