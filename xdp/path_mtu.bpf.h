/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router on the path says how large a packet may be (RFC 1191, RFC 4443 section 3.2): a sealed one. The
 * sender, who knows of no sealing, is to be told what fits before it grows, or it would send the same size
 * again for ever. The stack has limits of its own for what it believes.
 *
 * A message that quotes something else behind the UDP header than was sealed here is a lie. One that quotes
 * no more than that header comes from behind the peer, which has opened the packet and cuts the quote
 * (tc/quote.bpf.h); or it is a lie too, of which the most harmful ones are not believed.
 */
#ifndef XDPSEC_PATH_MTU_BPF_H
#define XDPSEC_PATH_MTU_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/policy.bpf.h"
#include "too_big.bpf.h"

/* The least that IPv4 knows (RFC 791 section 3.2): up to here an MTU is left alone. 0, too: a router older
 * than RFC 1191 leaves the stack to guess. */
#define PATH_MTU_MIN 68
/* Practically no link has less. A sender that was told so would fragment what it sends, and fragments are not
 * sealed. */
#define PATH_MTU_MIN_UNPROVEN XDPSEC_IPV6_MTU_MIN

/*
 * A packet that is not UDP, on its way in: take what sealing adds off the MTU of such a message. Our own
 * answers (tc/answer.bpf.h) do not pass here: XDP does not see what is redirected into ingress. A call of its
 * own, for its stack.
 */
static __noinline int path_mtu_adjust(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	struct cursor cursor = { data, data, (void *)(long)xdp->data_end };
	struct too_big message;
	struct icmp_error *icmp;
	u16 mtu, lower;
	u32 owner;

	if (!too_big_find(&cursor, &message) || message.quoted.first_fragment)
		return VERDICT_PASS;
	owner = policy_protects_quoted(&message.quoted, message.quoted.destination);
	if (!owner)
		return VERDICT_PASS;
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
