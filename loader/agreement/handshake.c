// SPDX-License-Identifier: GPL-2.0-or-later
/* Initiation, Response, Confirm and Ack. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "agreement/handshake.h"
#include "base/array.h"

#define PROLOGUE "XDPsec key agreement 1"
#define PROLOGUE_LEN (sizeof(PROLOGUE) - 1)

void data_key_wipe(struct data_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

void handshake_result_wipe(struct handshake_result *result)
{
	OPENSSL_cleanse(result, sizeof(*result));
}

void initiation_wipe(struct initiation *initiation)
{
	OPENSSL_cleanse(initiation, sizeof(*initiation));
}

void opening_wipe(struct opening *opening)
{
	OPENSSL_cleanse(opening, sizeof(*opening));
}

static enum message_refusal refusal_of(int err)
{
	return err == 0		 ? ACCEPTED
	       : err == -EINVAL	 ? REFUSED_LOW_ORDER
	       : err == -EBADMSG ? REFUSED_DECRYPT
				 : REFUSED_FAILED;
}

/* The Initiation's header is part of the transcript: so are the version and the initiator's SPI. */
static int begin(struct noise *noise, const uint8_t header[MESSAGE_HEADER_LEN],
		 const struct public_key *responder)
{
	uint8_t prologue[PROLOGUE_LEN + MESSAGE_HEADER_LEN];

	memcpy(prologue, PROLOGUE, PROLOGUE_LEN);
	memcpy(prologue + PROLOGUE_LEN, header, MESSAGE_HEADER_LEN);
	return noise_begin(noise, prologue, sizeof(prologue), responder);
}

/* ---- what a handshake gives -------------------------------------------------------------------------- */

/* The suite that was chosen, and the handshake hash: they are in the info of each expansion. */
struct key_terms {
	const uint8_t *h;
	uint8_t suite;
};

static int expand(uint8_t *out, size_t n, const struct secret *k, const char *label,
		  const struct key_terms *terms)
{
	uint8_t info[32 + 1 + HASH_LEN];
	size_t used = strlen(label);

	memcpy(info, label, used);
	info[used++] = terms->suite;
	memcpy(info + used, terms->h, HASH_LEN);
	return primitive_expand(out, n, k->bytes, info, used + HASH_LEN);
}

static int make_proof(uint8_t message[CONFIRM_LEN], enum message_type type, uint32_t session,
		      const struct secret *k, const struct key_terms *terms)
{
	_cleanup_secret_ struct secret key;

	message_write_header(message, type, session);
	return expand(key.bytes, SECRET_LEN, k, type == MESSAGE_CONFIRM ? "xdpsec1 confirm" : "xdpsec1 ack",
		      terms)
		       ?: primitive_mac(message + CONFIRM_MAC, MAC_LEN, key.bytes, SECRET_LEN, message,
					MESSAGE_HEADER_LEN);
}

/* by_initiator, by_responder: the keys that these send with. */
static int derive_all(struct data_key *by_initiator, struct data_key *by_responder, struct proofs *proofs,
		      const struct noise *noise, const struct response_payload *payload, uint32_t session)
{
	_cleanup_secret_ struct secret k_i, k_r;
	struct key_terms terms = { noise->h, payload->suite };
	size_t n = suite_key_length(payload->suite);
	int err = noise_split(noise, &k_i, &k_r);

	if (err)
		return err;
	by_initiator->length = by_responder->length = n;
	return expand(by_initiator->bytes, n, &k_i, "xdpsec1 data", &terms)
		?: expand(by_responder->bytes, n, &k_r, "xdpsec1 data", &terms)
		?: make_proof(proofs->confirm, MESSAGE_CONFIRM, payload->spi, &k_i, &terms)
		?: make_proof(proofs->ack, MESSAGE_ACK, session, &k_r, &terms);
}

bool confirm_right(const struct proofs *proofs, const uint8_t message[CONFIRM_LEN])
{
	return primitive_equal(proofs->confirm, message, CONFIRM_LEN);
}

