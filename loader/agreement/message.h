/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The five control messages of the key agreement (docs/agreement.md): their layout, their payloads, and why one is
 * refused. All numbers are big-endian on the wire and in host order in these structs. No cryptography.
 */
#ifndef XDPSEC_CONTROL_MESSAGE_H
#define XDPSEC_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agreement/timestamp.h"

enum message_type {
	MESSAGE_INITIATION = 1,
	MESSAGE_RESPONSE,
	MESSAGE_COOKIE,
	MESSAGE_CONFIRM,
	MESSAGE_ACK,
};

enum {
	MESSAGE_VERSION = 1,
	MESSAGE_HEADER_LEN = 16,

	INITIATION_LEN = 176,
	INITIATION_EPHEMERAL = 16,
	INITIATION_STATIC = 48,
	INITIATION_PAYLOAD = 96,
	INITIATION_MAC1 = 144,
	INITIATION_MAC2 = 160,

	RESPONSE_LEN = 112,
	RESPONSE_EPHEMERAL = 16,
	RESPONSE_PAYLOAD = 48,
	RESPONSE_MAC1 = 96,

	COOKIE_LEN = 80,
	COOKIE_NONCE = 16,
	COOKIE_SEALED = 48,

	CONFIRM_LEN = 32, /* Ack as well */
	CONFIRM_MAC = 16,

	MESSAGE_LEN_MAX = INITIATION_LEN,
	PAYLOAD_LEN = 32, /* of Initiation and Response, without the tag */

	REJECT_AFTER_MIN = 180, /* seconds */
	REJECT_AFTER_MAX = 65535,
	CARRIES_TUNNEL = 4,
	CARRIES_INLINE = 17,
};

/* Generations are from 1 to GENERATION_END - 1. */
#define GENERATION_END (UINT32_C(1) << 31)

/* Suites, as bits. The last two are reserved. */
enum suite {
	SUITE_AES_128_OCB = 1,
	SUITE_AES_256_OCB = 2,
	SUITE_AES_128_GCM = 4,
	SUITE_AES_256_GCM = 8,
};

/*
 * Why a message is refused: the first check that fails, in this order, which is also the order of the checks of an
 * Initiation. X(constant, name, text): the name is that of the counter.
 */
#define MESSAGE_REFUSALS(X)                                                                                  \
	X(REFUSED_LENGTH, "length", "wrong length for its type")                                             \
	X(REFUSED_TYPE, "type", "no control message, or of an unknown type")                                 \
	X(REFUSED_VERSION, "version", "unknown version")                                                     \
	X(REFUSED_RESERVED, "reserved", "reserved bits are set")                                             \
	X(REFUSED_BAD_MAC1, "bad_mac1", "MAC1 is wrong: the sender does not know our public key")            \
	X(REFUSED_UNDER_LOAD, "under_load", "under load, and MAC2 is wrong or missing")                      \
	X(REFUSED_RATE, "rate", "under load, and too many from one address")                                 \
	X(REFUSED_NO_SESSION, "no_session", "answers nothing that was asked")                                \
	X(REFUSED_REFLECTED, "reflected", "one of our own came back")                                        \
	X(REFUSED_LOW_ORDER, "low_order", "a public key is a point of low order")                            \
	X(REFUSED_DECRYPT, "decrypt", "does not decrypt")                                                    \
	X(REFUSED_UNKNOWN_KEY, "unknown_key", "the sender's public key belongs to no peer")                  \
	X(REFUSED_MALFORMED, "malformed", "authentic, and a field is out of range")                          \
	X(REFUSED_TOO_SOON, "too_soon", "less than 20 ms after the peer's last one")                         \
	X(REFUSED_REPLAYED, "replayed", "its timestamp is not newer than that of the peer's last one")       \
	X(REFUSED_BAD_MAC, "bad_mac", "Confirm or Ack: the MAC is wrong")                                    \
	X(REFUSED_PSK_UNREADABLE, "psk_unreadable", "the preshared key cannot be read")                      \
	X(REFUSED_FAILED, "failed", "libcrypto failed")

#define MESSAGE_REFUSAL_CONSTANT(constant, name, text) constant,
enum message_refusal { ACCEPTED, MESSAGE_REFUSALS(MESSAGE_REFUSAL_CONSTANT) MESSAGE_REFUSAL_COUNT };
#undef MESSAGE_REFUSAL_CONSTANT

/* "bad_mac1"; ACCEPTED: "accepted". */
const char *message_refusal_name(enum message_refusal refusal);
/* One sentence, without a full stop. */
const char *message_refusal_text(enum message_refusal refusal);

/* Why a responder makes no pair: the reason in its Response, authentic. */
enum denial { DENIAL_NONE, DENIAL_SUITE, DENIAL_CARRIES, DENIAL_BINDING, DENIAL_NO_SA, DENIAL_COUNT };

/* "no common suite", and so on. */
const char *denial_text(enum denial denial);

struct message_header {
	enum message_type type;
	uint32_t session;
};

/*
 * Length, type, version and reserved bits of a datagram; *header is written if ACCEPTED. The MACs are not looked at,
 * nor whether the Session is known.
 */
enum message_refusal message_read_header(struct message_header *header, const uint8_t *bytes, size_t n);
void message_write_header(uint8_t bytes[MESSAGE_HEADER_LEN], enum message_type type, uint32_t session);

/* The length of a type's messages; 0: no such type. */
size_t message_length(enum message_type type);

/* Payload of an Initiation. */
struct initiation_payload {
	struct timestamp timestamp;
	uint32_t generation;   /* offered */
	uint64_t life;	       /* the initiator's */
	uint8_t carries;       /* CARRIES_ */
	uint8_t binding;       /* enum xdpsec_binding */
	uint8_t suites;	       /* offered, as bits */
	uint16_t reject_after; /* seconds */
};

/* Payload of a Response. */
struct response_payload {
	uint32_t spi;	     /* of what the responder will receive; 0 in a refusal */
	uint32_t generation; /* assigned */
	uint64_t life;	     /* the responder's */
	uint8_t carries;
	uint8_t binding;
	uint8_t suite;	       /* chosen: one bit; 0: refused */
	uint8_t denial;	       /* if refused */
	uint16_t reject_after; /* seconds: the lesser of both */
};

void initiation_payload_write(uint8_t bytes[PAYLOAD_LEN], const struct initiation_payload *payload);
void response_payload_write(uint8_t bytes[PAYLOAD_LEN], const struct response_payload *payload);

/*
 * Read a payload that was authentic, and check the ranges of its fields. false: malformed; *payload is untouched.
 * session is that of the Initiation's header.
 */
bool initiation_payload_read(struct initiation_payload *payload, const uint8_t bytes[PAYLOAD_LEN],
			     uint32_t session);
/* offered: what the Initiation said that this answers. */
bool response_payload_read(struct response_payload *payload, const uint8_t bytes[PAYLOAD_LEN],
			   const struct initiation_payload *offered);

/* The length in bytes of a suite's key; 0: not exactly one known suite. */
size_t suite_key_length(uint8_t suite);

/* The first of preferred (n suites, each one bit) that is offered; 0: none. */
uint8_t suite_choose(uint8_t offered, const uint8_t *preferred, size_t n);

#endif
