/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The times and limits of the key agreement (docs/agreement.md, constants). Nanoseconds, unless a name says otherwise.
 * Users cannot change them; a test gives others, see agreement_times_short().
 */
#ifndef XDPSEC_AGREEMENT_TIMES_H
#define XDPSEC_AGREEMENT_TIMES_H

#include <stdint.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_SECOND UINT64_C(1000000000)

enum {
	SLOTS_SEAL = 3, /* of a peer: k 0-2 seal */
	SLOTS_OPEN = 5, /* k 3-7 open */
	SLOTS_PEER = SLOTS_SEAL + SLOTS_OPEN,

	ACKS_PER_SECOND = 5, /* for one pair */
	CONFIRM_REPEATS = 5,
	UNCONFIRMED_RESPONSES = 3,    /* Responses without a Confirm: reported */
	WRONG_RESPONSES = 8,	      /* to one Initiation, in WRONG_RESPONSES_TIME */
	WRONG_RESPONSES_SECOND = 200, /* in all */
	WAITING_RESPONSES = 64,	      /* beyond the two limits above: tried later */
	ASKS_PER_SECOND = 200,	      /* when everybody is to be asked at once */
};

/* A generation that only a faulty peer reaches: the order starts again (docs/agreement.md). */
#define GENERATION_RESET ((UINT32_C(1) << 31) - (UINT32_C(1) << 16))

#define REKEY_AFTER_PACKETS (UINT64_C(1) << 36)
#define WRONG_RESPONSES_TIME (100 * NS_PER_MS)

/* A time, and the uniform random spread that is added to it. */
struct spread {
	uint64_t time;
	uint64_t spread;
};

struct agreement_times {
	struct spread rekey_after; /* from the birth of the pair in use: its initiator asks */
	struct spread takeover;	   /* and its responder, if no newer pair came */
	struct spread retry[5];	   /* the last one repeats */
	uint64_t retry_fast;	   /* how long; then */
	struct spread retry_slow;
	struct spread refused;		   /* after an authentic refusal */
	uint64_t out;			   /* an Initiation is given up */
	uint64_t confirm[CONFIRM_REPEATS]; /* after the first Confirm: it is repeated */
	uint64_t confirm_failed;	   /* still neither Ack nor packet: ask again */
	uint64_t pending;		   /* a pair that is not confirmed: its keys are wiped */
	uint64_t grace;			   /* from *left* to erased: what is under way arrives */
	uint64_t erase;			   /* after the deadline */
	uint64_t rx_margin;	 /* what opens outlives what seals by this, and RejectAfter / 1000 */
	uint64_t grace_period;	 /* at least, between two grace periods of the kernel */
	uint64_t refusal;	 /* at least, between two refusals to one peer */
	struct spread dead_peer; /* data was sealed, and nothing opened since */
	uint64_t keepalive;	 /* data was opened, and nothing sealed since */
	uint64_t reject_after;	 /* for tests: what seals is over then, whatever was agreed; 0: as agreed */
};

/* The times of docs/agreement.md. */
extern const struct agreement_times agreement_times;

/*
 * For tests of rekeying: RekeyAfter = rekey_after, without spread, takeover a quarter later, GRACE = grace. The rest is as
 * in agreement_times. Not for users: GRACE has to outlive what is under way on the path.
 */
struct agreement_times agreement_times_short(uint64_t rekey_after, uint64_t grace);

#endif
