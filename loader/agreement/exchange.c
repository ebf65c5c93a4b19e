// SPDX-License-Identifier: GPL-2.0-or-later
/* Control messages in and out, but for Responses that come in. */
#include "agreement/exchange.h"

#include <errno.h>
#include <string.h>

static struct cookie_source source_of(const struct agreement_path *path)
{
	struct cookie_source source = { .port = path->remote.port };

	memcpy(source.address, path->remote.address, sizeof(source.address));
	return source;
}

static void random_secret(struct agreement *agreement, struct secret *secret)
{
	agreement->machine.host.random(agreement->machine.host.data, secret->bytes, sizeof(secret->bytes));
}

uint32_t exchange_find(const struct agreement *agreement, const struct public_key *public_key)
{
	uint32_t i;

	for (memcpy(&i, public_key->bytes, sizeof(i));; i++) {
		uint32_t peer = agreement->index[i & agreement->index_mask];

		if (peer == AGREEMENT_NO_SLOT ||
		    !memcmp(&agreement->peers[peer].public_key, public_key, sizeof(*public_key)))
			return peer;
	}
}

int exchange_psks(struct agreement *agreement, uint32_t peer, struct secret psks[2], size_t *n)
{
	static const struct secret zero;
	struct agreement_psk psk = { 0 };
	int error;

	memset(psks, 0, 2 * sizeof(*psks));
	*n = 1;
	if (!agreement->peers[peer].has_psk)
		return 0;
	error = agreement->machine.host.psk(agreement->machine.host.data, peer, &psk);
	if (!error && primitive_equal(psk.now, zero.bytes, sizeof(psk.now)))
		error = -ENOKEY; /* 32 zero bytes are the key of those that have none */
	if (!error) {
		memcpy(psks[0].bytes, psk.now, sizeof(psks[0].bytes));
		memcpy(psks[1].bytes, psk.before, sizeof(psks[1].bytes));
		*n = psk.has_before && !primitive_equal(psk.before, zero.bytes, sizeof(psk.before)) ? 2 : 1;
	}
	explicit_bzero(&psk, sizeof(psk));
	return error;
}

/* ---- the codec: what the machine has made ------------------------------------------------------------ */

static const struct cookie *cookie_for(const struct agreement *agreement, const struct exchange_peer *peer,
				       const struct agreement_path *path)
{
	bool here = !memcmp(peer->cookie_from.address, path->remote.address, sizeof(path->remote.address)) &&
		    peer->cookie_from.port == path->remote.port;

	return here && agreement->now < peer->cookie_until ? &peer->cookie : NULL;
}

static int make_initiation(void *data, uint32_t number, uint32_t session,
			   const struct initiation_payload *payload, const struct agreement_path *path,
			   uint8_t message[INITIATION_LEN])
{
	struct agreement *agreement = data;
	struct exchange_peer *peer = &agreement->peers[number];
	const struct cookie *cookie = cookie_for(agreement, peer, path);
	struct secret ephemeral;

	random_secret(agreement, &ephemeral);
	initiation_wipe(&peer->out);
	peer->out_cookie = cookie;
	peer->cookie_came = false;
	return initiation_make(&peer->out, message, &agreement->own, &peer->public_key, &peer->mac_keys,
			       session, payload, &ephemeral, cookie);
}

static void forget_initiation(void *data, uint32_t peer)
{
	struct agreement *agreement = data;

	initiation_wipe(&agreement->peers[peer].out);
}

static enum message_refusal make_response(void *data, uint32_t peer, const struct response_payload *payload,
					  struct handshake_result *result, uint8_t message[RESPONSE_LEN])
{
	struct agreement *agreement = data;
	struct secret psks[2], ephemeral;
	size_t n;
	int error = exchange_psks(agreement, peer, psks, &n);

	if (!error) {
		random_secret(agreement, &ephemeral);
		error = response_make(result, message, agreement->opening, &agreement->peers[peer].mac_keys,
				      payload, &ephemeral, &psks[0]);
	} else {
		error = -ENOKEY;
	}
	secret_wipe(&psks[0]);
	secret_wipe(&psks[1]);
	if (error == -ENOKEY)
		return REFUSED_PSK_UNREADABLE;
	if (error == -EINVAL)
		return REFUSED_LOW_ORDER;
	return error ? REFUSED_FAILED : ACCEPTED;
}

static enum message_refusal ready_to_respond(void *data, uint32_t peer)
{
	struct secret psks[2];
	size_t n;
	int error = exchange_psks(data, peer, psks, &n);

	secret_wipe(&psks[0]);
	secret_wipe(&psks[1]);
	return error ? REFUSED_PSK_UNREADABLE : ACCEPTED;
}

struct machine_codec exchange_codec(struct agreement *agreement)
{
	return (struct machine_codec){
		.data = agreement,
		.initiation = make_initiation,
		.forget = forget_initiation,
		.ready = ready_to_respond,
		.response = make_response,
	};
}

/* ---- Initiation -------------------------------------------------------------------------------------- */

