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
	return seal_packet(skb, true) == VERDICT_REDIRECT ? TC_ACT_REDIRECT : TC_ACT_SHOT;
}