bool ack_right(const struct proofs *proofs, const uint8_t message[CONFIRM_LEN])
{
	return primitive_equal(proofs->ack, message, CONFIRM_LEN);
}

/* ---- the initiator ----------------------------------------------------------------------------------- */

static int write_initiation(struct initiation *initiation, uint8_t *message, const struct identity *own,
			    const struct public_key *peer)
{
	uint8_t payload[PAYLOAD_LEN];

	message_write_header(message, MESSAGE_INITIATION, initiation->session);
	memcpy(message + INITIATION_EPHEMERAL, initiation->ephemeral.public_key.bytes, PUBLIC_LEN);
	initiation_payload_write(payload, &initiation->offered);
	return begin(&initiation->noise, message, peer)
		       ?: noise_write_first(&initiation->noise, own, &initiation->ephemeral, peer,
					    message + INITIATION_STATIC, payload, sizeof(payload),
					    message + INITIATION_PAYLOAD);
}

static int write_macs(struct initiation *initiation, uint8_t *message, const struct mac_keys *peer_keys,
		      const struct cookie *cookie)
{
	int err = mac1_write(message, INITIATION_MAC1, peer_keys);

	memcpy(initiation->mac1, message + INITIATION_MAC1, MAC_LEN);
	memset(message + INITIATION_MAC2, 0, MAC_LEN);
	return err ?: (cookie ? cookie_mac2_write(message, cookie) : 0);
}

int initiation_make(struct initiation *initiation, uint8_t message[INITIATION_LEN],
		    const struct identity *own, const struct public_key *peer,
		    const struct mac_keys *peer_keys, uint32_t session,
		    const struct initiation_payload *payload, struct secret *ephemeral,
		    const struct cookie *cookie)
{
	int err;

	initiation->session = session;
	initiation->offered = *payload;
	err = identity_make(&initiation->ephemeral, ephemeral)
		?: write_initiation(initiation, message, own, peer)
		?: write_macs(initiation, message, peer_keys, cookie);
	secret_wipe(ephemeral);
	primitive_forget();
	if (err) {
		initiation_wipe(initiation);
		OPENSSL_cleanse(message, INITIATION_LEN);
	}
	return err;
}

/* Decrypt with each psk in turn: one end may have read a new one before the other (Rosenpass). */
static int try_psks(struct noise *noise, uint8_t payload[PAYLOAD_LEN], size_t *used,
		    const struct secret *psks, size_t n, const uint8_t *message)
{
	_cleanup_noise_ struct noise before = *noise;
	int err = -EBADMSG;
	size_t i;

	for (i = 0; i < n && err == -EBADMSG; i++) {
		*noise = before;
		*used = i;
		err = noise_read_second_payload(noise, &psks[i], message + RESPONSE_PAYLOAD,
						PAYLOAD_LEN + AEAD_TAG_LEN, payload);
	}
	return err;
}

static enum message_refusal read_response(struct handshake_result *result, struct response_payload *payload,
					  size_t *used, const struct initiation *initiation,
					  const struct identity *own, const struct secret *psks, size_t n,
					  const uint8_t *message)
{
	_cleanup_noise_ struct noise noise = initiation->noise;
	struct public_key ephemeral;
	uint8_t bytes[PAYLOAD_LEN];
	int err;

	memcpy(ephemeral.bytes, message + RESPONSE_EPHEMERAL, PUBLIC_LEN);
	err = noise_read_second_keys(&noise, own, &initiation->ephemeral, &ephemeral)
		      ?: try_psks(&noise, bytes, used, psks, n, message);
	if (err)
		return refusal_of(err);
	if (!response_payload_read(payload, bytes, &initiation->offered))
		return REFUSED_MALFORMED;
	if (!payload->suite)
		return ACCEPTED;
	return refusal_of(derive_all(&result->send, &result->receive, &result->proofs, &noise, payload,
				     initiation->session));
}