static void send_cookie(struct agreement *agreement, const struct agreement_path *path, const uint8_t *bytes)
{
	struct cookie_source source = source_of(path);
	uint8_t message[COOKIE_LEN], nonce[32];
	struct secret fresh;

	if (cookie_secrets_due(&agreement->cookie_secrets, agreement->now)) {
		random_secret(agreement, &fresh);
		cookie_secrets_renew(&agreement->cookie_secrets, &fresh, agreement->now);
	}
	agreement->machine.host.random(agreement->machine.host.data, nonce, sizeof(nonce));
	if (cookie_message_make(message, &agreement->cookie_secrets, &source, &agreement->own_keys, bytes,
				nonce))
		return;
	agreement->counters[COUNT_COOKIES_SENT]++;
	agreement->machine.host.send(agreement->machine.host.data, AGREEMENT_NO_PEER, path, message,
				     sizeof(message));
}

/* Under load only a sender with a right MAC2, which receives at its address, is served, and not too often. */
static enum message_refusal check_load(struct agreement *agreement, const struct agreement_path *path,
				       const uint8_t *bytes, bool more)
{
	struct cookie_source source = source_of(path);

	load_count(&agreement->load, agreement->now);
	if (!load_high(&agreement->load, agreement->now, more ? LOAD_WAITING : 0))
		return ACCEPTED;
	if (!cookie_mac2_right(&agreement->cookie_secrets, &source, bytes, agreement->now)) {
		send_cookie(agreement, path, bytes);
		return REFUSED_UNDER_LOAD;
	}
	return bucket_take(&agreement->buckets, &source, agreement->now) ? ACCEPTED : REFUSED_RATE;
}

/* Is it one of ours that came back? It has the Session that we chose for it. */
static bool reflected(const struct agreement *agreement, uint32_t session, const uint8_t *bytes)
{
	uint32_t peer;

	return machine_asked(&agreement->machine, session, &peer) &&
	       !memcmp(agreement->peers[peer].out.ephemeral.public_key.bytes, initiation_ephemeral(bytes),
		       PUBLIC_LEN);
}

static enum message_refusal take_initiation_bytes(struct agreement *agreement,
						  const struct agreement_path *path, uint32_t session,
						  const uint8_t *bytes, bool more)
{
	_cleanup_opening_ struct opening opening = { 0 };
	struct initiation_payload offer;
	enum message_refusal refusal;
	uint32_t peer;

	if (!mac1_right(bytes, INITIATION_MAC1, &agreement->own_keys))
		return REFUSED_BAD_MAC1;
	refusal = check_load(agreement, path, bytes, more);
	if (refusal)
		return refusal;
	if (reflected(agreement, session, bytes))
		return REFUSED_REFLECTED;
	refusal = initiation_open(&opening, &agreement->own, bytes);
	if (refusal)
		return refusal;
	peer = exchange_find(agreement, &opening.initiator);
	if (peer == AGREEMENT_NO_PEER)
		return REFUSED_UNKNOWN_KEY;
	refusal = initiation_open_payload(&opening, &offer, &agreement->own, bytes);
	if (refusal)
		return refusal;
	agreement->opening = &opening;
	refusal = machine_initiation(&agreement->machine, peer, session, &offer, path, agreement->now);
	agreement->opening = NULL;
	return refusal;
}

/* ---- Cookie ------------------------------------------------------------------------------------------ */

static enum message_refusal take_cookie(struct agreement *agreement, const struct agreement_path *path,
					uint32_t session, const uint8_t *bytes)
{
	const struct agreement_address *asked;
	struct exchange_peer *peer;
	uint32_t number;

	if (!machine_asked(&agreement->machine, session, &number))
		return REFUSED_NO_SESSION;
	peer = &agreement->peers[number];
	asked = &agreement->machine.peers[number].out.path.remote;
	/*
	 * Whoever sees the Initiation can make a Cookie. One from elsewhere would be of no use for the next Initiation, so
	 * that the next one would be taken again, and each makes us ask at once.
	 */
	if (peer->cookie_came || memcmp(asked->address, path->remote.address, sizeof(asked->address)) ||
	    asked->port != path->remote.port)
		return REFUSED_NO_SESSION;
	if (cookie_message_open(&peer->cookie, bytes, &peer->mac_keys, peer->out.mac1))
		return REFUSED_DECRYPT;
	agreement->counters[COUNT_COOKIES]++;
	peer->cookie_came = true;
	peer->cookie_from = path->remote;
	peer->cookie_until = agreement->now + COOKIE_LIFE;
	if (!peer->out_cookie)
		machine_repeat(&agreement->machine, number, agreement->now);
	return ACCEPTED;
}

/* ---- all --------------------------------------------------------------------------------------------- */

void exchange_receive(struct agreement *agreement, const struct agreement_path *path, const uint8_t *bytes,
		      size_t n, bool more)
{
	struct message_header header;
	enum message_refusal refusal = message_read_header(&header, bytes, n);

	if (!refusal)
		switch (header.type) {
		case MESSAGE_INITIATION:
			refusal = take_initiation_bytes(agreement, path, header.session, bytes, more);
			break;
		case MESSAGE_RESPONSE:
			exchange_response(agreement, path, header.session, bytes);
			break;
		case MESSAGE_COOKIE:
			refusal = take_cookie(agreement, path, header.session, bytes);
			break;
		case MESSAGE_CONFIRM:
			refusal = machine_confirm(&agreement->machine, header.session, bytes, path,
						  agreement->now);
			break;
		case MESSAGE_ACK:
			refusal = machine_ack(&agreement->machine, header.session, bytes, agreement->now);
			break;
		}
	agreement->refused[refusal]++;
	agreement->refused_from[refusal] = path->remote;
}
