/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the key agreement on their way in: they pass to the agent's socket if they have the right shape, and if
 * there are not too many. Nothing of them is authenticated here.
 */
#ifndef XDPSEC_CONTROL_IN_BPF_H
#define XDPSEC_CONTROL_IN_BPF_H

#include <linux/udp.h>

#include "xdpsec/control.bpf.h"
#include "xdpsec/drop.bpf.h"
#include "xdpsec/packet.bpf.h"

/* The most messages of a flood that reach the stack, on each CPU. */
#define CONTROL_PER_SECOND 50000
#define CONTROL_BURST 1000
#define CONTROL_TOKEN_NS (1000000000 / CONTROL_PER_SECOND)

/* Anybody can send Initiations. The others are answers to what we have sent, so a flood of Initiations leaves them alone. */
enum control_bucket {
	CONTROL_ASKS,
	CONTROL_ANSWERS,
	CONTROL_BUCKETS,
};

struct control_tokens {
	u64 updated; /* CLOCK_MONOTONIC, ns, coarse */
	u64 tokens;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONTROL_BUCKETS);
	__type(key, u32);
	__type(value, struct control_tokens);
} control_tokens SEC(".maps");

static __always_inline bool control_take_token(u32 which)
{
	struct control_tokens *bucket = bpf_map_lookup_elem(&control_tokens, &which);
	u64 now = bpf_ktime_get_coarse_ns(), gained;

	if (!bucket)
		return false;
	gained = (now - bucket->updated) / CONTROL_TOKEN_NS;
	if (gained) {
		bucket->updated = now;
		bucket->tokens += gained;
		if (bucket->tokens > CONTROL_BURST)
			bucket->tokens = CONTROL_BURST;
	}
	if (!bucket->tokens)
		return false;
	bucket->tokens--;
	return true;
}

/* Does the UDP payload start with SPI 0? Then control gets its first 16 bytes. */
static __always_inline bool control_read(struct xdp_md *xdp, const struct packet *packet,
					 struct control *control)
{
	u32 at = packet->l4 + sizeof(struct udphdr);

	return packet->udp_length >= sizeof(struct udphdr) + sizeof(*control) &&
	       !bpf_xdp_load_bytes(xdp, at, control, sizeof(*control)) && !control->spi;
}

/* May a message with SPI 0 to our port go to the socket? DROP_NONE, or the reason to drop it. */
static __always_inline u32 control_judge(const struct packet *packet, const struct control *control)
{
	bool asks = control->type == CONTROL_INITIATION;
	u32 session = bpf_ntohl(control->session);

	if (!control_has_shape(control, packet->udp_length - sizeof(struct udphdr)))
		return XDPSEC_DROP_MALFORMED;
	if (!asks && !bpf_map_lookup_elem(&asking, &session) && !bpf_map_lookup_elem(&spis, &session))
		return XDPSEC_DROP_LATE_ANSWER;
	return control_take_token(asks ? CONTROL_ASKS : CONTROL_ANSWERS) ? DROP_NONE
									 : XDPSEC_DROP_CONTROL_FLOOD;
}

#endif
