/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets by chance: right ones, right ones with a field that lies, and what a broken network makes of them.
 */
#ifndef XDPSEC_FUZZ_MAKE_H
#define XDPSEC_FUZZ_MAKE_H

#include "unit/icmp.h"
#include "unit/packet.h"

enum { MAKE_PAYLOAD_MAX = 17000 };

/* Test data of MAKE_PAYLOAD_MAX bytes. */
const uint8_t *make_payload(void);
/* Mostly short, at times near what fits, or longer. */
size_t make_length(void);

/* Tags, options, extension headers, fragments, padding; and fields that do not fit the rest. */
void make_odd(struct packet *packet);
/* Bits, bytes, the length: of most frames nothing. */
void make_damage(struct frame *frame);
/* XDP gets long frames in several buffers, and short ones at times. */
void make_buffers(struct frame *frame);

/* The beginning of what is sealed, with nothing that a tag would hold for: for quotes. The same buffer each
 * time. */
const uint8_t *make_header(uint32_t spi, uint64_t number);

/*
 * An ICMP or ICMPv6 message, an error as a rule, that quotes a UDP packet between here and remote, with some
 * of payload, or the beginning of it. It comes from a remote, or goes to one.
 */
void make_icmp(struct frame *frame, const char *remote, uint16_t port, const uint8_t *payload, bool outgoing);

#endif
