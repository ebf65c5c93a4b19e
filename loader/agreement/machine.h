/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of the key agreement (docs/agreement.md, state machine), on messages that are authentic and taken apart: no
 * cryptography here, so that a test runs through millions of orders of events. exchange.c makes and opens the messages.
 *
 * A pair is what one handshake gives: an SA that opens, in one of five slots, and a key that seals, which goes into one
 * of three slots if it is the pair's turn. Two roles are apart: `out` is the Initiation that we wait for a Response to,
 * and a pair that is `pending` is one that we responded to and that is not confirmed yet.
 *
 * The rules, each of them asserted by tests/unit/agreement_machine_test.c:
 *
 * 1. A sealing key is installed once.
 * 2. The SA that opens is in place before the message leaves that lets the peer seal for it.
 * 3. The responder does not seal under a pair before the initiator has shown that it has it.
 * 4. What seals moves only forward in the order of pairs; so "sealed under p" proves "has left all before p".
 * 5. An SA that opens goes only GRACE after the peer has provably left it, or after its deadline, or by want of slots:
 *    then one that nobody ever proved to use.
 * 6. An Initiation alone moves nothing but the pending pair, the timestamp and the highest generation.
 */
#ifndef XDPSEC_AGREEMENT_MACHINE_H
#define XDPSEC_AGREEMENT_MACHINE_H

#include "agreement/agreement.h"
#include "agreement/handshake.h"
#include "agreement/message.h"
#include "agreement/timestamp.h"

/* Faults that the test of the rules builds in, one at a time, to show that it finds them. */
enum machine_fault {
	FAULT_NONE,
	FAULT_NO_ORDER,	     /* the pair that was completed last seals */
	FAULT_NO_LIFE,	     /* a peer that has lost everything is not told from one that has not */
	FAULT_SAME_LIFE,     /* a life lasts when all SAs of a peer have gone */
	FAULT_EARLY,	     /* the responder seals at once */
	FAULT_TX_FIRST,	     /* the initiator seals, and confirms, before it can open */
	FAULT_AGAIN,	     /* a Confirm that arrives again installs the key again */
	FAULT_EVENT_BY_PEER, /* the first packet under any pair confirms the pending one */
	FAULT_EVICT,	     /* for want of slots, the oldest goes */
	FAULT_KEEP,	     /* ... but none that we initiated, or adopted */
	FAULT_DEAF,	     /* the first packet under a pair that is not waited for proves nothing */
	FAULT_NO_GRACE,	     /* a slot is erased without a grace period of the kernel */
	FAULT_AT_ONCE,	     /* what opens is erased when the peer has left it, without GRACE */
	FAULT_NO_OWNER, /* two agents: the data plane does not ask who installs (in the test's data plane) */
	FAULT_COUNT,
};

#ifndef MACHINE_FAULT
#define MACHINE_FAULT(fault) false
#endif

/* The work of exchange.c for the machine. A test has one without cryptography. */
struct machine_codec {
	void *data;
	/* Make an Initiation that replaces the one before. 0 or -errno. */
	int (*initiation)(void *data, uint32_t peer, uint32_t session,
			  const struct initiation_payload *payload, const struct agreement_path *path,
			  uint8_t message[INITIATION_LEN]);
	/* The Initiation is given up: wipe what was kept of it. */
	void (*forget)(void *data, uint32_t peer);
	/* Could a Response be made now? */
	enum message_refusal (*ready)(void *data, uint32_t peer);
	/* Make the Response to the Initiation that is being received. *result is for the caller to wipe. */
	enum message_refusal (*response)(void *data, uint32_t peer, const struct response_payload *payload,
					 struct handshake_result *result, uint8_t message[RESPONSE_LEN]);
};

/* The facts of a pair that both its SAs share. */
struct terms {
	uint64_t peer_life;
	uint64_t birth;
	uint32_t generation;
	uint32_t spi_rx, spi_tx;
	uint16_t reject_after;
	uint8_t suite;
	uint8_t binding;
	bool mine; /* we initiated */
};

enum slot_state { SLOT_FREE, SLOT_LIVE, SLOT_LEFT, SLOT_DYING };

