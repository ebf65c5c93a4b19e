/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between datagrams and the machine: who sends this, is it authentic, and what does it say? Noise, MACs, cookies, what is
 * done under load, and preshared keys. The order of checks is that of docs/agreement.md: cheap ones first, and each that
 * fails is counted by its name.
 */
#ifndef XDPSEC_EXCHANGE_H
#define XDPSEC_EXCHANGE_H

#include "agreement/agreement.h"
#include "agreement/cookie.h"
#include "agreement/handshake.h"
#include "agreement/load.h"
#include "agreement/machine.h"

struct exchange_peer {
	struct public_key public_key;
	struct mac_keys mac_keys;
	bool has_psk;
	struct initiation out; /* what the Response to our Initiation is consumed with */
	bool out_cookie;       /* it carries MAC2 */
	bool cookie_came;      /* the Initiation has been answered by a Cookie; others are refused */
	struct cookie cookie;
	struct agreement_address cookie_from; /* its sender; it is used towards that address only */
	uint64_t cookie_until;		      /* ns, CLOCK_BOOTTIME; 0: there is none */
	unsigned int wrong;		      /* Responses that were wrong, in WRONG_RESPONSES_TIME */
	uint64_t wrong_since;		      /* ns: when that time began */
};

/* A Response that waits, because too many were wrong. */
struct waiting {
	struct agreement_path path;
	uint8_t message[RESPONSE_LEN];
	uint32_t session;
	bool asked; /* it came from the address that was asked */
};

/* X(constant, name) */
#define EXCHANGE_COUNTERS(X)                                                                                 \
	X(COUNT_COOKIES_SENT, "cookies_sent")                                                                \
	X(COUNT_COOKIES, "cookies")                                                                          \
	X(COUNT_WAITING, "waiting")                                                                          \
	X(COUNT_WAITING_FULL, "waiting_full")

#define EXCHANGE_COUNTER_CONSTANT(constant, name) constant,
enum exchange_counter { EXCHANGE_COUNTERS(EXCHANGE_COUNTER_CONSTANT) EXCHANGE_COUNTER_COUNT };
#undef EXCHANGE_COUNTER_CONSTANT

/* All of it is in memory for secrets. */
struct agreement {
	struct machine machine;
	struct identity own;
	struct mac_keys own_keys;
	uint64_t now; /* ns, CLOCK_BOOTTIME: the time of the call that is being served */
	struct exchange_peer *peers;
	uint32_t index_mask;
	uint32_t *index; /* peers by public key: open addressing; AGREEMENT_NO_SLOT: empty */

	struct opening *opening; /* the Initiation that is being received; NULL: none */
	struct cookie_secrets cookie_secrets;
	struct load_meter load;
	struct bucket_table buckets;

	unsigned int wrong;   /* Responses that were wrong, in a second */
	uint64_t wrong_since; /* ns: when that second began */
	struct waiting waiting[WAITING_RESPONSES];
	unsigned int n_waiting;

	uint64_t refused[MESSAGE_REFUSAL_COUNT];
	struct agreement_address refused_from[MESSAGE_REFUSAL_COUNT]; /* the last one's sender */
	uint64_t counters[EXCHANGE_COUNTER_COUNT];
};

/* ---- exchange.c -------------------------------------------------------------------------------------- */

/* The codec that the machine works with. */
struct machine_codec exchange_codec(struct agreement *agreement);
/* The index of the peer with this public key. AGREEMENT_NO_SLOT: none has it. */
uint32_t exchange_find(const struct agreement *agreement, const struct public_key *public_key);
/* A datagram of n bytes, of any content. more: others wait in the socket. */
void exchange_receive(struct agreement *agreement, const struct agreement_path *path, const uint8_t *bytes,
		      size_t n, bool more);
/*
 * The preshared keys that count, now and before: *n of them; 32 zero bytes for a peer that is to have none. 0 or -errno:
 * there is none, and no other is taken instead.
 */
int exchange_psks(struct agreement *agreement, uint32_t peer, struct secret psks[2], size_t *n);

/* ---- exchange_response.c ----------------------------------------------------------------------------- */

/* Take, refuse or queue a Response whose form is right. */
void exchange_response(struct agreement *agreement, const struct agreement_path *path, uint32_t session,
		       const uint8_t message[RESPONSE_LEN]);
/* Take the Responses that wait, as many as the limits allow. */
void exchange_run_waiting(struct agreement *agreement);
/* The time of the next exchange_run_waiting(), ns; AGREEMENT_NEVER: no Response waits. */
uint64_t exchange_waiting_due(const struct agreement *agreement);

#endif
