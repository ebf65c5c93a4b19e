/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parser for frames that shares nothing with that of the programs. It follows the RFCs and the limits in
 * docs/architecture.md, and accepts any bytes.
 */
#ifndef XDPSEC_FUZZ_VIEW_H
#define XDPSEC_FUZZ_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum view_kind {
	VIEW_OTHER,	 /* neither UDP nor a piece of it */
	VIEW_UDP,	 /* with its ports */
	VIEW_FIRST,	 /* a first fragment, with its ports */
	VIEW_LATER,	 /* a fragment without ports, of what may be UDP */
	VIEW_UNREADABLE, /* to these addresses, and then something that cannot be */
};

struct view {
	enum view_kind kind;
	int family; /* 4, 6, or 0: the rest means nothing */
	unsigned int vlans;
	uint8_t protocol;		     /* what is behind the IP headers */
	size_t network, transport;	     /* offsets in the frame */
	uint8_t source[16], destination[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t source_port, destination_port;
	uint32_t id;		      /* of the fragment */
	size_t ip_length, udp_length; /* as IP has them */
	bool detour;		      /* a routing header leads elsewhere first */
	bool consistent;	      /* frame, IP and UDP agree on the lengths */
};

struct view view_of(const uint8_t *bytes, size_t length);

/* The offset of ICMP right behind an IP header; 0: no ICMP. */
size_t view_icmp(const struct view *view, const uint8_t *bytes, size_t length);

/* The packet that an ICMP message quotes, and how much of its payload. about->family is 0 if it quotes
 * nothing. */
size_t view_quoted(const struct view *view, const uint8_t *bytes, size_t length, struct view *about,
		   const uint8_t **payload);

/* Offset of the payload, and its length; of UDP that is consistent. */
size_t view_payload(const struct view *view);
size_t view_payload_length(const struct view *view);

#endif
