// SPDX-License-Identifier: GPL-2.0-only
/* XDP of the protected device, in front of another instance's program. */
#include "open.bpf.h"
#include "next.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("xdp.frags")
int xdpsec_open(struct xdp_md *xdp)
{
	return open_packet(xdp) == VERDICT_PASS ? next_judge(xdp) : XDP_DROP;
}
