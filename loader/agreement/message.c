// SPDX-License-Identifier: GPL-2.0-or-later
/* Control messages: their layout, packed and parsed. */
#include <string.h>

#include "agreement/message.h"
#include "base/array.h"
#include "xdpsec/wire.h"

/* Payload of the Initiation. */
enum {
	INITIATION_TIMESTAMP = 0,
	INITIATION_GENERATION = 12,
	INITIATION_LIFE = 16,
	INITIATION_CARRIES = 24,
	INITIATION_BINDING = 25,
	INITIATION_SUITES = 26,
	INITIATION_REJECT_AFTER = 28,
};

/* Payload of the Response. */
enum {
	RESPONSE_SPI = 0,
	RESPONSE_GENERATION = 4,
	RESPONSE_LIFE = 8,
	RESPONSE_CARRIES = 16,
	RESPONSE_BINDING = 17,
	RESPONSE_SUITE = 18,
	RESPONSE_DENIAL = 19,
	RESPONSE_REJECT_AFTER = 20,
};

static void put(uint8_t *bytes, uint64_t value, int n)
{
	while (n--) {
		bytes[n] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get(const uint8_t *bytes, int n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | *bytes++;
	return value;
}

/* ---- why not ----------------------------------------------------------------------------------------- */

#define REFUSAL_NAME(constant, name, text) [constant] = (name),
#define REFUSAL_TEXT(constant, name, text) [constant] = (text),

const char *message_refusal_name(enum message_refusal refusal)
{
	static const char *const names[] = { [ACCEPTED] = "accepted", MESSAGE_REFUSALS(REFUSAL_NAME) };

	return (size_t)refusal < ARRAY_SIZE(names) ? names[refusal] : "unknown";
}

const char *message_refusal_text(enum message_refusal refusal)
{
	static const char *const texts[] = { [ACCEPTED] = "accepted", MESSAGE_REFUSALS(REFUSAL_TEXT) };

	return (size_t)refusal < ARRAY_SIZE(texts) ? texts[refusal] : "unknown";
}

const char *denial_text(enum denial denial)
{
	static const char *const texts[] = {
		[DENIAL_NONE] = "not refused",
		[DENIAL_SUITE] = "no common suite",
		[DENIAL_CARRIES] = "one end is in tunnel mode, the other is not",
		[DENIAL_BINDING] = "binding differs",
		[DENIAL_NO_SA] = "no free SA",
	};

	return (size_t)denial < ARRAY_SIZE(texts) ? texts[denial] : "unknown reason";
}

/* ---- the header -------------------------------------------------------------------------------------- */

size_t message_length(enum message_type type)
{
	switch (type) {
	case MESSAGE_INITIATION:
		return INITIATION_LEN;
	case MESSAGE_RESPONSE:
		return RESPONSE_LEN;
	case MESSAGE_COOKIE:
		return COOKIE_LEN;
	case MESSAGE_CONFIRM:
	case MESSAGE_ACK:
		return CONFIRM_LEN;
	}
	return 0;
}

enum message_refusal message_read_header(struct message_header *header, const uint8_t *bytes, size_t n)
{
	size_t length;

	if (n < MESSAGE_HEADER_LEN)
		return REFUSED_LENGTH;
	length = message_length(bytes[4]);
	if (get(bytes, 4) || !length) /* an SPI: data */
		return REFUSED_TYPE;
	if (n != length)
		return REFUSED_LENGTH;
	if (bytes[5] != MESSAGE_VERSION)
		return REFUSED_VERSION;
	if (get(bytes + 6, 2) || get(bytes + 12, 4))
		return REFUSED_RESERVED;
	header->type = bytes[4];
	header->session = get(bytes + 8, 4);
	return ACCEPTED;
}

void message_write_header(uint8_t bytes[MESSAGE_HEADER_LEN], enum message_type type, uint32_t session)
{
	memset(bytes, 0, MESSAGE_HEADER_LEN);
	bytes[4] = type;
	bytes[5] = MESSAGE_VERSION;
	put(bytes + 8, session, 4);
}

/* ---- payloads ---------------------------------------------------------------------------------------- */

void initiation_payload_write(uint8_t bytes[PAYLOAD_LEN], const struct initiation_payload *payload)
{
	memset(bytes, 0, PAYLOAD_LEN);
	memcpy(bytes + INITIATION_TIMESTAMP, payload->timestamp.bytes, TIMESTAMP_LEN);
	put(bytes + INITIATION_GENERATION, payload->generation, 4);
	put(bytes + INITIATION_LIFE, payload->life, 8);
	bytes[INITIATION_CARRIES] = payload->carries;
	bytes[INITIATION_BINDING] = payload->binding;
	bytes[INITIATION_SUITES] = payload->suites;
	put(bytes + INITIATION_REJECT_AFTER, payload->reject_after, 2);
}

void response_payload_write(uint8_t bytes[PAYLOAD_LEN], const struct response_payload *payload)
{
	memset(bytes, 0, PAYLOAD_LEN);
	put(bytes + RESPONSE_SPI, payload->spi, 4);
	put(bytes + RESPONSE_GENERATION, payload->generation, 4);
	put(bytes + RESPONSE_LIFE, payload->life, 8);
	bytes[RESPONSE_CARRIES] = payload->carries;
	bytes[RESPONSE_BINDING] = payload->binding;
	bytes[RESPONSE_SUITE] = payload->suite;
	bytes[RESPONSE_DENIAL] = payload->denial;
	put(bytes + RESPONSE_REJECT_AFTER, payload->reject_after, 2);
}

bool initiation_payload_read(struct initiation_payload *payload, const uint8_t bytes[PAYLOAD_LEN],
			     uint32_t session)
{
	struct initiation_payload read = {
		.generation = get(bytes + INITIATION_GENERATION, 4),
		.life = get(bytes + INITIATION_LIFE, 8),
		.carries = bytes[INITIATION_CARRIES],
		.binding = bytes[INITIATION_BINDING],
		.suites = bytes[INITIATION_SUITES],
		.reject_after = get(bytes + INITIATION_REJECT_AFTER, 2),
	};

	memcpy(read.timestamp.bytes, bytes + INITIATION_TIMESTAMP, TIMESTAMP_LEN);
	if (session < XDPSEC_SPI_MIN || read.generation == 0 || read.generation >= GENERATION_END ||
	    (read.carries != CARRIES_TUNNEL && read.carries != CARRIES_INLINE) ||
	    read.binding > XDPSEC_BIND_ADDRESSES || read.suites == 0 || read.reject_after < REJECT_AFTER_MIN)
		return false;
	*payload = read;
	return true;
}

/* A refusal makes no pair, and says what the responder has: carries and binding need not be those that were offered. */
static bool denial_fits(const struct response_payload *read, const struct initiation_payload *offered)
{
	return read->denial > DENIAL_NONE && read->denial < DENIAL_COUNT && read->spi == 0 &&
	       read->generation == offered->generation;
}

static bool choice_fits(const struct response_payload *read, const struct initiation_payload *offered)
{
	return read->spi >= XDPSEC_SPI_MIN && read->generation >= offered->generation &&
	       read->generation < GENERATION_END && read->carries == offered->carries &&
	       read->binding == offered->binding && suite_key_length(read->suite) &&
	       (read->suite & offered->suites) && read->reject_after >= REJECT_AFTER_MIN &&
	       read->reject_after <= offered->reject_after;
}

bool response_payload_read(struct response_payload *payload, const uint8_t bytes[PAYLOAD_LEN],
			   const struct initiation_payload *offered)
{
	struct response_payload read = {
		.spi = get(bytes + RESPONSE_SPI, 4),
		.generation = get(bytes + RESPONSE_GENERATION, 4),
		.life = get(bytes + RESPONSE_LIFE, 8),
		.carries = bytes[RESPONSE_CARRIES],
		.binding = bytes[RESPONSE_BINDING],
		.suite = bytes[RESPONSE_SUITE],
		.denial = bytes[RESPONSE_DENIAL],
		.reject_after = get(bytes + RESPONSE_REJECT_AFTER, 2),
	};

	if (!(read.suite ? choice_fits(&read, offered) : denial_fits(&read, offered)))
		return false;
	*payload = read;
	return true;
}

/* ---- suites ------------------------------------------------------------------------------------------ */

size_t suite_key_length(uint8_t suite)
{
	switch (suite) {
	case SUITE_AES_128_OCB:
	case SUITE_AES_128_GCM:
		return 16;
	case SUITE_AES_256_OCB:
	case SUITE_AES_256_GCM:
		return 32;
	}
	return 0;
}

uint8_t suite_choose(uint8_t offered, const uint8_t *preferred, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (preferred[i] & offered)
			return preferred[i];
	}
	return 0;
}
