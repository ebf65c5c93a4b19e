// SPDX-License-Identifier: GPL-2.0-only
/* TC egress of the protected device. */
#include "seal.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("tc")
int xdpsec_seal(struct __sk_buff *skb)
{
	switch (seal_packet(skb, false)) {
	case VERDICT_PASS:
		return TC_ACT_UNSPEC; /* = TCX_NEXT: programs attached behind us see it, too */
	case VERDICT_REDIRECT:
		return TC_ACT_REDIRECT;
	default:
		return TC_ACT_SHOT;
	}
}