struct sa_pair {
	enum slot_state state; /* of the slot that opens */
	bool pending;	       /* we responded, and wait for the Confirm; `send` is here */
	bool awaits;	       /* we initiated, and wait for the Ack */
	bool proven;	       /* Confirm, Ack or a packet has shown that the peer has the pair */
	bool acknowledges;     /* we responded and it was confirmed: a Confirm again is answered */
	bool adopted;	       /* of the agent before */
	struct terms terms;
	uint64_t id;
	uint64_t since; /* of SLOT_LEFT */
	struct proofs proofs;
	struct data_key send;
	struct agreement_path path; /* of the Response: where Confirm or Ack goes */
	uint64_t acks_since;
	unsigned int acks;
};

struct sealing {
	enum slot_state state; /* SLOT_LIVE: peers.tx_sa is it */
	struct terms terms;
	uint64_t id;
};

/* The Initiation that a Response is awaited for. */
struct asked {
	bool any;
	uint32_t session;
	uint64_t sent;
	struct agreement_path path;
};

struct machine_peer {
	bool there;
	bool own_less; /* our public key is less than the peer's, by memcmp(): orders pairs of one generation */
	struct agreement_peer_settings settings;
	uint64_t key_hash;
	uint64_t own_life;  /* drawn when no SA is there: what a reboot is to the peer */
	uint64_t peer_life; /* last seen in a complete handshake; 0: none */

	struct sa_pair pairs[SLOTS_OPEN];
	struct sealing seals[SLOTS_SEAL];
	int in_use; /* of seals; -1: nothing seals */
	struct asked out;
	uint32_t highest; /* generation, known or offered */
	struct acceptance accepted;
	struct timestamp last;	/* of our Initiations */
	uint64_t refused_since; /* our last refusal; 0: none */

	bool asking;
	unsigned int attempts;
	uint64_t asking_since, retry;
	uint64_t rekey; /* of what is in use; AGREEMENT_NEVER: was done */
	int confirming; /* of pairs, whose Confirm is repeated; -1: none */
	unsigned int confirms;
	uint64_t confirmed; /* when the first Confirm was sent */
	bool expired;	    /* was reported */

	/* Activity: since when data is not answered by the peer, and by us; 0: it is. */
	struct agreement_activity activity;
	uint64_t unanswered, unreplied;
	uint64_t patience;

	uint64_t due;
	uint32_t heap; /* place in the heap of timers */
	bool dying;    /* is in the list of those that have dying slots */
	uint32_t next_dying;

	struct agreement_status status;
};

/* X(constant, name) */
#define MACHINE_COUNTERS(X)                                                                                  \
	X(COUNT_INITIATIONS_SENT, "initiations_sent")                                                        \
	X(COUNT_INITIATIONS, "initiations")                                                                  \
	X(COUNT_RESPONSES_SENT, "responses_sent")                                                            \
	X(COUNT_RESPONSES, "responses")                                                                      \
	X(COUNT_CONFIRMS_SENT, "confirms_sent")                                                              \
	X(COUNT_CONFIRMS, "confirms")                                                                        \
	X(COUNT_ACKS_SENT, "acks_sent")                                                                      \
	X(COUNT_ACKS, "acks")                                                                                \
	X(COUNT_HANDSHAKES, "handshakes")                                                                    \
	X(COUNT_REFUSALS_SENT, "refusals_sent")                                                              \
	X(COUNT_REFUSALS, "refusals")                                                                        \
	X(COUNT_NO_SLOT, "no_slot")                                                                          \
	X(COUNT_EVICTED, "evicted")                                                                          \
	X(COUNT_INSTALL_FAILED, "install_failed")                                                            \
	X(COUNT_EXPIRED, "expired")                                                                          \
	X(COUNT_RESETS, "resets")

#define MACHINE_COUNTER_CONSTANT(constant, name) constant,
enum machine_counter { MACHINE_COUNTERS(MACHINE_COUNTER_CONSTANT) MACHINE_COUNTER_COUNT };
#undef MACHINE_COUNTER_CONSTANT

struct machine {
	struct agreement_host host;
	struct machine_codec codec;
	struct agreement_times times;
	uint8_t carries;
	uint16_t reject_after;
	bool idle_silent;
	bool stale;		  /* another owner: nothing is done any more */
	struct timestamp floor;	  /* of this agent's timestamps: what was on disk when it began */
	struct timestamp written; /* what is on disk now: above all of them */

