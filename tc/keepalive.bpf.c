// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC egress of the tunnel device's far end. The kernel's neighbour probes become keepalives; all other frames
 * are dropped.
 */
#include <linux/pkt_cls.h>

#include "keepalive.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("tc")
int xdpsec_keepalive(struct __sk_buff *skb)
{
	return keepalive_make_tick(skb) ? bpf_redirect(skb->ifindex, BPF_F_INGRESS) : TC_ACT_SHOT;
}
