/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzers of the data plane: packets by chance through the real programs, and each result judged by rules
 * that share no code with them: a parser of their own (view.h), the flows (flow.h), OpenSSL's OCB (oracle.h).
 *
 * A run is rounds of FUZZ_ROUND packets. Each starts from the same state and a seed of its own, the one of
 * the run plus its number, so that SEED=N FUZZ_PACKETS=1 repeats it. A result that was judged right is
 * altered now and then and judged again: a judge that lets it pass is as much at fault as a program.
 */
#ifndef XDPSEC_FUZZ_FUZZ_H
#define XDPSEC_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unit/packet.h"
#include "unit/rig.h"

enum { FUZZ_ROUND = 10000 };

/* The outcome of a packet that was treated right. */
enum outcome {
	OUTCOME_FAULT,
	OUTCOME_REFUSED, /* by the kernel, as no packet */
	OUTCOME_DROPPED, /* and counted under a name */
	OUTCOME_ENDED,	 /* dropped where nothing is to get any further: not counted */
	OUTCOME_UNDUE,	 /* dropped, and counted or not */
	OUTCOME_PASSED,	 /* as it was */
	OUTCOME_SEALED,
	OUTCOME_OPENED,
	OUTCOME_HOPPED,	  /* to the hop, as it was */
	OUTCOME_ANSWERED, /* turned into an ICMP error about itself */
	OUTCOME_CUT,	  /* an ICMP error, without the payload that it quoted */
	OUTCOME_LOWERED,  /* an ICMP error, with a smaller MTU */
	OUTCOME_ENCAPSULATED,
	OUTCOME_DELIVERED,
	OUTCOME_TICK,
	OUTCOMES,
};

struct fuzz_target {
	const char *name;
	enum program program;
	unsigned int share; /* packets of this many in 8 */
	void (*make)(struct frame *frame);
	/* fault("...") where it is not right. */
	enum outcome (*judge)(void);
};

struct fuzzer {
	const char *name;
	int (*setup)(void **state);
	int (*reset)(void **state); /* of each round */
	int (*teardown)(void **state);
	/* A packet in some hundreds: what the programs limit by time is allowed again. May be NULL. */
	void (*refresh)(void);
	const struct fuzz_target *targets;
	size_t n_targets;
	uint32_t outcomes; /* bits of 1 << enum outcome: those that a short run must have had */
};

/* The packet at hand. */
struct run {
	enum program program;
	int verdict;
	bool again;	      /* it has been judged, and was altered since */
	size_t first, judged; /* the bytes of out that the judge vouches for */
	struct frame in, out;
};
extern struct run run;

/* Always OUTCOME_FAULT. */
enum outcome fault(const char *what);

int fuzz_main(const struct fuzzer *fuzzer);

#endif
