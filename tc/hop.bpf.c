// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the hop device's far end. The near end has no offloads, so the stack has segmented these
 * packets and filled in their checksums. Sealed packets go to the protected device; all others are dropped.
 */
#include "seal.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("tc")
int xdpsec_hop(struct __sk_buff *skb)
{
	return seal_packet(skb, true) == VERDICT_REDIRECT ? TC_ACT_REDIRECT : TC_ACT_SHOT;
}