	uint32_t n_peers; /* places for peers */
	struct machine_peer *peers;
	uint32_t n_heap;
	uint32_t *heap; /* peers, by .due */

	/* Our SPIs, of pairs and of outstanding Initiations: chains of nodes, each peer's own. */
	uint32_t spi_mask;
	uint32_t *spi_heads;
	uint32_t *spi_next;

	uint32_t first_dying; /* peers with dying slots */
	uint32_t *orphans;    /* dying slots of no peer */
	uint32_t n_orphans;
	uint64_t grace;	     /* when the next grace period is due; AGREEMENT_NEVER: nothing waits */
	uint64_t last_grace; /* 0: none yet */
	uint64_t counters[MACHINE_COUNTER_COUNT];
};

/* ---- machine.c: the machine, its peers, its timers --------------------------------------------------- */

/* 0 or -ENOMEM. host, codec and times are copied. */
int machine_init(struct machine *machine, const struct agreement_settings *settings,
		 const struct agreement_host *host, const struct machine_codec *codec);
/* Wipes. */
void machine_release(struct machine *machine);
/* own_less: our public key is less than the peer's. -EEXIST, -EINVAL. */
int machine_add_peer(struct machine *machine, uint32_t peer, const struct agreement_peer_settings *settings,
		     uint64_t key_hash, bool own_less);
uint64_t machine_tick(struct machine *machine, uint64_t now);
uint64_t machine_next(const struct machine *machine);
void machine_start(struct machine *machine, uint64_t now);
void machine_ask_all(struct machine *machine, uint64_t now);
void machine_renew(struct machine *machine, uint64_t now);

/* ---- machine_adopt.c --------------------------------------------------------------------------------- */

int machine_adopt(struct machine *machine, const struct agreement_record *records, size_t n, uint64_t now);

/* ---- machine_initiation.c: the responder ------------------------------------------------------------- */

/* The Initiation is authentic, and the codec is ready to make its Response. The session is in range. */
enum message_refusal machine_initiation(struct machine *machine, uint32_t peer, uint32_t session,
					const struct initiation_payload *offer,
					const struct agreement_path *path, uint64_t now);

/* ---- machine_response.c: the initiator --------------------------------------------------------------- */

/* The Response to the peer's `out`; result is consumed, and wiped in all cases. */
void machine_response(struct machine *machine, uint32_t peer, const struct response_payload *answer,
		      struct handshake_result *result, const struct agreement_path *path, uint64_t now);

/* ---- machine_confirm.c: Confirm, Ack, first packets -------------------------------------------------- */

enum message_refusal machine_confirm(struct machine *machine, uint32_t session,
				     const uint8_t message[CONFIRM_LEN], const struct agreement_path *path,
				     uint64_t now);
enum message_refusal machine_ack(struct machine *machine, uint32_t session,
				 const uint8_t message[CONFIRM_LEN], uint64_t now);
void machine_first(struct machine *machine, uint32_t slot, uint32_t spi, uint64_t id, uint64_t now);

/* ---- machine_order.c: the order of pairs ------------------------------------------------------------- */

/* Within one life of the peer: generation first, then whose public key is greater. */
uint64_t machine_order(const struct machine_peer *p, const struct terms *terms);
/* The terms of the pair that seals; NULL: none does. */
const struct terms *machine_used(const struct machine_peer *p);
/* May it seal instead of the pair that does? */
bool machine_in_order(const struct machine_peer *p, const struct terms *terms);
/* The peer seals under this pair or a later one of its life: it has left all before it, for ever. */
void machine_mark_left(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now);
/* Before SAs of a pair are touched: if it is of a new life of the peer, what is under way with the old one is void. */
void machine_judge_life(struct machine *machine, uint32_t peer, const struct terms *terms, uint64_t now);

/* ---- machine_spi.c ----------------------------------------------------------------------------------- */

enum { SPI_OUT = SLOTS_OPEN, SPI_NODES }; /* of a peer: its pairs, and its outstanding Initiation */

