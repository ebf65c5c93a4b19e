/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router on the path says how large a packet may be (RFC 1191, RFC 4443 section 3.2): a sealed one. The
 * sender, who knows of no sealing, is to be told what fits before it grows, or it would send the same size
 * again for ever.
 *
 * As everywhere, nothing proves such a message. It only lowers an MTU, and the stack has limits of its own.
 */
#ifndef XDPSEC_PATH_MTU_BPF_H
#define XDPSEC_PATH_MTU_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/icmp.bpf.h"
#include "xdpsec/packet.bpf.h"
#include "xdpsec/policy.bpf.h"

/* The least that IPv4 knows (RFC 791 section 3.2): up to here an MTU is left alone. 0, too: a router older
 * than RFC 1191 leaves the stack to guess. */
#define PATH_MTU_MIN 68

/* Of the packet that the router quotes: whose it was. It is not whole, so that its lengths say nothing. */
static __always_inline bool path_mtu_is_protected(struct cursor *cursor, bool ipv6)
{
	struct packet quoted = {};

	if (ipv6)
		packet_ipv6(cursor, &quoted, 0);
	else
		packet_ipv4(cursor, &quoted, 0);
	return quoted.kind == PACKET_UDP && !quoted.first_fragment &&
	       policy_protects_quoted(&quoted, quoted.destination);
}

/* The ICMP or ICMPv6 message that the cursor is at: take what sealing adds off its MTU. */
static __always_inline void path_mtu_lower(struct cursor *cursor, bool ipv6)
{
	struct icmp_error *icmp = cursor_take(cursor, sizeof(*icmp));
	u16 mtu, lower;

	if (!icmp)
		return;
	if (ipv6 ? icmp->type != ICMPV6_PKT_TOOBIG
		 : icmp->type != ICMP_DEST_UNREACH || icmp->code != ICMP_FRAG_NEEDED)
		return;
	/* ICMPv6 has 32 bits; what does not fit 16 is no MTU of a path that sealed packets take. */
	mtu = bpf_ntohs(icmp->mtu_low);
	if ((ipv6 && icmp->mtu_high) || mtu < PATH_MTU_MIN + XDPSEC_OVERHEAD)
		return;
	if (!path_mtu_is_protected(cursor, ipv6))
		return;
	lower = bpf_htons(mtu - XDPSEC_OVERHEAD);
	icmp->checksum = checksum_replace(icmp->checksum, icmp->mtu_low, lower);
	icmp->mtu_low = lower;
}

/*
 * A packet that is not UDP, on its way in. Our own answers (tc/answer.bpf.h) do not pass here: XDP does not
 * see what is redirected into ingress. A call of its own, for its stack.
 */
static __noinline int path_mtu_adjust(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	struct cursor cursor = { data, data, (void *)(long)xdp->data_end };
	__be16 protocol = packet_ethertype(&cursor);

	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = cursor_take(&cursor, sizeof(*ip));

		/* Routers send these without options and in one piece. */
		if (ip && ip->protocol == IPPROTO_ICMP && ip->version == 4 && ip->ihl == 5 &&
		    !(ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)))
			path_mtu_lower(&cursor, false);
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = cursor_take(&cursor, sizeof(*ip));

		if (ip && ip->nexthdr == IPPROTO_ICMPV6)
			path_mtu_lower(&cursor, true);
	}
	return 0;
}

#endif
