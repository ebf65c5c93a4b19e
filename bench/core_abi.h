/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by core.bpf.c and the benchmarks that run its programs. */
#ifndef XDPSEC_BENCH_CORE_ABI_H
#define XDPSEC_BENCH_CORE_ABI_H

#include <linux/types.h>

#define CORE_PAYLOAD_MAX 8900
#define CORE_ETHERNET 14
#define CORE_HEADERS 42 /* Ethernet, IPv4, UDP */
#define CORE_IMAGE_MAX (CORE_HEADERS + 32 + CORE_PAYLOAD_MAX)
/* Packets of as many peers as a plane can have, for as long as they fit an image of this size. */
#define CORE_PEERS 1024
#define CORE_PEER_IMAGE (CORE_HEADERS + 32 + 1408)

/* Map "settings", one element. */
struct core_settings {
	__u32 payload; /* bytes of plaintext */
	__u32 slot;    /* the SA of the bare cipher, and of the packets of one peer */
	__u32 peers;   /* 1, or how many take turns */
	__u32 restore; /* the program that runs next has changed the packet's length */
	__u32 first_slot; /* with several peers, that of the first; the others follow, XDPSEC_SLOTS_PER_PEER apart */
	__u32 headers; /* in front of the plaintext before it is sealed: tunnels seal all but Ethernet's */
	__u32 checksummed; /* the UDP checksum is not zero */
};

/* The number of the packet that a processor opens (before_open_each). */
#define CORE_SEQUENCE(processor) (1 + (processor))

#endif
