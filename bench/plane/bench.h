/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data plane on its own, with peers and packets, for bench/core.c and bench/processors.c: nothing is attached. */
#ifndef XDPSEC_BENCH_PLANE_H
#define XDPSEC_BENCH_PLANE_H

#include <stdbool.h>

#include "plane/plane.h"
#include "core_abi.h"

enum {
	BENCH_ROUNDS = 15, /* at most */
	PORT = 4789,	   /* protected; in tunnel mode where both ends listen */
};

struct core_bpf;
struct bpf_map;
struct bpf_program;
struct json_object;

struct bench {
	struct plane plane;
	struct core_bpf *core;
	struct core_settings settings;
	bool tunnel;
	unsigned int peers;	/* that are set up */
	char bound[DRIVER_LEN]; /* what the kernel took for the cipher asked for */
};

/* Load everything, in a network namespace of the caller's own. 0, or -errno after a message. */
int bench_open(struct bench *b, bool tunnel);
/* So many peers, or those that there are anew for another driver. 0, or -errno after a message. */
int bench_set_peers(struct bench *b, unsigned int peers, const char *driver);

unsigned int bench_slot_tx(unsigned int peer);
unsigned int bench_slot_rx(unsigned int peer);

/* Bytes in front of the plaintext before it is sealed. */
unsigned int bench_headers(const struct bench *b);
/* The program that seals, the one that opens, and what they return. */
const struct bpf_program *bench_sealer(const struct bench *b);
const struct bpf_program *bench_opener(const struct bench *b);
int bench_sealed_verdict(const struct bench *b);
int bench_opened_verdict(const struct bench *b);

/* A packet with so many bytes to seal; a checksum that is not zero is not looked at by the programs, and so
 * need not be right. */
void bench_make_packet(const struct bench *b, unsigned char *frame, unsigned int payload, unsigned int peer,
		       bool checksummed);
/* Have the real program seal a packet of this peer with this number, and turn it round: that is what arrives from there.
 * 0, or -errno after a message. */
int bench_make_sealed(struct bench *b, unsigned char *frame, unsigned int payload, unsigned int peer,
		      bool checksummed, __u64 sequence);

/* Give b->settings to the programs of core.bpf.c; have a wrapper there go on to this program. 0, or -1 with errno. */
int bench_apply_settings(struct bench *b);
int bench_go_on_to(struct bpf_map *array, const struct bpf_program *program);

/* The mean time of so many runs over a frame in ns, or -1 after a message; verdict: what the last one has to return. */
double bench_time_program(const struct bpf_program *program, unsigned char *frame, unsigned int size,
			  unsigned int repeat, int verdict);

/* The median of so many values, at most BENCH_ROUNDS. */
double bench_median(const double *values, unsigned int rounds);

/* Begin a report, which the caller ends: its first line is printed. *results is its array, and belongs to it. */
struct json_object *bench_report_begin(unsigned int rounds, struct json_object **results);

/* Write the report to a file unless there was an error or path is NULL, and free it. err, or -errno after a message. */
int bench_report_end(struct json_object *report, const char *path, int err);

#endif
