/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSS clamping: the maximum segment size in a TCP SYN (RFC 9293 section 3.7.1) is lowered to what fits
 * through the tunnel. Where ICMP is filtered, nothing else would tell the hosts.
 */
#ifndef XDPSEC_MSS_BPF_H
#define XDPSEC_MSS_BPF_H

#include "checksum.bpf.h"
#include "inner.bpf.h"
#include "tcp.bpf.h"

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2
#define TCP_OPTION_MSS_LENGTH 4
#define TCP_OPTIONS_MAX 40

/* Lower the MSS option at this place. If it starts at an odd byte, its halves are swapped in the checksum. */
static __always_inline void mss_lower(struct tcp_header *tcp, u8 *option, u32 at, u16 most)
{
	__be16 *size = (__be16 *)(option + 2);
	u16 before = *size, lower = bpf_htons(most);

	if (option[1] != TCP_OPTION_MSS_LENGTH || bpf_ntohs(before) <= most)
		return;
	*size = lower;
	if (at & 1) {
		before = __builtin_bswap16(before);
		lower = __builtin_bswap16(lower);
	}
	tcp->checksum = checksum_replace(tcp->checksum, before, lower);
}

/*
 * Clamp the MSS if the packet at start is a SYN: no more than fits an IP packet of mtu bytes. zero is a zero
 * that the verifier does not know. A call of its own, for its stack.
 */
static __noinline int mss_clamp(void *start, const void *end, const struct inner *inner, u32 mtu, u32 zero)
{
	u32 header = inner->header_length, at, length, headers, i;
	struct tcp_header *tcp;
	u8 *options;

	headers = sizeof(*tcp) + (inner->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	if (inner->protocol != IPPROTO_TCP || inner->fragment || mtu <= headers)
		return 0;
	barrier_var(header);
	if (header > 60)
		return 0;
	tcp = start + header;
	options = (u8 *)(tcp + 1);
	if ((const void *)options > end || !(tcp->flags & TCP_SYN))
		return 0;
	length = (tcp->offset >> 4) * 4 - sizeof(*tcp);
	/* Memory behind the packet is not part of it. */
	if (length > TCP_OPTIONS_MAX || header + sizeof(*tcp) + length > inner->length)
		return 0;
	at = zero;
	for (i = zero; i < TCP_OPTIONS_MAX && loop_goes_on(); i++) {
		u8 *option;

		barrier_var(at);
		/* Before the mask, which is for the verifier: there is no option behind the header. */
		if (at + TCP_OPTION_MSS_LENGTH > length)
			break;
		at &= 63;
		barrier_var(i);
		i &= 63;
		option = options + at;
		if ((const void *)(option + TCP_OPTION_MSS_LENGTH) > end)
			break;
		if (option[0] == TCP_OPTION_END)
			break;
		if (option[0] == TCP_OPTION_MSS) {
			mss_lower(tcp, option, at, mtu - headers);
			break;
		}
		at += option[0] == TCP_OPTION_NOP ? 1 : option[1] < 2 ? TCP_OPTIONS_MAX : option[1];
	}
	return 0;
}

#endif
