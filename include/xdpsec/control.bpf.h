/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the key agreement: UDP with SPI 0, which no sealed packet has (docs/agreement.md). Here only their shape. */
#ifndef XDPSEC_CONTROL_BPF_H
#define XDPSEC_CONTROL_BPF_H

#include "kernel.bpf.h"
#include "maps.bpf.h"
#include "wire.h"

#define CONTROL_VERSION 1

enum control_type {
	CONTROL_INITIATION = 1,
	CONTROL_RESPONSE,
	CONTROL_COOKIE,
	CONTROL_CONFIRM,
	CONTROL_ACK,
};

struct control {
	__be32 spi; /* 0 */
	__u8 type;
	__u8 version;
	__be16 reserved; /* zero, as the other one */
	__be32 session;	 /* an SPI */
	__be32 reserved2;
};

/* Each kind has one length, in bytes of UDP payload. */
static __always_inline u32 control_length(u8 type)
{
	switch (type) {
	case CONTROL_INITIATION:
		return 176;
	case CONTROL_RESPONSE:
		return 112;
	case CONTROL_COOKIE:
		return 80;
	case CONTROL_CONFIRM:
	case CONTROL_ACK:
		return 32;
	default:
		return 0;
	}
}

static __always_inline bool control_has_shape(const struct control *control, u32 length)
{
	return !control->spi && control->version == CONTROL_VERSION && !control->reserved &&
	       !control->reserved2 && length && length == control_length(control->type);
}

static __always_inline const struct xdpsec_owner *control_owner(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&instance_owner, &zero);
}

#endif
