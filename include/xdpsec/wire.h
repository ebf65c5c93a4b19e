/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The whole wire format, version 1. docs/protocol.md has it as a bit diagram and gives the reasons.
 *
 * To seal is to encrypt and authenticate with AES-OCB (RFC 7253, TAGLEN 128). To open is
 * to verify and decrypt. A sealed packet is an ordinary UDP datagram with this payload:
 *
 *	struct xdpsec_header (16) | tag (16) | ciphertext, exactly as long as the plaintext
 *
 * The nonce is bytes 4 to 15 of the header: so the header is authenticated without being associated data. The
 * SPI selects the key. In inline mode addresses and ports are associated data (enum xdpsec_binding).
 */
#ifndef XDPSEC_WIRE_H
#define XDPSEC_WIRE_H

#include <linux/types.h>

#define XDPSEC_WIRE_VERSION 1

/* SPI 0 marks a control message, never data (as the non-ESP marker, RFC 3948 section 2.2); 1 to 255 are
 * reserved (RFC 4303 section 2.1). */
#define XDPSEC_SPI_MIN 256

/* IP protocol numbers of a sealed payload. */
enum xdpsec_next_header {
	XDPSEC_NEXT_IPV4 = 4,  /* tunnel mode: an IPv4 packet */
	XDPSEC_NEXT_UDP = 17,  /* inline mode: the payload of the UDP header in front */
	XDPSEC_NEXT_IPV6 = 41, /* tunnel mode: an IPv6 packet */
	XDPSEC_NEXT_NONE = 59, /* keepalive: no payload */
};

/* The associated data: the part of the packet around the payload that the tag binds. Numbers of the wire. */
enum xdpsec_binding {
	XDPSEC_BIND_NONE,      /* nothing; always in tunnel mode */
	XDPSEC_BIND_PORTS,     /* source port, destination port */
	XDPSEC_BIND_ADDRESSES, /* source address, destination address, source port, destination port */
};

struct xdpsec_header {
	__be32 spi;
	/* The nonce starts here. */
	__u8 next_header;
	__u8 version;
	__be16 reserved; /* zero; a receiver drops anything else */
	__be64 sequence;
};

#define XDPSEC_HEADER_LEN 16
#define XDPSEC_NONCE_OFFSET 4
#define XDPSEC_NONCE_LEN 12
#define XDPSEC_TAG_LEN 16
#define XDPSEC_BLOCK_LEN 16

/* Bytes that sealing adds to a packet in inline mode. */
#define XDPSEC_OVERHEAD (XDPSEC_HEADER_LEN + XDPSEC_TAG_LEN)

/* The longest plaintext: 128 groups of 8 blocks, the reach of an SA's offset tables. More than any
 * Ethernet MTU in use (9216). */
#define XDPSEC_PAYLOAD_MAX 16384

/* RFC 6479: the bitmap is a ring, so one word of it is always being overwritten. The same size as
 * WireGuard's, which is why its truth table applies. */
#define XDPSEC_REPLAY_BITS 8192
#define XDPSEC_REPLAY_WORDS (XDPSEC_REPLAY_BITS / 64)
#define XDPSEC_REPLAY_WINDOW (XDPSEC_REPLAY_BITS - 64)

/* Sequence numbers from here on are neither sent nor accepted, so that no sum in the window wraps. */
#define XDPSEC_SEQUENCE_LIMIT (~0ULL - XDPSEC_REPLAY_WINDOW - 1)

_Static_assert(sizeof(struct xdpsec_header) == XDPSEC_HEADER_LEN, "wire header");
_Static_assert(XDPSEC_NONCE_OFFSET + XDPSEC_NONCE_LEN == XDPSEC_HEADER_LEN, "the nonce ends the header");

#endif
