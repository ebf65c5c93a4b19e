/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: a router says how large a sealed packet may be (RFC 1191, RFC 4443 section 3.2). The sender
 * knows nothing of sealing. So it must be told the size that fits before sealing, or it would send the same
 * size again for ever. The stack applies its own limits to the message.
 *
 * A message that quotes behind the UDP header anything that was not sealed here is forged. A message that
 * quotes no more than the UDP header comes from behind the peer, which has opened the packet and cuts the
 * quote (tc/quote.bpf.h). Or it is forged as well: the most harmful of these are not believed.
 */
#ifndef XDPSEC_PATH_MTU_BPF_H
#define XDPSEC_PATH_MTU_BPF_H

#include "xdpsec/checksum.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/policy.bpf.h"
#include "too_big.bpf.h"

/* The least MTU of IPv4 (RFC 791 section 3.2): an MTU up to this is not changed. Nor is 0: a router older
 * than RFC 1191 gives none, and the stack guesses. */
#define PATH_MTU_MIN 68
/* Practically no link has a smaller MTU. With a smaller one the sender would fragment, and fragments are
 * not sealed. */
#define PATH_MTU_MIN_UNPROVEN XDPSEC_IPV6_MTU_MIN

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
