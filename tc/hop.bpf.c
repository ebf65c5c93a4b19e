// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the hop device's far end. Its near end has no offloads, so that the stack has segmented
 * what comes here and filled in its checksums. Sealed, it goes to the protected device; nothing else leaves.
 */
#include "seal.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("tc")
int xdpsec_hop(struct __sk_buff *skb)
{
	struct xdpsec_config *c;
	u32 zero = 0;

	switch (seal_packet(skb, true)) {
	case VERDICT_PASS:
		c = bpf_map_lookup_elem(&config, &zero);
		return c ? bpf_redirect(c->device, 0) : TC_ACT_SHOT;
	case VERDICT_REDIRECT:
		return TC_ACT_REDIRECT;
	default:
		return TC_ACT_SHOT;
	}
}
