/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The allowed differences between the frame that went in and the one that came out. */
#ifndef XDPSEC_FUZZ_SAME_H
#define XDPSEC_FUZZ_SAME_H

#include "unit/packet.h"
#include "view.h"

bool same_frames(const struct frame *a, const struct frame *b);

/* A checksum that covers n bytes, right or wrong, is as right or wrong over m others. */
bool same_sum(const uint8_t *a, size_t n, const uint8_t *b, size_t m);

/*
 * got is frame with another payload of UDP, so many bytes of it: around it lengths and checksums have
 * followed, and nothing else differs. An IPv4 checksum stays as right as it was; UDP's is right, or none as
 * before.
 */
bool same_around(const struct frame *got, const struct frame *frame, const struct view *view, size_t payload);

/* got has the message of frame, an ICMP error, with the quoted payload cut off. */
bool same_but_cut(const struct frame *got, const struct frame *frame, const struct view *view);

/* got has the message of frame, about a packet that was too big, with an MTU that is lowered by what sealing
 * adds. */
bool same_but_lowered(const struct frame *got, const struct frame *frame, const struct view *view);

/* The n bytes of an IP packet, but for DSCP, ECN and a smaller MSS in a TCP SYN. */
bool same_inside(const uint8_t *got, const uint8_t *packet, size_t n);

/* answer is an ICMP error to the sender of frame, which view is of, about it. *length gets how many bytes of
 * it are the message: the stack trims what is behind. */
bool is_answer(const struct frame *answer, const struct frame *frame, const struct view *view,
	       size_t *length);

#endif