enum message_refusal response_consume(struct handshake_result *result, struct response_payload *payload,
				      size_t *used, const struct initiation *initiation,
				      const struct identity *own, const struct mac_keys *own_keys,
				      const struct secret *psks, size_t n,
				      const uint8_t message[RESPONSE_LEN])
{
	_cleanup_handshake_result_ struct handshake_result made = {};
	struct response_payload read = {};
	enum message_refusal refusal;
	size_t which = 0;

	if (!mac1_right(message, RESPONSE_MAC1, own_keys))
		return REFUSED_BAD_MAC1;
	refusal = read_response(&made, &read, &which, initiation, own, psks, n, message);
	primitive_forget();
	if (refusal)
		return refusal;
	*result = made;
	*payload = read;
	*used = which;
	return ACCEPTED;
}

/* ---- the responder ----------------------------------------------------------------------------------- */

enum message_refusal initiation_open(struct opening *opening, const struct identity *own,
				     const uint8_t message[INITIATION_LEN])
{
	struct message_header header;
	enum message_refusal refusal = message_read_header(&header, message, INITIATION_LEN);

	if (refusal)
		return refusal;
	opening->session = header.session;
	memcpy(opening->ephemeral.bytes, message + INITIATION_EPHEMERAL, PUBLIC_LEN);
	refusal = refusal_of(begin(&opening->noise, message, &own->public_key)
				     ?: noise_read_first_static(&opening->noise, own, &opening->ephemeral,
								message + INITIATION_STATIC,
								&opening->initiator));
	if (refusal) {
		opening_wipe(opening);
		primitive_forget();
	}
	return refusal;
}

enum message_refusal initiation_open_payload(struct opening *opening, struct initiation_payload *payload,
					     const struct identity *own,
					     const uint8_t message[INITIATION_LEN])
{
	uint8_t bytes[PAYLOAD_LEN];
	enum message_refusal refusal = refusal_of(
		noise_read_first_payload(&opening->noise, own, &opening->initiator,
					 message + INITIATION_PAYLOAD, PAYLOAD_LEN + AEAD_TAG_LEN, bytes));

	if (!refusal && !initiation_payload_read(payload, bytes, opening->session))
		refusal = REFUSED_MALFORMED;
	if (refusal) {
		opening_wipe(opening);
		primitive_forget();
	}
	return refusal;
}

static int write_response(uint8_t *message, struct opening *opening, const struct mac_keys *initiator_keys,
			  const struct response_payload *payload, const struct identity *ephemeral,
			  const struct secret *psk)
{
	uint8_t bytes[PAYLOAD_LEN];

	message_write_header(message, MESSAGE_RESPONSE, opening->session);
	memcpy(message + RESPONSE_EPHEMERAL, ephemeral->public_key.bytes, PUBLIC_LEN);
	response_payload_write(bytes, payload);
	return noise_write_second(&opening->noise, ephemeral, &opening->ephemeral, &opening->initiator, psk,
				  bytes, sizeof(bytes), message + RESPONSE_PAYLOAD)
		       ?: mac1_write(message, RESPONSE_MAC1, initiator_keys);
}

int response_make(struct handshake_result *result, uint8_t message[RESPONSE_LEN], struct opening *opening,
		  const struct mac_keys *initiator_keys, const struct response_payload *payload,
		  struct secret *ephemeral, const struct secret *psk)
{
	_cleanup_identity_ struct identity pair;
	int err;

	memset(result, 0, sizeof(*result));
	err = identity_make(&pair, ephemeral)
		      ?: write_response(message, opening, initiator_keys, payload, &pair, psk);
	if (!err && payload->suite)
		err = derive_all(&result->receive, &result->send, &result->proofs, &opening->noise, payload,
				 opening->session);
	secret_wipe(ephemeral);
	opening_wipe(opening);
	primitive_forget();
	if (err) {
		handshake_result_wipe(result);
		OPENSSL_cleanse(message, RESPONSE_LEN);
	}
	return err;
}
