// SPDX-License-Identifier: GPL-2.0-only
/* XDP that forwards, and does nothing else: a route with its neighbour, one hop less to live, a redirect. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10
#define IP_FRAGMENT 0x3fff /* offset, and "more fragments" */

char _license[] SEC("license") = "GPL";

static __always_inline bool find_ipv4(struct xdp_md *xdp, const struct iphdr *ip,
				      struct bpf_fib_lookup *lookup)
{
	if (ip->ihl != 5 || ip->ttl <= 1 || ip->frag_off & bpf_htons(IP_FRAGMENT))
		return false;
	lookup->family = AF_INET;
	lookup->l4_protocol = ip->protocol;
	lookup->tot_len = bpf_ntohs(ip->tot_len);
	lookup->ipv4_src = ip->saddr;
	lookup->ipv4_dst = ip->daddr;
	return bpf_fib_lookup(xdp, lookup, sizeof(*lookup), 0) == BPF_FIB_LKUP_RET_SUCCESS;
}

static __always_inline bool find_ipv6(struct xdp_md *xdp, const struct ipv6hdr *ip,
				      struct bpf_fib_lookup *lookup)
{
	if (ip->hop_limit <= 1 || ip->nexthdr == IPPROTO_HOPOPTS)
		return false;
	lookup->family = AF_INET6;
	lookup->l4_protocol = ip->nexthdr;
	lookup->tot_len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	__builtin_memcpy(lookup->ipv6_src, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(lookup->ipv6_dst, &ip->daddr, sizeof(ip->daddr));
	return bpf_fib_lookup(xdp, lookup, sizeof(*lookup), 0) == BPF_FIB_LKUP_RET_SUCCESS;
}

static __always_inline void decrease_ttl(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

SEC("xdp.frags")
int forward(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	struct bpf_fib_lookup lookup = { .ifindex = xdp->ingress_ifindex };
	struct ethhdr *ethernet = data;
	struct ipv6hdr *ip6 = (void *)(ethernet + 1);
	struct iphdr *ip = (void *)(ethernet + 1);

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP) && find_ipv4(xdp, ip, &lookup))
		decrease_ttl(ip);
	else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6) && (void *)(ip6 + 1) <= data_end &&
		 find_ipv6(xdp, ip6, &lookup))
		ip6->hop_limit--;
	else
		return XDP_PASS;
	__builtin_memcpy(ethernet->h_dest, lookup.dmac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, lookup.smac, ETH_ALEN);
	return (int)bpf_redirect(lookup.ifindex, 0);
}
