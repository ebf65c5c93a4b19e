// SPDX-License-Identifier: GPL-2.0-only
/* Somebody else's XDP program: no UDP over IPv4 to port 5299. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("xdp.frags")
int guard(struct xdp_md *xdp)
{
	struct {
		struct ethhdr ethernet;
		struct iphdr ip;
		struct udphdr udp;
	} __attribute__((packed)) headers;

	if (bpf_xdp_load_bytes(xdp, 0, &headers, sizeof(headers)))
		return XDP_PASS;
	if (headers.ethernet.h_proto != bpf_htons(ETH_P_IP) || headers.ip.protocol != IPPROTO_UDP ||
	    headers.ip.ihl != 5)
		return XDP_PASS;
	return headers.udp.dest == bpf_htons(5299) ? XDP_DROP : XDP_PASS;
}
