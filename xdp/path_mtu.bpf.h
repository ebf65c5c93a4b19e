/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: a router says how large a sealed packet may be (RFC 1191, RFC 4443 section 3.2). The sender
 * knows nothing of sealing. So it must be told the size that fits before sealing, or it would send the same
 * size again for ever. The stack applies its own limits to the message.
 *
 * A message that quotes behind the UDP header anything that was not sealed here is forged. A message that
 * quotes no more than the UDP header comes from behind the peer, which has opened the packet and cuts the
 * quote (tc/quote.bpf.h). Or it is forged as well: the most harmful of these are not believed.
 *
 * The stack keeps the MTU for a destination, whatever the packet was that the message quotes. So the most harmful
 * ones are not believed about any other packet to a peer either.
 */
#ifndef XDPSEC_PATH_MTU_BPF_H
#define XDPSEC_PATH_MTU_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/policy_judge.bpf.h"
#include "too_big.bpf.h"

/* The least MTU of IPv4 (RFC 791 section 3.2): an MTU up to this is not changed. Nor is 0: a router older
 * than RFC 1191 gives none, and the stack guesses. */
#define PATH_MTU_MIN 68
/* Practically no link has a smaller MTU. With a smaller one the sender would fragment, and fragments are
 * not sealed. */
#define PATH_MTU_MIN_UNPROVEN XDPSEC_IPV6_MTU_MIN

/* Sockets of these compare a number that the message quotes (RFC 5927 section 4.1; net/ipv4/tcp_ipv4.c, tcp_v4_err;
 * net/sctp/input.c, sctp_err_lookup). */
static __always_inline bool path_mtu_is_checked_by_socket(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_SCTP;
}

/*
 * Is it a message that nothing proves, with which the stack would fragment what it sends to a peer? It believes one about
 * an echo reply that was never sent (net/ipv4/icmp.c, icmp_err), or about the fragment of a datagram, and takes one with
 * IP options or in fragments. IPv6 has no such MTU. A call of its own, for its stack.
 */
static __noinline int path_mtu_harms(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	struct cursor cursor = { data, data, (void *)(long)xdp->data_end };
	struct xdpsec_prefix prefix = { .length = 128 };
	const struct icmp_error *icmp;
	const struct iphdr *ip, *quoted;
	u32 header_length;
	bool pppoe;

	if (packet_ethertype(&cursor, &pppoe) != bpf_htons(ETH_P_IP))
		return false;
	ip = cursor_take(&cursor, sizeof(*ip));
	if (!ip || ip->protocol != IPPROTO_ICMP || ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
		return false;
	header_length = ip->ihl * 4;
	barrier_var(header_length);
	if (header_length < sizeof(*ip) || !cursor_take(&cursor, header_length - sizeof(*ip)))
		return false;
	icmp = cursor_take(&cursor, sizeof(*icmp));
	if (!icmp || icmp->type != ICMP_DEST_UNREACH || icmp->code != ICMP_FRAG_NEEDED ||
	    bpf_ntohs(icmp->mtu_low) >= PATH_MTU_MIN_UNPROVEN)
		return false;
	quoted = cursor_take(&cursor, sizeof(*quoted));
	/* The rest of the quote may come in a later fragment, which has no type. No router makes such a message. */
	if (!quoted)
		return ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS);
	packet_map_ipv4((u32 *)prefix.address, &quoted->daddr);
	return !path_mtu_is_checked_by_socket(quoted->protocol) && bpf_map_lookup_elem(&policies, &prefix);
}

/*
 * A packet that is not UDP, on its way in: if it is such a message, reduce its MTU by the bytes that sealing
 * adds. Our own answers (tc/answer.bpf.h) do not come here: XDP does not see packets redirected into ingress.
 * A call of its own, for its stack.
 */
static __noinline int path_mtu_adjust(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	struct cursor cursor = { data, data, (void *)(long)xdp->data_end };
	struct too_big message;
	struct icmp_error *icmp;
	u16 mtu, lower;
	u32 owner;

	owner = too_big_find(&cursor, &message) && !message.quoted.first_fragment
			? policy_protects_quoted(&message.quoted, message.quoted.destination)
			: 0;
	if (!owner)
		return path_mtu_harms(xdp) ? drop(XDPSEC_DROP_UNPROVEN, XDPSEC_NO_SA) : VERDICT_PASS;
	icmp = message.icmp;
	mtu = bpf_ntohs(icmp->mtu_low);
	if (!message.has_header)
		return mtu < PATH_MTU_MIN_UNPROVEN ? drop(XDPSEC_DROP_UNPROVEN, XDPSEC_NO_SA) : VERDICT_PASS;
	if (!too_big_is_sealed(owner - 1, message.spi, message.sequence))
		return drop(XDPSEC_DROP_UNPROVEN, XDPSEC_NO_SA);
	if (mtu < PATH_MTU_MIN + XDPSEC_OVERHEAD)
		return VERDICT_PASS;
	lower = bpf_htons(mtu - XDPSEC_OVERHEAD);
	icmp->checksum = checksum_replace(icmp->checksum, icmp->mtu_low, lower);
	icmp->mtu_low = lower;
	return VERDICT_PASS;
}

#endif