/* The peer that this SPI of ours is for. node: the number of its pair, or SPI_OUT. false: no peer. */
bool machine_spi(const struct machine *machine, uint32_t spi, uint32_t *peer, unsigned int *node);
/* The peer whose outstanding Initiation has this Session. false: no peer. */
bool machine_asked(const struct machine *machine, uint32_t session, uint32_t *peer);
/* A random SPI that is not in use. */
uint32_t machine_draw_spi(struct machine *machine);
void machine_spi_add(struct machine *machine, uint32_t peer, unsigned int node, uint32_t spi);
void machine_spi_remove(struct machine *machine, uint32_t peer, unsigned int node, uint32_t spi);

/* ---- machine_slots.c: SAs of one peer ---------------------------------------------------------------- */

/*
 * A free slot, or -1. If all that open are full, one that may be evicted is. reserve: do not give the last one. It is
 * kept for the Response to our own Initiation: if each end filled it with the other's Initiations, no handshake would
 * ever end.
 */
int machine_slot_to_open(struct machine *machine, uint32_t peer, bool reserve, uint64_t now);
int machine_slot_to_seal(const struct machine *machine, uint32_t peer);
/* Report that there is none. */
void machine_no_slot(struct machine *machine, uint32_t peer);
/* Install and link in a free slot. The key is wiped. 0 or -errno, reported; the slot is free or dying then. */
int machine_open(struct machine *machine, uint32_t peer, unsigned int k, const struct terms *terms,
		 struct data_key *key, uint64_t now);
int machine_seal(struct machine *machine, uint32_t peer, unsigned int k, const struct terms *terms,
		 struct data_key *key, unsigned int partner, uint64_t now);
/* Mark what opens as left: it goes GRACE later. */
void machine_leave(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now);
/* Unlink the SA. It is erased after a grace period. */
void machine_retire_open(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now);
void machine_retire_seal(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now);
/* Write the state of a pair to the record of its slot. */
void machine_note(struct machine *machine, uint32_t peer, unsigned int k, uint64_t now);
/* The peer has a slot that is to be erased: set the time of the next grace period, if none is set. */
void machine_dying(struct machine *machine, uint32_t peer, uint64_t now);
/* Ask for a grace period, and erase what has waited for it. */
void machine_grace(struct machine *machine, uint64_t now);
uint64_t machine_deadline_open(const struct machine *machine, const struct terms *terms);
uint64_t machine_deadline_seal(const struct machine *machine, const struct terms *terms);
/* No key of before seals or opens: tx_sa none, what opens goes GRACE later, and a new life begins. */
void machine_reset(struct machine *machine, uint32_t peer, uint64_t now);

/* ---- machine_ask.c: Initiations, and when ------------------------------------------------------------ */

void machine_wanted(struct machine *machine, uint32_t peer, uint64_t now);
/* An address of the peer is known at last: it is asked now, unless it was asked before. */
void machine_found(struct machine *machine, uint32_t peer, uint64_t now);
/* A cookie came: the Initiation is to be repeated with it, now. */
void machine_repeat(struct machine *machine, uint32_t peer, uint64_t now);
void machine_activity(struct machine *machine, uint32_t peer, const struct agreement_activity *activity,
		      uint64_t now);
/* A key is wanted. Nothing if it is being asked for already. */
void machine_want(struct machine *machine, uint32_t peer, uint64_t now);
/* Send an Initiation, and set the time of the next. */
void machine_ask(struct machine *machine, uint32_t peer, uint64_t now);
void machine_forget_out(struct machine *machine, uint32_t peer);
/* A handshake is complete. */
void machine_satisfied(struct machine *machine, uint32_t peer);
/* A handshake is complete, and has switched what seals. */
void machine_agreed(struct machine *machine, uint32_t peer, const struct terms *terms,
		    const struct agreement_path *path, uint64_t now);
/* path NULL: that of the Response. */
void machine_send_confirm(struct machine *machine, uint32_t peer, unsigned int k,
			  const struct agreement_path *path);

/* ---- helpers ----------------------------------------------------------------------------------------- */

/* .time and a random part of .spread. */
uint64_t machine_spread(struct machine *machine, const struct spread *spread);
void machine_report(struct machine *machine, uint32_t peer, const struct agreement_report *report);
/* Remember -ESTALE. Returns error. */
int machine_check(struct machine *machine, int error);
/* When the peer's next timer is due; and put it into the heap. */
void machine_update(struct machine *machine, uint32_t peer);

static inline uint32_t machine_slot(uint32_t peer, unsigned int k)
{
	return peer * SLOTS_PEER + k;
}

#endif
