// SPDX-License-Identifier: GPL-2.0-only
/* TC ingress of the tunnel device's far end, of an instance with a fast path. */
#define ENCAPSULATE_FAST
#include "encapsulate.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("tc")
int xdpsec_encapsulate(struct __sk_buff *skb)
{
	return encapsulate_packet(skb) == VERDICT_REDIRECT ? TC_ACT_REDIRECT : TC_ACT_SHOT;
}
