// SPDX-License-Identifier: GPL-2.0-only
/* XDP of the underlay's device, in tunnel mode. */
#include "decapsulate.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("xdp.frags")
int xdpsec_decapsulate(struct xdp_md *xdp)
{
	return xdp_action(decapsulate_packet(xdp));
}
