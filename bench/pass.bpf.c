// SPDX-License-Identifier: GPL-2.0-only
/* XDP that does nothing: what the device does for any program is what is left. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("xdp.frags")
int pass(struct xdp_md *xdp)
{
	(void)xdp;
	return XDP_PASS;
}
