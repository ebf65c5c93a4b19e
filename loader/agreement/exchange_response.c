// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Responses. Whoever sees an Initiation can forge Responses that only five X25519 tell from the true one, as MAC1 is made
 * with our public key. So wrong ones are limited, and those beyond the limit wait: the Initiation is never given up for
 * them, and those from the address that was asked come first.
 */
#include "agreement/exchange.h"

#include <string.h>

static bool same_address(const struct agreement_address *a, const struct agreement_address *b)
{
	return !memcmp(a->address, b->address, sizeof(a->address)) && a->port == b->port;
}

/* The limits, as of now. */
static bool may_try(const struct agreement *agreement, const struct exchange_peer *peer)
{
	bool peers = peer->wrong < WRONG_RESPONSES ||
		     agreement->now >= peer->wrong_since + WRONG_RESPONSES_TIME;
	bool all = agreement->wrong < WRONG_RESPONSES_SECOND ||
		   agreement->now >= agreement->wrong_since + NS_PER_SECOND;

	return peers && all;
}

static void count_wrong(struct agreement *agreement, struct exchange_peer *peer)
{
	if (agreement->now >= peer->wrong_since + WRONG_RESPONSES_TIME) {
		peer->wrong_since = agreement->now;
		peer->wrong = 0;
	}
	if (agreement->now >= agreement->wrong_since + NS_PER_SECOND) {
		agreement->wrong_since = agreement->now;
		agreement->wrong = 0;
	}
	peer->wrong++;
	agreement->wrong++;
}

/* A Response from where we asked that does not decrypt: nothing but the preshared keys can differ. */
static void report_wrong(struct agreement *agreement, uint32_t peer, const struct agreement_path *path,
			 enum message_refusal refusal)
{
	struct machine_peer *p = &agreement->machine.peers[peer];
	struct agreement_report report = { .path = path };

	if (refusal == REFUSED_PSK_UNREADABLE && !p->status.psk_unreadable) {
		p->status.psk_unreadable = true;
		report.event = AGREEMENT_PSK_UNREADABLE;
		machine_report(&agreement->machine, peer, &report);
	}
	if (refusal == REFUSED_DECRYPT && !p->status.response_wrong &&
	    same_address(&p->out.path.remote, &path->remote)) {
		p->status.response_wrong = true;
		report.event = AGREEMENT_RESPONSE_WRONG;
		machine_report(&agreement->machine, peer, &report);
	}
}

static enum message_refusal try_response(struct agreement *agreement, uint32_t number,
					 const struct agreement_path *path,
					 const uint8_t message[RESPONSE_LEN])
{
	struct exchange_peer *peer = &agreement->peers[number];
	_cleanup_handshake_result_ struct handshake_result result = { 0 };
	struct response_payload answer;
	enum message_refusal refusal;
	struct secret psks[2];
	size_t used, n;

	refusal = REFUSED_PSK_UNREADABLE;
	if (!exchange_psks(agreement, number, psks, &n))
		refusal = response_consume(&result, &answer, &used, &peer->out, &agreement->own,
					   &agreement->own_keys, psks, n, message);
	secret_wipe(&psks[0]);
	secret_wipe(&psks[1]);
	if (!refusal)
		machine_response(&agreement->machine, number, &answer, &result, path, agreement->now);
	else if (refusal != REFUSED_MALFORMED)
		count_wrong(agreement, peer);
	if (refusal)
		report_wrong(agreement, number, path, refusal);
	return refusal;
}

/* A full queue lets one go that came from elsewhere than was asked, for one that did not. */
static void wait_for(struct agreement *agreement, const struct waiting *waiting)
{
	unsigned int place = agreement->n_waiting;

	agreement->counters[COUNT_WAITING]++;
	if (place < WAITING_RESPONSES) {
		agreement->n_waiting++;
	} else {
		agreement->counters[COUNT_WAITING_FULL]++;
		for (place = 0; place < WAITING_RESPONSES && agreement->waiting[place].asked; place++)
			;
		if (!waiting->asked || place == WAITING_RESPONSES)
			return;
	}
	agreement->waiting[place] = *waiting;
}

void exchange_response(struct agreement *agreement, const struct agreement_path *path, uint32_t session,
		       const uint8_t message[RESPONSE_LEN])
{
	struct waiting waiting = { .path = *path, .session = session };
	uint32_t peer;

	if (!machine_asked(&agreement->machine, session, &peer)) {
		agreement->refused[REFUSED_NO_SESSION]++;
		return;
	}
	/* This comes before the limits: a sender that does not know our public key takes no place in the queue. */
	if (!mac1_right(message, RESPONSE_MAC1, &agreement->own_keys)) {
		agreement->refused[REFUSED_BAD_MAC1]++;
		return;
	}
	if (may_try(agreement, &agreement->peers[peer])) {
		agreement->refused[try_response(agreement, peer, path, message)]++;
		return;
	}
	waiting.asked = same_address(&agreement->machine.peers[peer].out.path.remote, &path->remote);
	memcpy(waiting.message, message, RESPONSE_LEN);
	wait_for(agreement, &waiting);
}

/* The next that may be tried: from where we asked, if there is one. false: none. */
static bool next_waiting(const struct agreement *agreement, bool asked, unsigned int *place, uint32_t *peer)
{
	for (*place = 0; *place < agreement->n_waiting; ++*place) {
		const struct waiting *waiting = &agreement->waiting[*place];

		if (waiting->asked != asked)
			continue;
		if (!machine_asked(&agreement->machine, waiting->session, peer)) {
			*peer = AGREEMENT_NO_PEER;
			return true;
		}
		if (may_try(agreement, &agreement->peers[*peer]))
			return true;
	}
	return false;
}

void exchange_run_waiting(struct agreement *agreement)
{
	unsigned int place;
	uint32_t peer;

	while (next_waiting(agreement, true, &place, &peer) ||
	       next_waiting(agreement, false, &place, &peer)) {
		struct waiting waiting = agreement->waiting[place];

		agreement->waiting[place] = agreement->waiting[--agreement->n_waiting];
		if (peer == AGREEMENT_NO_PEER)
			agreement->refused[REFUSED_NO_SESSION]++;
		else
			agreement->refused[try_response(agreement, peer, &waiting.path, waiting.message)]++;
	}
}

uint64_t exchange_waiting_due(const struct agreement *agreement)
{
	return agreement->n_waiting ? agreement->now + WRONG_RESPONSES_TIME / 2 : AGREEMENT_NEVER;
}
