/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: messages of the key agreement to an address that is protected leave in clear. Only the agent can send such:
 * they come from its one socket, which the kernel knows by its cookie. Neither another socket on that port nor a forwarded
 * packet has it.
 */
#ifndef XDPSEC_CONTROL_OUT_BPF_H
#define XDPSEC_CONTROL_OUT_BPF_H

#include <linux/udp.h>

#include "xdpsec/control.bpf.h"
#include "xdpsec/packet.bpf.h"

/* A call of its own, for its stack: packets from port to port are rare. */
static __noinline int control_leaves(struct __sk_buff *skb, const struct packet *packet)
{
	const struct xdpsec_owner *owner = control_owner();
	struct control control;

	if (!owner || !owner->control_cookie || packet->bad_lengths || skb->gso_size ||
	    bpf_get_socket_cookie(skb) != owner->control_cookie ||
	    bpf_skb_load_bytes(skb, packet->l4 + sizeof(struct udphdr), &control, sizeof(control)))
		return false;
	return control_has_shape(&control, packet->udp_length - sizeof(struct udphdr));
}

#endif
