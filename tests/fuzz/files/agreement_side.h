/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of the key agreement, as its agent runs it, and all that may come to it. A file is a list of steps, each one
 * byte and what belongs to it:
 *
 *	0 n bytes...	a datagram of n (one byte) bytes
 *	1 n bytes...	the same with MAC1 made right
 *	2 session payload	an authentic message of the other end, with these 4 and 32 bytes inside: an Initiation, or
 *			the Response to our last Initiation
 *	3 bit		the right Confirm, or Ack, with this bit of it flipped; 255: with none
 *	4 time		the low 12 of 16 bits: so many times 67 ms go by
 *	5 what slot	an event of the data plane
 *	6 bit		the right Cookie, likewise
 *	7 n		the last datagram again, n times, while a full batch waits
 *
 * The keys are those of the example in docs/agreement.md: its messages are files of the corpus. Built as a libFuzzer
 * harness as well (`make libfuzzer`).
 */
#ifndef XDPSEC_AGREEMENT_SIDE_H
#define XDPSEC_AGREEMENT_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agreement_fuzzer {
	const char *name, *corpus;
	bool initiator; /* it asks, and what comes are answers */
};

/* Defined by each fuzzer; the rest of it is in agreement_side.c. */
extern const struct agreement_fuzzer agreement_fuzzer;

#endif
