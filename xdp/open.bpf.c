// SPDX-License-Identifier: GPL-2.0-only
/* XDP of the protected device. */
#include "open.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("xdp.frags")
int xdpsec_open(struct xdp_md *xdp)
{
	return open_packet(xdp) == VERDICT_PASS ? XDP_PASS : XDP_DROP;
}
