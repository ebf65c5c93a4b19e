/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The targets of the fuzzers: for each program, how its packets are made, and which results are right. */
#ifndef XDPSEC_FUZZ_TARGETS_H
#define XDPSEC_FUZZ_TARGETS_H

#include "fuzz.h"

/* Inline mode. The remotes of site.h, protected ones first. */
enum { REMOTES_PROTECTED = 4, REMOTES = 10 };
extern const char *const remotes[REMOTES];

void make_outgoing(struct frame *frame);
enum outcome judge_seal(void);
enum outcome judge_hop(void);
void make_incoming(struct frame *frame);
enum outcome judge_open(void);

/* Tunnel mode. The hosts of tunnel.h, those behind peers that can be reached first. */
enum { HOSTS_REACHED = 4, HOSTS = 10 };
extern const char *const hosts[HOSTS];
struct packet;
/* Make an inner packet unusual: as make_odd(), and TCP SYNs. */
void make_inner_odd(struct packet *packet);

void make_encapsulate(struct frame *frame);
enum outcome judge_encapsulate(void);
void make_decapsulate(struct frame *frame);
enum outcome judge_decapsulate(void);
void make_keepalive(struct frame *frame);
enum outcome judge_keepalive(void);

#endif
